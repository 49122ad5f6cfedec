"""提案 as pages show them: the banner above every page, its evidence, its words."""

from __future__ import annotations

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.kit.units import jst_short
from bcp.service.access.roles import Permission
from bcp.service.pages.visit import Alarm, Visit
from runbooks.framestate import Suggestion
from runbooks.intensity import name as intensity
from runbooks.intensity import reaches


def waiting(visit: Visit) -> list[Suggestion]:
    """Suggestions still to be answered, the newest first; what was put off joins when it is due."""
    desk = visit.house.desks.get("real")
    known = desk.state.suggestions.values() if desk is not None else ()
    return [one for one in reversed([*known]) if one.open]


def banner(visit: Visit) -> list[Alarm]:
    """One line above every page of those who may declare."""
    if not visit.may(Permission.DECLARE):
        return []
    due = [one for one in waiting(visit) if one.until is None or one.until <= visit.now]
    return [
        Alarm(
            "warn",
            text(
                "pages.suggested",
                name=name_of(visit, one),
                level=_level(visit, one.level),
                onset=jst_short(one.onset, visit.now),
            ).pick(visit.lang),
            f"/disaster/declare?suggestion={one.id}",
        )
        for one in due[:3]
    ]


def name_of(visit: Visit, one: Suggestion) -> str:
    """What it is about: the rule's name, the kind of report."""
    rule = next((r for r in visit.house.city.disaster.suggest if r.id == one.rule), None)
    if rule is not None:
        return rule.name
    key = f"runbooks.report_{one.kind}" if one.kind else f"runbooks.suggest_{one.rule}"
    said = text(key).pick(visit.lang)
    return f"{said} {felt(visit, one)}" if one.intensity else said


def felt(visit: Visit, one: Suggestion) -> str:
    """震度6弱, and whether that is the criterion of the plan."""
    limit = visit.house.city.disaster.intensity
    met = "met" if reaches(one.intensity, limit) else "short"
    key = f"pages.intensity_{met if limit else 'alone'}"
    return text(key, felt=intensity(one.intensity), limit=intensity(limit or "")).pick(visit.lang)


def clause_of(visit: Visit, one: Suggestion) -> str:
    """発動基準: the sentence of the city's plan that the rule stands for."""
    rules = visit.house.city.disaster.suggest
    return next((rule.clause or "" for rule in rules if rule.id == one.rule), "")


async def words_of(visit: Visit, one: Suggestion) -> str:
    """What was said, from the log; empty when it was erased."""
    journal = visit.house.journal
    found = await journal.read(one.seq, limit=1)
    if not found:
        return ""
    said = await journal.reveal(found[0])
    return said.get("text", "")


def chosen(visit: Visit, id: str) -> Suggestion | None:
    """The suggestion a declaration comes of. Raises UsageError for one that is not there."""
    if not id:
        return None
    one = visit.house.desks["real"].state.suggestions.get(id)
    if one is None:
        raise UsageError(text("runbooks.no_suggestion", id=id).pick(visit.lang))
    return one


def _level(visit: Visit, number: int) -> str:
    levels = visit.house.city.disaster.levels
    return next((level.name for level in levels if level.number == number), str(number))
