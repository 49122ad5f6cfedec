"""A situation told to programs and terminals. Pure: the values in, words and numbers out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bcp.kit.language import text
from bcp.kit.units import duration_ja, jst, to_us
from bcp.plan.model import City
from bcp.service.operations.operation import Verdict
from runbooks.consequences import Consequences
from runbooks.desk import Situation
from runbooks.holding import holds
from runbooks.targets import Goal

_GOALS = {
    Goal.ATTAINED: "● 達成",
    Goal.PENDING: "… 未達",
    Goal.OVERDUE: "■ 超過",
    Goal.UNSET: "－ 未設定",
}


def verdict(situation: Situation) -> Verdict:
    """Good only when every level in scope is attained by evidence; not provable is not good."""
    goals = {level.goal for level in situation.levels}
    goals |= {service.goal for service in situation.services}
    if situation.contradictions or goals & {Goal.OVERDUE, Goal.PENDING}:
        return Verdict.FINDING
    return Verdict.GOOD if goals <= {Goal.ATTAINED} else Verdict.UNKNOWN


def lines_of(situation: Situation) -> list[str]:
    incident, now = situation.incident, situation.now
    mark = "【訓練】" if incident.kind == "drill" else "【実対応】"
    past = duration_ja(now - incident.onset)
    lines = [
        f"{mark} {incident.id} 段階{incident.level} {incident.phase.value} "
        f"発災 {jst(incident.onset)} ({past} 経過)"
    ]
    for service in situation.services:
        paper = " 紙で対応中" if service.on_paper else ""
        lines.append(f"  {_GOALS.get(service.goal, '？ 未確認')} {service.name}{paper}")
    for target in situation.levels:
        due = jst(target.deadline, "%m/%d %H:%M") if target.deadline else "未設定"
        lines.append(
            f"    {_GOALS.get(target.goal, '？ 未確認')} {target.system} {target.level} "
            f"{target.name} 期限 {due}"
        )
    first = [(item.standing.step, item.why) for item in situation.next[:5]]
    lines += [f"  次 {step.id} {step.title} — {why.ja}" for step, why in first]
    lines += [
        f"  食い違い {one.step or one.system} {text(f'pages.way_{one.way}').ja} ({one.check})"
        for one in situation.contradictions
    ]
    lines += [f"  保留 {text(f'runbooks.hold_{what}').ja}" for what in holds(incident)]
    lines += [
        f"  {one.system} {one.level} は {len(one.under)} 件の発動の対象。早い期限は {one.counts.incident}"
        for one in situation.joint
        if one.counts is not None
    ]
    for gate in (gate for gate in situation.gates if gate.open):
        held = "、".join(gate.holds[:8])
        name = text(f"runbooks.gate_{gate.id}").ja
        lines.append(f"  解除の条件 {gate.id} {name}" + (f": {held}" if held else ""))
    return lines


def facts_of(situation: Situation) -> dict[str, Any]:
    incident = situation.incident

    def us(instant: datetime | None) -> int | None:
        return None if instant is None else to_us(instant)

    def seconds(span: timedelta | None) -> int | None:
        return None if span is None else int(span.total_seconds())

    return {
        "incident": incident.id,
        "kind": incident.kind,
        "phase": incident.phase.value,
        "level": incident.level,
        "onset_us": us(incident.onset),
        "declared_us": us(incident.declared_at),
        "ratification": incident.ratification.value,
        "steps": {id: standing.stand.value for id, standing in situation.steps.items()},
        "next": [
            {"step": n.standing.step.id, "title": n.standing.step.title, "why": n.why.ja}
            for n in situation.next
        ],
        "levels": [
            {
                "system": target.system,
                "level": target.level,
                "goal": target.goal.value,
                "deadline_us": us(target.deadline),
                "attained_us": us(target.attained_at),
                "slack_seconds": seconds(target.slack),
                "rpo_attained_seconds": seconds(target.rpo_attained),
            }
            for target in situation.levels
        ],
        "services": [
            {
                "service": service.service,
                "goal": service.goal.value,
                "deadline_us": us(service.deadline),
                "on_paper": service.on_paper,
            }
            for service in situation.services
        ],
        "states": {id: state.value for id, state in situation.states.items()},
        "several": [
            {
                "system": one.system,
                "level": one.level,
                "under": [
                    {"incident": under.incident, "deadline_us": us(under.deadline)}
                    for under in one.under
                ],
                "counts": one.counts.incident if one.counts is not None else None,
            }
            for one in situation.joint
        ],
        "holds": list(holds(incident)),
        "estimates": [
            {"kind": e.kind, "id": e.id, "eta_us": us(e.eta), "source": e.source}
            for e in incident.estimates
        ],
        "links": list(incident.links),
        "contradictions": len(situation.contradictions),
        "gates": [gate.id for gate in situation.gates if gate.open],
    }


def consequence_lines(told: Consequences, city: City) -> list[str]:
    """What a declaration would do, in words; nothing has been done."""
    lines = ["まだ発動していません。発動すると次のことが起きます / nothing was declared; it would:"]
    lines += [
        f"  手順書 {len(told.runbooks)} 本を固定する: {'、'.join(r.title for r in told.runbooks)}"
    ]
    lines += [
        f"  参集 {one.role}: {'、'.join(_called(city, id) for id in one.people) or '未設定'}"
        for one in told.muster
    ]
    lines += [f"  告知 {step} {title}" for step, title in told.announcements]
    lines += [
        f"  期限 {one.name} {one.level} {jst(one.deadline, '%m/%d %H:%M')}"
        f"{' (開庁時間で数える)' if one.business_time else ''}"
        f"{f' ({one.season})' if one.season else ''}"
        for one in told.clocks
    ]
    lines += [f"  期限 未設定 {told.unset} 件"] if told.unset else []
    lines += [f"  訓練を中止する: {id}" for id in told.drills]
    lines += [f"  {id} はそのまま続く(期限は変わらない)" for id in told.links]
    if told.ratify_by is not None:
        lines.append(f"  事後承認の期限 {jst(told.ratify_by, '%m/%d %H:%M')}")
    return [*lines, "  監視の通知は止まりません / no alert is muted"]


def _called(city: City, id: str) -> str:
    person = city.person(id)
    return person.name if person is not None else id


def consequence_facts(told: Consequences) -> dict[str, Any]:
    """The same for programs."""
    return {
        "dry_run": True,
        "runbooks": [runbook.id for runbook in told.runbooks],
        "muster": [{"role": one.role, "people": list(one.people)} for one in told.muster],
        "announcements": [{"step": step, "title": title} for step, title in told.announcements],
        "clocks": [
            {
                "kind": one.kind,
                "id": one.id,
                "level": one.level,
                "deadline_us": to_us(one.deadline),
                "season": one.season,
                "business_time": one.business_time,
            }
            for one in told.clocks
        ],
        "unset": told.unset,
        "drills_stopped": list(told.drills),
        "links": list(told.links),
        "muted": list(told.muted),
        "ratify_by_us": to_us(told.ratify_by) if told.ratify_by is not None else None,
    }
