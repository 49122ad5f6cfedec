"""The verdict in five lines: what happened, services, systems, trust, what is left. Pure; counts, no percentages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bcp.kit.units import duration_ja, jst
from runbooks.report.goalrows import ServiceRow, SystemRow
from runbooks.report.whole import Report
from runbooks.report.words import said, some, word
from runbooks.state import Phase
from runbooks.targets import Goal

_NAMED = 2


def verdict(report: Report) -> tuple[str, ...]:
    """Five lines; the first glance of the report."""
    return (
        _event(report),
        _services(report),
        _systems(report),
        _contract(report),
        _left(report),
    )


def _event(report: Report) -> str:
    incident = report.incident
    over = incident.phase in (Phase.STOOD_DOWN, Phase.REVIEWED, Phase.CANCELLED)
    return said(
        "line_event",
        kind=word("kind", incident.kind),
        nature=word("nature", incident.nature),
        level=report.level_name(incident.level),
        onset=jst(incident.onset, "%Y-%m-%d %H:%M"),
        declared=_after(incident.onset, incident.declared_at),
        phase=word("phase", incident.phase.value),
        end=said("line_ended" if over else "line_running", at=jst(report.end, "%m/%d %H:%M")),
        whole=_after(incident.onset, report.end),
    )


def _after(begin: datetime, end: datetime) -> str:
    return duration_ja(max(end - begin, timedelta()))


def _counted(rows: Iterable[tuple[str, Goal]]) -> str:
    """`期限内 9・超過 2(名前)・…`, only what there is."""
    found = list(rows)
    parts = []
    for goal in Goal:
        names = [name for name, mine in found if mine is goal]
        if not names:
            continue
        key = f"count_{goal.value}"
        named = "" if goal is Goal.ATTAINED else f"({some(names, _NAMED)})"
        parts.append(said(key, count=len(names)) + named)
    return "・".join(parts)


def _services(report: Report) -> str:
    rows: tuple[ServiceRow, ...] = report.goals.services
    if not rows:
        return said("line_no_services")
    revised = [row.target.name for row in rows if row.revised]
    more = said("line_revised", names=some(revised, _NAMED)) if revised else ""
    counted = _counted((row.target.name, row.target.goal) for row in rows)
    return said("line_services", all=len(rows), counted=counted) + more


def _systems(report: Report) -> str:
    rows: tuple[SystemRow, ...] = report.goals.systems
    if not rows:
        return said("line_no_systems")
    revised = [
        row.target.system_name for row in report.goals.levels if row.required and row.revised
    ]
    more = said("line_revised", names=some(revised, _NAMED)) if revised else ""
    lost = [row for row in rows if row.rpo_attained is not None]
    most = max(lost, key=lambda row: row.rpo_attained or timedelta(), default=None)
    rpo = said("line_rpo_none")
    if most is not None and most.rpo_attained is not None:
        rpo = said("line_rpo", name=most.name, lost=duration_ja(most.rpo_attained))
        beyond = [row.name for row in rows if row.rpo_met is False]
        rpo += said("line_rpo_over", names=some(beyond, _NAMED)) if beyond else ""
    counted = _counted((row.name, row.goal) for row in rows)
    return said("line_systems", all=len(rows), counted=counted) + more + rpo


def _contract(report: Report) -> str:
    asked = [row for row in report.goals.systems if row.contract is not None]
    over = [row.name for row in asked if row.contract == "over"]
    open_ = [row.name for row in asked if row.contract == "open"]
    if not asked:
        contract = said("line_no_contract")
    else:
        contract = said("line_contract", all=len(asked), over=len(over), open=len(open_))
        contract += f"({some([*over, *open_], _NAMED)})" if over or open_ else ""
    late = said("line_late", count=len(report.late))
    if report.late_median is not None:
        late += said("line_late_median", median=duration_ja(report.late_median))
    return contract + said("line_contradictions", count=len(report.contradictions)) + late + "。"


def _left(report: Report) -> str:
    changes = [one for one in report.incident.changes.values() if one.closed_at is None]
    closed = [gate for gate in report.gates if gate.closing is not None and not gate.closing.met]
    counts = (
        ("left_steps", len(report.not_executed)),
        ("left_skipped", sum(row.stand == "skipped" for row in report.steps)),
        ("left_gates", len(closed)),
        ("left_alone", sum(row.owed for row in report.alone)),
        ("left_changes", len(changes)),
        ("left_codes", sum(row.replaced_at is None for row in report.codes)),
        ("left_amended", len(report.amendments)),
    )
    told = [said(key, count=count) for key, count in counts if count]
    return said("line_left", what="・".join(told)) if told else said("line_nothing_left")
