"""One request as a handler sees it: the house, who asks, in which language, at what instant."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bcp.kit.language import Lang, text
from bcp.service.access.identity import Identity
from bcp.service.access.roles import Permission
from bcp.service.pages.called import called
from bcp.service.pages.house import House


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the navigation."""

    href: str
    name: str
    here: bool


@dataclass(frozen=True, slots=True)
class Alarm:
    """One line above everything, on every page."""

    looks: str
    """`bad` or `warn`."""
    words: str
    href: str | None = None


_NAVIGATION = (
    ("/", "nav_board", Permission.READ),
    ("/disaster", "nav_disaster", Permission.READ),
    ("/runbooks", "nav_runbooks", Permission.READ),
    ("/backups", "nav_backups", Permission.READ),
    ("/audit", "nav_audit", Permission.READ_FINDINGS),
    ("/log", "nav_log", Permission.READ_LOG),
    ("/announcements", "nav_announcements", Permission.NOTICE),
    ("/practice", "nav_practice", Permission.READ),
)


@dataclass(frozen=True)
class Visit:
    """Handed to every handler; nothing in it changes while the request lasts."""

    house: House
    identity: Identity | None
    lang: Lang
    now: datetime
    path: str
    query: Mapping[str, str]
    parts: Mapping[str, str]
    """What the address names: `{id}`, `{drill}`."""
    form: Mapping[str, Any] = field(default_factory=dict)
    address: str = "?"
    alarms: tuple[Alarm, ...] = ()
    offered: Collection[str] = ()
    """Pages this service has: the practice city adds its own."""

    def with_alarms(self, alarms: tuple[Alarm, ...]) -> Visit:
        """The same with the lines that stand above every page."""
        return replace(self, alarms=alarms)

    @property
    def drill(self) -> str | None:
        """The drill this page belongs to; None for the real thing."""
        return self.parts.get("drill")

    @property
    def stage(self) -> str:
        """`real`, or the drill's id: which journal and desk."""
        return self.drill or "real"

    @property
    def base(self) -> str:
        """Where this stage's disaster pages live."""
        return f"/drills/{self.drill}" if self.drill else "/disaster"

    @property
    def csrf(self) -> str:
        """For the hidden field of every form."""
        return self.identity.csrf if self.identity else ""

    @property
    def op(self) -> str:
        """A fresh operation id for a form: sent twice, the act happens once."""
        return secrets.token_hex(12)

    @property
    def organization(self) -> str:
        """Whose program this is."""
        return self.house.city.organization.name

    @property
    def classification(self) -> str:
        """How the plan is classified; at the foot of every page, not for outsiders."""
        return self.house.city.organization.classification if self.identity else ""

    @property
    def navigation(self) -> tuple[Item, ...]:
        """Where this person may go."""
        if self.identity is not None and self.identity.helper:
            name = text("people.helper_title").pick(self.lang)
            return (Item("/helper", name, self.path == "/helper"),)
        here = "/disaster" if self.drill else self.path
        return tuple(
            Item(href, text(f"pages.{key}").pick(self.lang), _covers(href, here))
            for href, key, wanted in _NAVIGATION
            if href in self.offered and self.may(wanted)
        )

    def may(self, permission: Permission | str) -> bool:
        """Whether a button is worth showing."""
        return self.identity is not None and Permission(permission) in self.identity.permissions

    def word(self, key: str, /, **values: object) -> str:
        """A word of the catalogue in the visitor's language."""
        return text(key, **values).pick(self.lang)

    def called(self, id: str) -> str:
        """The name behind an id of the log."""
        return called(self.house.accounts, id, self.lang)

    def field(self, name: str) -> str:
        """A form field, trimmed; empty when absent."""
        return str(self.form.get(name, "")).strip()


def _covers(href: str, path: str) -> bool:
    if href == "/":
        return path == "/" or path.startswith(("/systems/", "/checks/", "/services/"))
    return path == href or path.startswith(href + "/")
