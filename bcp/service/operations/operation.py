"""What an operation is: one thing a person or program can ask the service for.

The API, the control socket and the command line all serve this one list, so that each can do what
the others can. An operation decides nothing of the domain: it calls the room that owns the state.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from bcp.journal.entry import Actor
from bcp.kit.errors import Refused
from bcp.kit.language import Text
from bcp.plan.types import Model
from bcp.service.access.roles import Permission
from bcp.service.control import CONSOLE
from bcp.service.house import House

P = TypeVar("P", bound=Model)


class Verdict(StrEnum):
    """What the answer means; the command line turns it into the exit code."""

    GOOD = "good"
    FINDING = "finding"
    UNKNOWN = "unknown"

    @property
    def exit_code(self) -> int:
        """0 good, 1 a finding, 3 could not tell (INTERFACE)."""
        return {"good": 0, "finding": 1, "unknown": 3}[self.value]


@dataclass(frozen=True, slots=True)
class Answer:
    """Facts for programs, lines for people, and what they mean."""

    data: dict[str, Any]
    lines: tuple[str, ...] = ()
    verdict: Verdict = Verdict.GOOD

    def as_json(self) -> dict[str, Any]:
        """The document sent over the API and printed by `--json`."""
        return {**self.data, "verdict": self.verdict.value}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the actor for the log, and the operation id that makes a repeat harmless."""

    actor: Actor
    op: str
    permissions: frozenset[Permission] = frozenset(Permission)
    """What he may do; the terminal of this host everything."""

    @property
    def local(self) -> bool:
        """Root or the daemon's own user on this host, by word of the kernel."""
        return self.actor.capacity == CONSOLE

    def require_local(self, what: str) -> None:
        """Raises `Refused` for a caller from the network.

        Naming files of this host as the daemon's user is not for accounts, whatever their role.
        """
        if not self.local:
            raise Refused(
                "このサーバーの端末からだけ使えます / only from a terminal of this host",
                got=what,
                next_step="ict-bcp … --data DIR",
            )


class NoParameters(Model):
    """An operation that needs nothing."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[P]):
    """`name` is `room.verb`; its path is `/api/v1/room/verb`, GET for reads, POST for writes."""

    name: str
    summary: Text
    permission: Permission
    parameters: type[P]
    run: Callable[[House, Caller, P], Awaitable[Answer]]
    writes: bool = False
    tags: tuple[str, ...] = field(default=())

    @property
    def path(self) -> str:
        """Its place in the API."""
        return "/api/v1/" + self.name.replace(".", "/")
