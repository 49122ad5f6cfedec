"""`/backups`: per set and copy, how far up the ladder of evidence it stands. Proof, not claims.

Everything is read from the board: each rung is a check of its own (`backup/SET/REPOSITORY/LEVEL`).
What a provider attests is shown as 申告, in other words than what was measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from backups.model import AttestedSet, BackupSet, Repository
from bcp.kit.language import Text
from bcp.plan.model import City
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.pictures.ladder import Rung, RungState, ladder, reached
from bcp.service.pages.pictures.svg import Picture
from bcp.service.pages.respond import Answer, Page, Pages
from bcp.service.pages.visit import Visit
from bcp.watch.values import Status
from bcp.watch.view import CheckView


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a set."""

    repository: Repository
    site: str
    level: int | None
    picture: Picture
    trouble: tuple[tuple[str, Text], ...]
    """Checks of this copy that are not good: id and sentence."""
    newest: datetime | None
    broken: bool = False
    """Data could not be read or a restore was not equal."""


@dataclass(frozen=True, slots=True)
class Digit:
    """One of 3-2-1-1-0: how many there are, and whether that is enough."""

    wanted: int
    found: int | None
    key: str

    @property
    def state(self) -> str:
        """`pass`, `fail`, or `not_checked` where nothing is proven either way."""
        if self.found is None:
            return "not_checked"
        enough = self.found <= 0 if self.wanted == 0 else self.found >= self.wanted
        return "pass" if enough else "fail"


@dataclass(frozen=True, slots=True)
class SetRow:
    """One backup set."""

    set: BackupSet
    system: str
    copies: tuple[Copy, ...]
    digits: tuple[Digit, ...]


def routes(pages: Pages) -> list[Route]:
    """The page."""
    return [pages.route("GET", "/backups", Permission.READ, backups_page)]


async def backups_page(visit: Visit) -> Answer:
    """Every set."""
    city, rows = visit.house.city, set_rows(visit)
    attested = [
        (s, _system(city, s.system)) for s in visit.house.backups if isinstance(s, AttestedSet)
    ]
    covered = {s.system for s in visit.house.backups}
    bare = [s for s in city.systems if s.id not in covered]
    return Page("backups.html", {"rows": rows, "attested": attested, "bare": bare})


def set_rows(visit: Visit, system: str | None = None) -> list[SetRow]:
    """Every set, or those of one system."""
    city = visit.house.city
    wanted = [
        s
        for s in visit.house.backups
        if isinstance(s, BackupSet) and (system is None or s.system == system)
    ]
    board = visit.house.board
    views = {id: board.view(id, visit.now) for id in board.ids() if id.startswith("backup/")}
    return [_row(s, views, city, visit) for s in wanted]


def _row(set: BackupSet, views: dict[str, CheckView], city: City, visit: Visit) -> SetRow:
    copies = tuple(_copy(set, repo, views, city, visit) for repo in set.repositories)
    return SetRow(set, _system(city, set.system), copies, digits(set, copies))


def _copy(
    set: BackupSet, repo: Repository, views: dict[str, CheckView], city: City, visit: Visit
) -> Copy:
    prefix = f"backup/{set.id}/{repo.id}/"
    mine = [view for id, view in views.items() if id.startswith(prefix)]
    rungs = [rung for view in mine if (rung := rung_of(view, prefix)) is not None]
    trouble = tuple((v.id, v.sentence) for v in mine if v.status is not Status.OK and v.last)
    site = city.site(repo.site) if repo.site else None
    newest = max((r.at for r in rungs if r.state == "proven" and r.at), default=None)
    picture = ladder(rungs, visit.now, visit.lang)
    broken = any(rung.state == "failed" and rung.level >= 3 for rung in rungs)
    return Copy(repo, site.name if site else "-", reached(rungs), picture, trouble, newest, broken)


def rung_of(view: CheckView, prefix: str) -> Rung | None:
    """A derived check as a rung; None for other checks of the copy."""
    word = view.id.removeprefix(prefix)
    if not word.isdigit():
        return None
    state: RungState
    if view.last is None:
        state = "never"
    elif view.status is Status.OK:
        state = "proven"
    elif view.stale or view.status is Status.DEGRADED:
        state = "stale"
    else:
        state = "failed" if view.status is Status.FAILED else "unknown"
    return Rung(int(word), state, _proven_at(view))


def _proven_at(view: CheckView) -> datetime | None:
    """When the rung was proven, not when the board last looked at it."""
    at = view.last.outcome.facts.get("proven_at") if view.last else None
    return datetime.fromtimestamp(at, tz=UTC) if isinstance(at, int | float) else None


def digits(set: BackupSet, copies: Iterable[Copy]) -> tuple[Digit, ...]:
    """3 copies on 2 media, 1 elsewhere, 1 offline or immutable, 0 errors on restoring.

    The original counts as one copy; of the others only those whose evidence has reached the level
    the plan demands. Where the plan says nothing, the digit is not checked.
    """
    copies = tuple(copies)
    counted = [copy for copy in copies if (copy.level or 0) >= set.required_level]
    media = {copy.repository.medium for copy in counted}
    sites = {copy.repository.site for copy in counted}
    away = None if None in sites else max(0, len(sites) - 1)
    proven = [copy for copy in copies if copy.level is not None and copy.level >= 4]
    failed = sum(copy.broken for copy in copies)
    return (
        Digit(3, 1 + len(counted), "digit_copies"),
        Digit(2, None if None in media else len(media), "digit_media"),
        Digit(1, away, "digit_away"),
        Digit(
            1, sum(c.repository.offline or c.repository.immutable for c in counted), "digit_offline"
        ),
        Digit(0, failed if failed or proven else None, "digit_errors"),
    )


def _system(city: City, id: str | None) -> str:
    found = city.system(id) if id else None
    return found.name if found else "-"
