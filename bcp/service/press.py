"""A printing of the accepted plan: what the rooms know, put together for paper."""

from __future__ import annotations

from typing import Protocol

from backups.files.model import FilesSet
from backups.model import AttestedSet, Backups
from bcp.kit.clock import Clock
from bcp.kit.units import JST
from bcp.plan.model import City
from runbooks.book import Book
from runbooks.paper.sheets import CopyPlace, Press

_MEDIA = {
    "disk": "ディスク",
    "nas": "NAS",
    "tape": "テープ",
    "removable": "取り外し媒体",
    "object_storage": "オブジェクトストレージ",
}


class Printable(Protocol):
    """What of the house goes on paper."""

    @property
    def city(self) -> City:
        """The accepted plan."""
        ...

    @property
    def book(self) -> Book:
        """Its runbooks."""
        ...

    @property
    def backups(self) -> Backups:
        """Its copies."""
        ...

    @property
    def clock(self) -> Clock:
        """The day of printing."""
        ...


def printing(house: Printable, drill: str | None = None) -> Press:
    """What every sheet printed today carries."""
    day = house.clock.utc().astimezone(JST).date()
    return Press(house.city, house.book, day, drill, copies=places(house.backups))


def places(backups: Backups) -> tuple[CopyPlace, ...]:
    """Where every copy lies. Locations only: a password stands in no plan."""
    found: list[CopyPlace] = []
    for one in backups:
        name = one.name or one.id
        if isinstance(one, AttestedSet):
            how = f"{one.provider}が取る(申告)"
            found.append(CopyPlace(name, one.reference or "事業者に聞く", None, "事業者", how))
            continue
        made = one.product if isinstance(one, FilesSet) else "restic"
        for copy in one.repositories:
            how = made + ("・切り離し" if copy.offline else "")
            medium = _MEDIA.get(copy.medium or "", "媒体未設定")
            found.append(CopyPlace(f"{name} {copy.id}", copy.location, copy.site, medium, how))
    return tuple(found)
