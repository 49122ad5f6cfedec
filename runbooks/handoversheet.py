"""引継書 (ICS-201 style): what the next commander must know, on paper both can point at. Pure.

Situation, objectives, open steps with owner and next action, what is waited for, decisions pending,
open emergency changes with their expiry, alerts that are muted, hours people have worked. The head of
the log at that moment stands at its foot: afterwards nobody can say it knew more or less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bcp.kit.language import text
from bcp.kit.units import duration_ja, jst
from runbooks.attention import papers, wanted
from runbooks.desk import Situation
from runbooks.outlook import outlooks, service_outlook
from runbooks.paper.sheet import Block, Heading, Note, Table
from runbooks.progress import Stand, Standing
from runbooks.sitrep import outlook_words
from runbooks.targets import Goal
from runbooks.told import Told, person

_SERVICES, _STEPS, _GOALS, _MUTED, _PEOPLE = 12, 20, 8, 10, 20


@dataclass(frozen=True, slots=True)
class Shift:
    """What the log shows of one person's hours."""

    person: str
    first: datetime
    last: datetime
    acts: int


@dataclass(frozen=True, slots=True)
class Muted:
    """An alert that is silent now, and why."""

    check: str
    why: str


def handover_sheet(
    seen: Situation,
    muted: Sequence[Muted],
    shifts: Sequence[Shift],
    head: tuple[int, str],
) -> Told:
    """The sheet as of now; `head` = size and root of the log."""
    incident = seen.incident
    return Told(
        "handover",
        0,
        incident.id,
        None if incident.real else incident.stage,
        f"引継書 {incident.id}",
        seen.now,
        head[0],
        tuple(_blocks(seen, muted, shifts, head)),
    )


def _blocks(
    seen: Situation, muted: Sequence[Muted], shifts: Sequence[Shift], head: tuple[int, str]
) -> list[Block]:
    return [
        Note(_situation(seen)),
        Heading("1. 状況(業務)"),
        *_services(seen),
        Heading("2. 当面の目標(期限の近い順)"),
        *_goals(seen),
        Heading("3. 進行中と次の手順"),
        *_steps(seen),
        Heading("4. 待っているもの"),
        *_waiting(seen),
        Heading("5. 要判断"),
        *_decisions(seen),
        Heading("6. 緊急変更(戻すまで解除できない)"),
        *_changes(seen),
        Heading("7. 鳴らしていない警報"),
        *_muted(muted),
        Heading("8. 職員の従事時間(記録から)"),
        *_shifts(shifts, seen.now),
        Note(_rest(seen)),
        Note(f"記録の先頭: {head[0]} 件・{head[1]}"),
    ]


def _situation(seen: Situation) -> str:
    incident = seen.incident
    return "・".join(
        (
            f"{jst(seen.now, '%Y-%m-%d %H:%M')} 時点",
            f"{text(f'runbooks.nature_{incident.nature}').ja}・{seen.city.disaster.level_name(incident.level)}・"
            f"{text(f'runbooks.phase_{incident.phase.value}').ja}",
            f"発災 {_at(incident.onset)} (経過 {duration_ja(seen.now - incident.onset)})",
            f"今の統括者 {person(incident.commander or incident.declared_by)}",
        )
    )


def _services(seen: Situation) -> list[Block]:
    down = [one for one in seen.services if one.goal is not Goal.ATTAINED]
    back = len(seen.services) - len(down)
    down.sort(key=lambda one: one.slack if one.slack is not None else timedelta(days=9999))
    ahead = outlooks(seen)
    rows = tuple(
        (
            one.name,
            text(f"runbooks.goal_{one.goal.value}").ja + ("・紙で対応中" if one.on_paper else ""),
            outlook_words(service_outlook(one, ahead), seen.now),
            _at(one.deadline),
        )
        for one in down[:_SERVICES]
    )
    more = f"達成 {back}業務" + (
        f"、ほか {len(down) - _SERVICES}業務" if len(down) > _SERVICES else ""
    )
    table: list[Block] = (
        [Table(("業務", "現在", "見込み(根拠)", "期限"), (5, 3, 5, 3), rows)] if rows else []
    )
    return [*table, Note(more)]


def _goals(seen: Situation) -> list[Block]:
    due = [one for one in seen.levels if one.deadline and not one.held and one.proven_by]
    due.sort(key=lambda one: one.deadline or seen.now)
    if not due:
        return [Note("なし")]
    rows = tuple(
        (one.system_name, f"{one.level} {one.name}".strip(), _at(one.deadline), _left(one.slack))
        for one in due[:_GOALS]
    )
    return [Table(("システム", "水準", "期限", "余裕"), (5, 4, 3, 3), rows)]


def _steps(seen: Situation) -> list[Block]:
    rows = []
    for item in seen.next[:_STEPS]:
        run = item.standing.run
        owner = person(run.claimed_by) if run.claimed_by else item.role
        rows.append(
            (
                f"{item.standing.step.id} {item.standing.step.title}",
                text(f"runbooks.stand_{item.standing.stand.value}").ja
                + ("・予定超過" if item.standing.overdue(seen.now) else ""),
                owner,
                _action(item.standing),
            )
        )
    if not rows:
        return [Note("なし")]
    more = len(seen.next) - len(rows)
    table = Table(("手順", "状態", "担当", "次にすること"), (6, 3, 3, 5), tuple(rows))
    return [table, *([Note(f"ほか {more}件")] if more > 0 else [])]


def _action(item: Standing) -> str:
    """The next action in one phrase."""
    if item.stand is Stand.FAILED:
        other = item.step.on_failure
        return f"できなかった。{other} に進む" if other else "できなかった。やり直すか、判断を仰ぐ"
    if item.stand is Stand.WAITING:
        return "回答を確かめる"
    if item.stand is Stand.RUNNING:
        return item.step.expect or "終わったら完了を記録する"
    return "着手する"


def _waiting(seen: Situation) -> list[Block]:
    waits = [one for one in seen.steps.values() if one.stand is Stand.WAITING]
    rows = tuple(
        (
            f"{one.step.id} {one.step.title}",
            _at(one.run.expected_at),
            "過ぎた" if one.overdue(seen.now) else "待ち",
        )
        for one in waits[:_STEPS]
    )
    if not rows:
        return [Note("なし")]
    return [Table(("手順", "回答の約束", ""), (8, 3, 2), rows)]


def _decisions(seen: Situation) -> list[Block]:
    found = wanted(seen)
    if not found:
        return [Note("なし")]
    lines = []
    for one in found[:_GOALS]:
        words = {
            "ratify": "発動の事後承認",
            "confirm": f"引継ぎの確認 ({person(one.subject)})",
            "expired": f"期限の切れた緊急変更 {one.subject}",
        }.get(one.kind, f"{one.subject} {one.title} ({one.role})")
        lines.append(Note(f"□ {words}"))
    if len(found) > _GOALS:
        lines.append(Note(f"ほか {len(found) - _GOALS}件"))
    return list(lines)


def _changes(seen: Situation) -> list[Block]:
    rows = tuple(
        (
            one.id,
            person(one.by),
            _at(one.since),
            (_at(one.expires_at) + (" 切れた" if one.expires_at < seen.now else ""))
            if one.expires_at
            else "期限なし",
        )
        for one in seen.incident.changes.values()
        if one.closed_at is None
    )
    if not rows:
        return [Note("なし")]
    return [Table(("変更", "行った人", "いつ", "期限"), (5, 3, 3, 3), rows)]


def _muted(muted: Sequence[Muted]) -> list[Block]:
    if not muted:
        return [Note("なし")]
    rows = tuple((one.check, one.why) for one in muted[:_MUTED])
    more = len(muted) - len(rows)
    table = Table(("監視", "理由"), (6, 4), rows)
    return [table, *([Note(f"ほか {more}件")] if more else [])]


def _shifts(shifts: Sequence[Shift], now: datetime) -> list[Block]:
    if not shifts:
        return [Note("記録なし")]
    rows = tuple(
        (
            person(one.person),
            _at(one.first),
            _at(one.last),
            duration_ja(one.last - one.first),
            f"{one.acts}件",
        )
        for one in sorted(shifts, key=lambda one: one.first)[:_PEOPLE]
    )
    columns = ("人", "最初の記録", "最後の記録", "その間", "記録")
    return [Table(columns, (4, 3, 3, 3, 2), rows)]


def _rest(seen: Situation) -> str:
    out = papers(seen)
    open_ = [text(f"runbooks.gate_{one.id}").ja for one in seen.gates if one.open]
    return (
        f"未入力の紙 {len(out.sheets)}枚・後入力が残る業務 {len(out.services)}・"
        f"記録と監視の食い違い {len(seen.contradictions)}件・解除の前に残ること: "
        f"{'、'.join(open_) or 'なし'}"
    )


def _at(instant: datetime | None) -> str:
    return jst(instant, "%m/%d %H:%M") if instant is not None else "未設定"


def _left(slack: timedelta | None) -> str:
    if slack is None:
        return "—"
    return f"超過 {duration_ja(slack)}" if slack < timedelta() else f"あと {duration_ja(slack)}"
