"""状況報告 第n報: one A4 for the headquarters' meeting (R-87). Pure; no percentages.

Per service what is, the alternate means, the range expected with its ground, and until when; the
decisions wanted; what has changed since the last report. It fits one page because it is cut to fit:
what stands longest at the end of a list is counted, never silently dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bcp.journal.entry import Entry
from bcp.kit.language import text
from bcp.kit.units import JST, duration_ja, jst
from runbooks.attention import Wanted, papers, wanted
from runbooks.desk import Situation
from runbooks.outlook import Outlook, outlooks, service_outlook
from runbooks.paper.sheet import Block, Heading, Note, Table
from runbooks.power import Supply, supplies
from runbooks.since import changes
from runbooks.targets import Goal, ServiceTarget
from runbooks.told import Told, person

_MOST_ROWS, _MOST_WANTED, _MOST_CHANGES, _ALTERNATE = 26, 5, 6, 22
_MOST_DARK = 3
_NEVER = timedelta(days=9999)
_CLASSES = "SABCD"


def situation_report(
    seen: Situation, number: int, since: Sequence[Entry], upto: int, due: datetime | None
) -> Told:
    """The report as it would be issued now.

    `since`: entries after the last report (all of the event for the first); `due`: 次の更新.
    """
    incident = seen.incident
    return Told(
        "situation",
        number,
        incident.id,
        None if incident.real else incident.stage,
        f"状況報告 第{number}報",
        seen.now,
        upto,
        tuple(_blocks(seen, since, due)),
    )


def _blocks(seen: Situation, since: Sequence[Entry], due: datetime | None) -> list[Block]:
    ahead = outlooks(seen)
    rows, calm, rest = _services(seen, ahead)
    asked = wanted(seen)
    told = changes(since, seen.city, _MOST_CHANGES)
    blocks: list[Block] = [Note(_head(seen, due)), Heading("1. 業務の状況")]
    if rows:
        columns = ("優先度", "業務", "現在", "代替手段", "再開の見込み(根拠)", "期限", "余裕")
        blocks.append(Table(columns, (1, 5, 2, 6, 5, 3, 3), tuple(rows)))
    if rest:
        blocks.append(Note(f"ほか {rest} 業務は復旧の状況のページにあります。"))
    if calm:
        blocks.append(Note(f"確認済み(監視で達成): {'、'.join(calm)}"))
    blocks.append(Heading(f"2. 要判断 ({len(asked)})"))
    blocks += [Note(line) for line in _wanted(asked)] or [Note("なし")]
    blocks.append(Heading("3. 前の報告からの変化" if incident_told(seen) else "3. 発動からの経過"))
    blocks += [Note(line) for line in told] or [Note("なし")]
    return blocks


def incident_told(seen: Situation) -> bool:
    """Whether there was a report before."""
    return bool(seen.incident.situations)


def _head(seen: Situation, due: datetime | None) -> str:
    incident = seen.incident
    level = next(
        (one.name for one in seen.city.disaster.levels if one.number == incident.level), ""
    )
    nature = text(f"runbooks.nature_{incident.nature}").ja
    commander = person(incident.commander or incident.declared_by)
    parts = [
        f"{jst(seen.now, '%m/%d %H:%M')} 時点",
        f"{incident.id} {nature}・{level or incident.level}",
        f"発災 {jst(incident.onset, '%m/%d %H:%M')} (経過 {duration_ja(seen.now - incident.onset)})",
        f"統括者 {commander}",
    ]
    out = papers(seen)
    if out.sheets or out.services:
        parts.append(f"未入力の紙 {len(out.sheets)}枚・後入力 {len(out.services)}業務")
    if seen.contradictions:
        parts.append(f"記録と監視の食い違い {len(seen.contradictions)}件")
    parts += [_dark(seen, one) for one in supplies(incident.damage)[:_MOST_DARK]]
    parts.append(f"次の更新 {jst(due, '%m/%d %H:%M')}" if due else "次の更新 約束なし")
    return "・".join(parts)


def _dark(seen: Situation, one: Supply) -> str:
    site = seen.city.site(one.site)
    return f"{site.name if site else one.site}の電源 {_at(one.ends, seen.now)} まで"


def _services(
    seen: Situation, ahead: Mapping[str, Outlook]
) -> tuple[list[tuple[str, ...]], list[str], int]:
    """Rows of what is not back, names of what is, how many rows did not fit."""
    calm = [one.name for one in seen.services if one.goal is Goal.ATTAINED]
    down = [one for one in seen.services if one.goal is not Goal.ATTAINED]
    ranks = {one.id: one.priority or "D" for one in seen.city.services}

    def order(target: ServiceTarget) -> tuple[int, timedelta]:
        slack = target.slack if target.slack is not None else _NEVER
        return _CLASSES.index(ranks.get(target.service, "D")), slack

    down.sort(key=order)
    rows = [_row(one, seen, ahead, ranks.get(one.service, "D")) for one in down[:_MOST_ROWS]]
    return rows, calm, max(0, len(down) - _MOST_ROWS)


def _row(
    target: ServiceTarget, seen: Situation, ahead: Mapping[str, Outlook], rank: str
) -> tuple[str, ...]:
    service = seen.city.service(target.service)
    means = (service.alternate if service else None) or "未設定"
    now = text(f"runbooks.goal_{target.goal.value}").ja
    if target.on_paper:
        now = "紙で対応中" if target.goal is not Goal.OVERDUE else "超過・紙で対応中"
    return (
        rank,
        target.name,
        now,
        _cut(means, _ALTERNATE),
        outlook_words(service_outlook(target, ahead), seen.now),
        _at(target.deadline, seen.now),
        _slack(target.slack),
    )


def outlook_words(found: Outlook | None, now: datetime) -> str:
    """A range and its ground, never a percentage."""
    if found is None:
        return "—"
    told = jst(found.promised, "%H:%M") if found.promised else ""
    ground = text(f"event.ground_{found.ground.value}", at=told).ja
    if not found.known or found.soonest is None or found.latest is None:
        return ground
    first, last = _at(found.soonest, now), _at(found.latest, now)
    span = first if first == last else f"{first}〜{last}"
    return f"{span} ({ground})"


def _wanted(found: Sequence[Wanted]) -> list[str]:
    lines = []
    for one in found[:_MOST_WANTED]:
        if one.kind == "ratify":
            lines.append("□ 発動の事後承認")
        elif one.kind == "confirm":
            lines.append(f"□ 引継ぎの確認 ({person(one.subject)})")
        elif one.kind == "expired":
            lines.append(f"□ 期限の切れた緊急変更 {one.subject}")
        else:
            lines.append(f"□ {one.subject} {one.title} ({one.role})")
    if len(found) > _MOST_WANTED:
        lines.append(f"ほか {len(found) - _MOST_WANTED}件")
    return lines


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def _at(instant: datetime | None, now: datetime) -> str:
    if instant is None:
        return "未設定"
    same = instant.astimezone(JST).date() == now.astimezone(JST).date()
    return jst(instant, "%H:%M" if same else "%m/%d %H:%M")


def _slack(slack: timedelta | None) -> str:
    if slack is None:
        return "—"
    return f"超過 {duration_ja(slack)}" if slack < timedelta() else f"あと {duration_ja(slack)}"
