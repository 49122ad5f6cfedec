"""The report as a sheet: the same value is Markdown, HTML and paper. Pure; no percentages (R-87)."""

from __future__ import annotations

from datetime import date

from bcp.kit.units import JST
from bcp.plan.model import Organization
from runbooks.paper.sheet import Block, Heading, Note, Sheet, markdown, sealed
from runbooks.report import sections as s
from runbooks.report import sections_acts as acts
from runbooks.report import sections_told as told
from runbooks.report.sections import Section
from runbooks.report.verdict import verdict
from runbooks.report.whole import Report
from runbooks.report.words import said

_ALL = (
    s.summary,
    s.services,
    s.systems,
    s.linked,
    acts.decisions,
    acts.contradictions,
    s.left_out,
    acts.gates,
    acts.alone,
    acts.changes,
    acts.runs,
    acts.hands,
    told.estimates,
    told.announcements,
    told.damage,
    told.late,
    acts.frame,
    acts.amendments,
    told.suggestions,
    told.codes,
    s.levels,
    s.steps,
    told.chronology,
)
"""What one asks first stands first; the long tables stand last."""


def sections(report: Report) -> tuple[Section, ...]:
    """Every topic, those without rows too."""
    return tuple(made(report) for made in _ALL)


def absent(found: tuple[Section, ...]) -> str:
    """One line for every topic of which there was nothing; empty: there was something of each."""
    names = [one.title for one in found if not one.blocks]
    return said("nothing", what="、".join(names)) if names else ""


def report_sheet(report: Report, organization: Organization, printed: date) -> Sheet:
    """The report for print, with its own number."""
    return sealed(_sheet(report, organization.name, organization.classification, printed))


def report_markdown(report: Report) -> str:
    """The report as Markdown; the day it is made does not enter."""
    return markdown(_sheet(report, "", "", report.end.astimezone(JST).date()))


def _sheet(report: Report, organization: str, classification: str, printed: date) -> Sheet:
    incident = report.incident
    found = sections(report)
    blocks: list[Block] = [Heading(said("verdict")), *map(Note, verdict(report))]
    shown = [one for one in found if one.blocks]
    for number, one in enumerate(shown, 1):
        blocks += [Heading(f"{number}. {one.title}"), *one.blocks]
    if nothing := absent(found):
        blocks.append(Note(nothing))
    return Sheet(
        f"report-{incident.id}",
        "report",
        f"{said('title')} {incident.id}",
        "",
        organization,
        classification,
        f"記録 {report.upto} まで",
        printed,
        tuple(blocks),
        None if incident.real else incident.stage,
        incident.id,
    )
