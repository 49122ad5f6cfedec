"""自己点検: the ministry's ICT-BCP checklist and the six elements, each line with its evidence (R-15). Pure.

Sources: 総務省 ICT-BCPチェックリスト (2024) and 内閣府 市町村のための業務継続計画作成ガイド (H27.5, 重要な6要素).
The wording is the project's own and 要確認: the official text counts. A line is never ticked by hand:
it is 根拠あり only where the plan, the log or the board shows it, and says what is missing otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bcp.kit.units import JST
from bcp.plan.model import City
from runbooks.book import Book

Shown = Literal["shown", "short", "unset", "unknown"]
"""根拠あり, 不足, 未設定, 未確認."""
_YEAR = timedelta(days=365)
_GRAVE = frozenset({"S", "A"})
_SUCCESSION = 3


@dataclass(frozen=True, slots=True)
class Ground:
    """What the rooms know, as far as the checklist asks."""

    city: City
    book: Book
    now: datetime
    last_drill: datetime | None
    copies: Mapping[str, bool]
    """Site -> whether the newest printed copy that lies there is up to date."""
    backed_up: Mapping[str, bool | None]
    """System -> whether its copies are proven as the plan wants; None: nobody has looked yet."""
    elsewhere: frozenset[str]
    """Systems of which a copy lies outside the place of the original (see 3-2-1-1-0)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the checklist."""

    id: str
    state: Shown
    done: int
    of: int
    missing: tuple[str, ...]
    """Names of what is lacking, as the plan calls them."""
    href: str


def lines(ground: Ground) -> tuple[Line, ...]:
    """Every line in the order of the checklist."""
    return (
        _succession(ground),
        _contacts(ground),
        _authority(ground),
        _vendors(ground),
        _bases(ground),
        _power(ground),
        _backups(ground),
        _elsewhere(ground),
        _alternates(ground),
        _procedures(ground),
        _paper(ground),
        _drill(ground),
        _review(ground),
    )


def _counted(id: str, href: str, all_: Iterable[tuple[str, bool | None]]) -> Line:
    """Good with every one, unset with none at all, unknown where only looking is missing."""
    found = list(all_)
    missing = tuple(name for name, good in found if not good)
    done = len(found) - len(missing)
    state: Shown = "short"
    if not found:
        state = "unset"
    elif not missing:
        state = "shown"
    elif all(good is None for _name, good in found if not good):
        state = "unknown"
    return Line(id, state, done, len(found), missing, href)


def _once(id: str, href: str, *, given: bool, good: bool) -> Line:
    state: Shown = "unset" if not given else "shown" if good else "short"
    return Line(id, state, int(given and good), 1, (), href)


def _succession(g: Ground) -> Line:
    roles = [one for one in g.city.roles if not one.outside]
    full = ((one.name, len(one.succession) >= _SUCCESSION) for one in roles)
    return _counted("succession", "/paper?set=8", full)


def _contacts(g: Ground) -> Line:
    """Reachable by telephone or radio, and asked whether it still holds within a year."""
    today = g.now.astimezone(JST).date()
    named = {id for one in g.city.roles for id in one.succession}

    def good(id: str) -> bool | None:
        person = g.city.person(id)
        if person is None or not (person.phone or person.mobile or person.radio):
            return False
        fresh = person.confirmed_on is not None and today - person.confirmed_on <= _YEAR
        return True if fresh else None

    people = ((p.name if (p := g.city.person(id)) else id, good(id)) for id in sorted(named))
    return _counted("contacts", "/paper?set=9", people)


def _authority(g: Ground) -> Line:
    disaster = g.city.disaster
    good = bool(disaster.criteria and disaster.envelope)
    return _once("authority", "/disaster/declare", given=bool(disaster.authority), good=good)


def _vendors(g: Ground) -> Line:
    rows = [one for one in g.city.systems if one.vendor is not None]
    told = (
        (one.name, bool(one.vendor and one.vendor.phone and one.vendor.contract)) for one in rows
    )
    return _counted("vendors", "/paper?set=17", told)


def _bases(g: Ground) -> Line:
    """Somewhere else to work from that lies in another hazard zone than the main office."""
    main = [one for one in g.city.sites if one.kind == "headquarters"]
    zones = {zone for one in main for zone in one.hazard_zones or ()}
    others = [one for one in g.city.sites if one.kind == "branch"]
    known = [one for one in others if one.hazard_zones is not None]
    far = any(not zones >= {*(one.hazard_zones or ())} for one in known)
    return _once("bases", "/paper?set=network", given=bool(known), good=far or not zones)


def _power(g: Ground) -> Line:
    sites = [one for one in g.city.sites if one.kind in ("headquarters", "branch", "datacenter")]
    told = ((one.name, bool(one.power and (one.power.ups or one.power.generator))) for one in sites)
    return _counted("power", "/paper?set=network", told)


def _backups(g: Ground) -> Line:
    grave = [one for one in g.city.systems if one.priority in _GRAVE]
    told = ((one.name, g.backed_up.get(one.id, False)) for one in grave)
    return _counted("backups", "/backups", told)


def _elsewhere(g: Ground) -> Line:
    grave = [one for one in g.city.systems if one.priority in _GRAVE]
    return _counted("elsewhere", "/backups", ((one.name, one.id in g.elsewhere) for one in grave))


def _alternates(g: Ground) -> Line:
    told = ((one.name, bool(one.alternate)) for one in g.city.services)
    return _counted("alternates", "/paper?set=10", told)


def _procedures(g: Ground) -> Line:
    having = {one.system for one in g.book if one.purpose == "recover"}
    grave = [one for one in g.city.systems if one.priority in _GRAVE]
    return _counted("procedures", "/runbooks", ((one.name, one.id in having) for one in grave))


def _paper(g: Ground) -> Line:
    sites = [one for one in g.city.sites if one.kind in ("headquarters", "branch")]
    return _counted("paper", "/paper/copies", ((s.name, g.copies.get(s.id, False)) for s in sites))


def _drill(g: Ground) -> Line:
    good = g.last_drill is not None and g.now - g.last_drill <= _YEAR
    return _once("drill", "/disaster", given=True, good=good)


def _review(g: Ground) -> Line:
    until = g.city.organization.review_by
    good = until is not None and g.now.astimezone(JST).date() <= until
    return _once("review", "/runbooks", given=until is not None, good=good)
