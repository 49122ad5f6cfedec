"""The report's topics as blocks: frame, targets, steps. The rest: `sections_acts`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bcp.kit.language import text
from bcp.kit.units import JST
from runbooks.paper.sheet import Block, Note, Table
from runbooks.report.goalrows import LevelRow, ServiceRow, SystemRow
from runbooks.report.steps import StepRow
from runbooks.report.whole import FORMAT, Report
from runbooks.report.words import NONE, at, long, said, signed, some, who, word
from runbooks.targets import Goal

_UNTOUCHED = frozenset({"ready", "blocked"})


@dataclass(frozen=True, slots=True)
class Section:
    """One topic; without blocks there was nothing of it."""

    id: str
    blocks: tuple[Block, ...]

    @property
    def title(self) -> str:
        """As on the page."""
        return said(f"section_{self.id}")

    @property
    def rows(self) -> int:
        """Rows of its tables."""
        return sum(len(block.rows) for block in self.blocks if isinstance(block, Table))


def table(
    id: str, columns: tuple[str, ...], widths: tuple[int, ...], rows: Iterable[tuple[str, ...]]
) -> Section:
    """A topic of one table."""
    found = tuple(rows)
    return Section(id, (Table(columns, widths, found),) if found else ())


def goal_of(goal: Goal, then: Goal) -> str:
    """One verdict, or both where late entries changed it."""
    now = word("goal", goal.value)
    return now if goal is then else said("both_verdicts", then=word("goal", then.value), now=now)


def summary(report: Report) -> Section:
    """概要."""
    incident = report.incident
    kind = word("kind", incident.kind)
    if incident.drill is not None:
        kind += f" ({word('drill', incident.drill)})"
    rank = f"・代行順位{incident.rank}" if incident.rank is not None else ""
    ratified = text(f"runbooks.ratification_{incident.ratification}").ja
    tried = "、".join(
        f"{one.role} {at(one.at)} {word('tried', one.outcome)}" for one in incident.tried
    )
    rows = (
        ("種別", f"{kind}・{word('nature', incident.nature)}・{report.level_name(incident.level)}"),
        ("発災", at(incident.onset)),
        (
            "発動",
            f"{at(incident.declared_at)} {who(incident.declared_by)} "
            f"({word('capacity', incident.capacity)}{rank})",
        ),
        ("連絡がつかなかった人", tried or "なし"),
        ("事後承認", f"{ratified} {at(incident.ratified_at)}"),
        ("状態", f"{word('phase', incident.phase)} {at(incident.phase_since)}"),
        ("関連する発動", "、".join(incident.links) or "なし"),
        ("免除したシステム", "、".join(incident.waivers) or "なし"),
        ("後入力", f"{len(report.late)} 件 (遅れの中央値 {long(report.late_median)})"),
        ("状況報告", f"{len(incident.situations)} 回"),
        ("受け入れた計画", report.plan[:16] or NONE),
        ("凍結した計画と手順書", incident.frozen[:16] or NONE),
        ("記録の範囲", f"{incident.seq} から {report.upto} まで"),
        ("報告書の書式", str(FORMAT)),
    )
    return table("summary", ("項目", "内容"), (3, 9), rows)


def services(report: Report) -> Section:
    """業務."""
    columns = ("業務", "目標", "期限", "達成(実測)", "余裕", "判定", "業務確認", "紙で対応した間")
    widths = (5, 2, 3, 3, 3, 3, 3, 5)
    return table("services", columns, widths, map(_service, report.goals.services))


def _service(row: ServiceRow) -> tuple[str, ...]:
    one = row.target
    paper = NONE
    if row.paper_from is not None:
        paper = said("spells", since=at(row.paper_from), until=_until(row.paper_until))
        paper += f" ({said('section_late')}: {row.back_entry})" if row.back_entry != "none" else ""
    return (
        one.name,
        long(one.rto) + (f" ({one.season})" if one.season else ""),
        at(one.deadline),
        at(one.attained_at),
        signed(one.slack) if one.attained_at is not None else NONE,
        goal_of(one.goal, row.goal_then),
        at(one.confirmed_at),
        paper,
    )


def _until(instant: datetime | None) -> str:
    return at(instant) if instant is not None else said("now")


def systems(report: Report) -> Section:
    """RTO, RLO, RPO and contract, one line a system."""
    columns = (
        "システム",
        "水準(目標/実際)",
        "判定",
        "発災から達成",
        "業務確認まで",
        "契約/訓練の最良",
        "失われた時間/目標",
        "注記",
    )
    widths = (4, 3, 3, 3, 3, 4, 4, 4)
    return table("systems", columns, widths, map(_system, report.goals.systems))


def _system(row: SystemRow) -> tuple[str, ...]:
    contract = NONE
    if row.contract_rto is not None and row.contract is not None:
        contract = f"{long(row.contract_rto)} {said(f'contract_{row.contract}')}"
    drilled = NONE
    if row.drilled is not None:
        kind, day = word("drill", row.drilled.kind), row.drilled.at.astimezone(JST).date()
        drilled = f"{long(row.drilled.elapsed)} ({kind} {day:%Y-%m-%d})"
    lost = f"{long(row.rpo_attained)} / {long(row.rpo)}"
    if row.rpo_attained is not None:
        over = f" {word('goal', 'overdue')}" if row.rpo_met is False else ""
        lost += f" ({said('rpo_proven' if row.rpo_proven else 'rpo_said')}){over}"
    notes = [said("waived")] if row.waived else []
    notes += [said("ended", at=at(row.ended_at))] if row.ended_at is not None else []
    return (
        row.name,
        f"{row.wanted or NONE} / {row.reached or NONE}",
        word("goal", row.goal.value),
        long(row.elapsed),
        long(row.confirmed_after),
        f"{contract} / {drilled}",
        lost,
        "、".join(notes) or NONE,
    )


def levels(report: Report) -> Section:
    """Every rung."""
    columns = ("システム", "水準", "目標", "期限", "達成", "余裕", "判定", "根拠", "保たれた間")
    widths = (4, 3, 2, 3, 3, 3, 3, 2, 4)
    return table("levels", columns, widths, map(_level, report.goals.levels))


def _level(row: LevelRow) -> tuple[str, ...]:
    one = row.target
    broken = len(row.spells) > 1 or any(until is not None for _since, until in row.spells)
    spells = [said("spells", since=at(a), until=_until(b)) for a, b in row.spells]
    return (
        one.system_name,
        f"{one.level} {one.name}" + ("(目標)" if row.required else ""),
        long(one.rto) + (f" ({one.season})" if one.season else ""),
        at(one.deadline),
        at(one.attained_at),
        signed(one.slack) if one.attained_at is not None else NONE,
        goal_of(one.goal, row.goal_then) + ("(再発あり)" if one.relapsed else ""),
        said(f"evidence_{one.evidence}") if one.evidence else NONE,
        some(spells, 4) if broken else NONE,
    )


def linked(report: Report) -> Section:
    """Each event's own deadline; no clock was reset."""
    names = {row.system: row.name for row in report.goals.systems}
    columns = ("システム", "水準", "発動", "発災", "期限", "達成", "判定", "注記")
    rows = (
        (
            names.get(row.system, row.system),
            row.level,
            row.incident,
            at(row.onset),
            at(row.deadline),
            at(row.attained_at),
            word("goal", row.goal.value),
            said("counts") if row.counts else NONE,
        )
        for row in report.goals.linked
    )
    return table("linked", columns, (4, 2, 4, 3, 3, 3, 2, 3), rows)


_STEP_COLUMNS = (
    "番号",
    "すること",
    "見込み(長くて)",
    "着手",
    "完了",
    "手が空くまで",
    "作業",
    "待ち",
    "超過",
    "結果",
    "確認",
    "人",
)
_STEP_WIDTHS = (3, 6, 3, 3, 3, 2, 3, 2, 2, 5, 3, 3)


def steps(report: Report) -> Section:
    """Planned and actual, runbook by runbook."""
    found: dict[str, list[StepRow]] = {}
    for row in report.steps:
        found.setdefault(row.runbook, []).append(row)
    return Section("steps", tuple(_runbooks(found)))


def _runbooks(found: dict[str, list[StepRow]]) -> Iterator[Block]:
    for runbook, rows in found.items():
        yield Note(f"手順書 {runbook}", "stop")
        yield Table(_STEP_COLUMNS, _STEP_WIDTHS, tuple(map(_step, rows)))


def _step(row: StepRow) -> tuple[str, ...]:
    planned = long(row.planned)
    if row.planned_long is not None:
        planned += f" ({long(row.planned_long)})"
    return (
        row.step,
        row.title,
        planned,
        at(row.started_at),
        at(row.finished_at),
        long(row.queued) if row.queued else NONE,
        f"{long(row.hands_on)} {_against(row)}".strip() if row.hands_on is not None else NONE,
        long(row.waiting) if row.waiting else NONE,
        long(row.overdue) if row.overdue else NONE,
        _result(row),
        word("proof", row.verification) + (f" {at(row.proven_at)}" if row.proven_at else ""),
        who(row.by, *row.helpers),
    )


def _against(row: StepRow) -> str:
    """Against p50 and p90, in words."""
    if row.over is None or row.hands_on is None or row.planned is None:
        return ""
    if row.hands_on <= row.planned:
        return said("within_p50")
    if row.planned_long is not None and row.hands_on > row.planned_long:
        return f"{signed(row.over)} {said('over_p90')}"
    return f"{signed(row.over)} {said('over_p50')}"


def _result(row: StepRow) -> str:
    result = said("not_executed") if row.stand in _UNTOUCHED else word("stand", row.stand)
    if len(row.attempts) > 1:
        result += f"({said('times', count=len(row.attempts))})"
    if row.late:
        result += f"({said('late')})"
    return result


def left_out(report: Report) -> Section:
    """Skipped, failed, cancelled, never executed: with the reason and who consented."""
    told = frozenset({"skipped", "failed", "cancelled"})
    rows = (
        (
            row.step,
            row.title + ("(必須)" if row.mandatory else ""),
            _result(row),
            row.reason or NONE,
            who(row.by) if row.stand in told else NONE,
            _consent(row),
        )
        for row in report.steps
        if row.left_out or row.stand in told
    )
    columns = ("番号", "すること", "結果", "理由", "人", "同意した人")
    return table("left_out", columns, (3, 6, 4, 6, 3, 3), rows)


def _consent(row: StepRow) -> str:
    if row.consent:
        return who(row.consent)
    return said("no_consent") if row.stand == "skipped" and row.mandatory else NONE
