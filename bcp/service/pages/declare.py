"""`/disaster/declare`: everything that will happen stands above the button.

One form, two buttons: 「一覧を更新する」 draws it anew with what was chosen, 「発動する」 acts. If what
was chosen differs from what was listed, the new list is shown first: nobody declares unseen things.
Anybody on the spot may declare (R-28); who is not the authority does so as deputy or on the spot,
and it is ratified afterwards.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from bcp.kit.errors import BcpError, Refused, UsageError
from bcp.kit.language import text
from bcp.kit.units import jst
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.board import now_of
from bcp.service.pages.event import actor, for_input, operation, parse_time, whom_to_call
from bcp.service.pages.respond import Answer, Go, Page, Pages
from bcp.service.pages.suggested import chosen, clause_of, name_of, waiting, words_of
from bcp.service.pages.visit import Visit
from runbooks.commands import REPORT_KINDS, Declare, Tried
from runbooks.consequences import consequences
from runbooks.incident import hours_of
from runbooks.intensity import SCALE
from runbooks.intensity import name as intensity
from runbooks.state import CAPACITIES, DRILL_KINDS, NATURES


def routes(pages: Pages) -> list[Route]:
    """The form and the act."""
    return [
        pages.route("GET", "/disaster/declare", Permission.DECLARE, form),
        pages.route("POST", "/disaster/declare", Permission.DECLARE, declare),
    ]


async def form(visit: Visit) -> Answer:
    """Draw the form with what was chosen so far, or with what a suggestion proposes."""
    given = dict(visit.query)
    one = chosen(visit, given.get("suggestion", ""))
    if one is not None and "redraw" not in given:
        proposed = {
            "nature": one.nature,
            "level": str(one.level),
            "onset": for_input(one.onset),
            "scope": " ".join(one.systems),
            "site": " ".join(one.sites),
        }
        given = {**proposed, **given}
    return await _draw(visit, given, None)


async def declare(visit: Visit) -> Answer:
    """Act, when the list that was shown is the list that will happen and the word is right."""
    given = {name: visit.field(name) for name in visit.form}
    picked = _chosen(visit, given)
    said = None
    if given.get("shown") != _shown(picked):
        said = "declare_changed"
    elif visit.field("word") != picked["word"]:
        said = "declare_word"
    elif not visit.field("reason"):
        said = "declare_reason"
    if said is not None:
        return await _draw(visit, given, said)
    try:
        command = _command(visit, given, picked)
        return await _act(visit, command)
    except (Refused, UsageError) as error:  # back to the form, with everything still chosen
        return await _draw(visit, given, None, error)


def _command(visit: Visit, given: dict[str, str], picked: dict[str, Any]) -> Declare:
    real = picked["kind"] == "real"
    return Declare(
        level=picked["level"],
        onset=picked["onset"],
        reason=given.get("reason", "").strip(),
        nature=picked["nature"],
        capacity=picked["capacity"],
        role=given.get("role", "").strip() or None,
        basis=given.get("basis", "").strip(),
        systems=picked["systems"],
        services=picked["services"],
        sites=picked["sites"],
        drill=picked["drill"],
        links=picked["links"] if real else (),
        suggestion=given.get("suggestion") or None if real else None,
        tried=_tried(visit, given),
    )


def _tried(visit: Visit, given: dict[str, str]) -> tuple[Tried, ...]:
    """連絡不通の記録: one line per role of the order of succession, time and what came of it."""
    found = []
    for role in visit.house.city.disaster.authority:
        outcome = given.get(f"tried_{role}", "")
        if outcome in ("no_answer", "unreachable", "hurt", "absent"):
            at = parse_time(given.get(f"tried_at_{role}", ""), visit.lang) or visit.now
            found.append(Tried(role, at, outcome))  # type: ignore[arg-type]
    return tuple(found)


async def _act(visit: Visit, command: Declare) -> Answer:
    house = visit.house
    if command.drill is None:
        await house.desks["real"].do(command, actor(visit), operation(visit))
        return Go("/disaster")
    id = visit.field("drill_id")
    desk = house.drills.get(id) or await house.drills.create(id)
    await desk.do(command, actor(visit), operation(visit))
    return Go(f"/drills/{id}")


def _chosen(visit: Visit, given: dict[str, str]) -> dict[str, Any]:
    """The choices, each with a safe default: real, large-scale, as wide as it can be."""
    city = visit.house.city
    levels = city.disaster.levels
    kind = "drill" if given.get("kind") == "drill" else "real"
    nature = given.get("nature") if given.get("nature") in NATURES else "disaster"
    numbers = {str(level.number): level for level in levels}
    level = numbers.get(given.get("level", "")) or levels[-1]
    named, served, placed = (_ids(given.get(name, "")) for name in ("scope", "service", "site"))
    running = visit.house.desks["real"].active()
    capacity = given.get("capacity") if given.get("capacity") in CAPACITIES else "on_site"
    drill = given.get("drill") if given.get("drill") in DRILL_KINDS else "live"
    onset = parse_time(given.get("onset", ""), visit.lang) or proposed_onset(visit) or visit.now
    word = level.name if kind == "real" else text("pages.drill_word").pick(visit.lang)
    return {
        "kind": kind,
        "nature": cast(Any, nature),
        "level": level.number,
        "level_name": level.name,
        "systems": tuple(s.id for s in city.systems if s.id in named or given.get(f"in_{s.id}")),
        "services": tuple(s.id for s in city.services if s.id in served),
        "sites": tuple(s.id for s in city.sites if s.id in placed),
        "links": tuple(one.id for one in running if given.get(f"link_{one.id}")),
        "capacity": cast(Any, capacity),
        "drill": cast(Any, drill) if kind == "drill" else None,
        "onset": onset,
        "word": word,
        "hours": hours_of(onset, city.organization.calendar),
    }


def _ids(said: str) -> set[str]:
    return {*said.replace(",", " ").replace("、", " ").split()}


def proposed_onset(visit: Visit) -> Any:
    """Since when the first thing is down: the clock must not start when somebody finds time."""
    down = [s.since for s in now_of(visit).systems.values() if s.state == "failed" and s.since]
    recent = [since for since in down if visit.now - since < timedelta(days=3)]
    return min(recent, default=None)


def _shown(chosen: dict[str, Any]) -> str:
    """What the list depends on, as one word to compare."""
    keys = ("kind", "nature", "level", "systems", "services", "sites", "links", "hours", "drill")
    return "|".join(str(chosen[key]) for key in keys)


async def _draw(
    visit: Visit, given: dict[str, str], said: str | None, error: BcpError | None = None
) -> Page:
    city, book = visit.house.city, visit.house.book
    picked = _chosen(visit, given)
    running = visit.house.desks["real"].active()
    drills = [id for id, desk in visit.house.drills.all().items() if desk.current()]
    told = consequences(city, book, _command(visit, given, picked), visit.now, drills)
    open_ = waiting(visit)
    now = now_of(visit)
    values = {
        "given": given,
        "chosen": picked,
        "shown": _shown(picked),
        "said": said,
        "error": error,
        "onset_text": for_input(picked["onset"]),
        "onset_proposed": proposed_onset(visit),
        "told": told,
        "books": told.runbooks,
        "suggestions": [
            (one, name_of(visit, one), clause_of(visit, one), await words_of(visit, one))
            for one in open_[:5]
        ],
        "report_kinds": REPORT_KINDS,
        "intensities": [(one, intensity(one)) for one in reversed(SCALE)],
        "outcomes": ("no_answer", "unreachable", "hurt", "absent"),
        "down": [s for s in now.sorted_systems() if s.state == "failed"],
        "hurt": [s for s in now.services if s.state == "failed"],
        "city": city,
        "levels": city.disaster.levels,
        "natures": NATURES,
        "capacities": CAPACITIES,
        "drill_kinds": DRILL_KINDS,
        "authority": [
            (role, whom_to_call(visit, city, role.id))
            for id in city.disaster.authority
            if (role := city.role(id))
        ],
        "drill_id": given.get("drill_id") or f"kunren-{jst(visit.now, '%Y%m%d')}",
        "running": running,
    }
    return Page("declare.html", values, 409 if said or error else 200, live=False)
