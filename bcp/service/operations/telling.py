"""A situation told to programs and terminals. Pure: the values in, words and numbers out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bcp.kit.language import text
from bcp.kit.units import duration_ja, jst, to_us
from bcp.service.operations.operation import Verdict
from runbooks.desk import Situation
from runbooks.gates import open_gates
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
        f"  食い違い {one.step} {text(f'pages.way_{one.way}').ja} ({one.check})"
        for one in situation.contradictions
    ]
    lines += [f"  解除の条件 {gate.id}" for gate in open_gates(incident)]
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
        "contradictions": len(situation.contradictions),
        "gates": [gate.id for gate in open_gates(incident)],
    }
