"""The contract of a check, and the tools it may use.

A new kind of check is one file: a frozen model, subclass of `Check`, with `kind`, `pillar`,
`title`, a one-sentence docstring and `run`. Its fields *are* its YAML; the registry finds it by
walking the package.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from pydantic import Field, model_validator

from bcp.kit import process
from bcp.kit.clock import Clock
from bcp.kit.errors import NotPermitted
from bcp.kit.language import Text
from bcp.kit.workers import Workers
from bcp.plan.model import Permission
from bcp.plan.types import CheckId, Duration, Id, Model
from bcp.watch.heartbeats import Heard
from bcp.watch.logins import Logins
from bcp.watch.values import Outcome, Pillar, Status


class Confirm(Model):
    """How often the same answer must come before the state changes (both ways)."""

    failures: int = Field(2, ge=1, le=20)
    """Bad results in a row before it is called down (n)."""
    of: int | None = Field(None, ge=1, le=20)
    """Within the last m results; default: the same as `failures`."""
    successes: int = Field(1, ge=1, le=20)
    """Good results in a row before it is called up again."""
    retry: Duration = timedelta(seconds=5)
    """Faster re-probe while an answer is not confirmed yet."""

    @model_validator(mode="after")
    def _window_fits(self) -> Confirm:
        if self.of is not None and self.of < self.failures:
            raise ValueError("of は failures より小さくできません / of is smaller than failures")
        return self


@dataclass(frozen=True, slots=True)
class Fact:
    """A number or bounded word a check may report: unit (base units) and what it means."""

    unit: str
    text: Text


@dataclass(frozen=True, slots=True)
class HostAccess:
    """What of this host may be read. Nothing by default; not permitted is `not_checked`."""

    roots: tuple[Path, ...] = ()

    def require(self, path: Path) -> Path:
        """The path, resolved, when it lies under a permitted root. Raises `NotPermitted`."""
        real = path.resolve()
        if any(real == root or root in real.parents for root in (r.resolve() for r in self.roots)):
            return real
        raise NotPermitted(
            "計画で許可されていない場所です / not under a permitted root",
            where=str(path),
            next_step="node.host_roots に加える / add it to node.host_roots",
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """目視: what a named person saw at a counter. `by` is a pseudonym; the name lives in the log."""

    check: str
    status: Status
    at: datetime
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the board says of another check now, confirmed; a judge over several asks for it."""

    status: Status
    since: datetime
    """Start of the first look of this state."""
    looked: datetime
    """Start of the last look."""
    sentence: Text


class Resolver(Protocol):
    """Names to addresses, never blocking the loop."""

    async def __call__(self, host: str, port: int) -> list[str]:
        """Addresses of `host`; raises OSError when there are none."""
        ...


@dataclass(frozen=True, slots=True)
class Env:
    """The tools a check may use; handed in, never module globals."""

    clock: Clock
    workers: Workers
    resolve: Resolver
    host: HostAccess = HostAccess()
    run_process: Callable[..., Awaitable[process.Completed]] = field(default=process.run)
    ca_file: Path | None = None
    """The city's own CA bundle, beside the system's."""
    statement: Callable[[str], Statement | None] = field(default=lambda _check: None)
    """The last thing a person confirmed for a check (kind `observed`)."""
    heard: Callable[[str], Heard] | None = None
    """What a job has told us (kind `heartbeat`). None: nobody listens here."""
    known: Callable[[str], Known | None] = field(default=lambda _check: None)
    """What stands of another check (kinds `pair` and `quorum`). None: nothing that still counts."""
    logins: Logins = field(default_factory=Logins)
    """How logins ended: a refused one is never repeated."""


class Check(Model):
    """Base of every kind. Down is an Outcome; raising means a bug in the check."""

    pillar: ClassVar[Pillar]
    title: ClassVar[Text]
    """One line for `ict-bcp kinds` and the README table."""
    facts: ClassVar[Mapping[str, Fact]] = {}
    reach: ClassVar[Literal["network", "host", "person"]] = "network"
    """What it touches: a host over the network, this host (its files, what it was told), or nothing
    (a person looks)."""
    weight: ClassVar[str] = "light"
    """`light` (a socket) or `heavy` (a child process, hashing): heavy ones have few seats."""
    on_timeout: ClassVar[Status | None] = None
    """What the caller's deadline means. None: failed for availability (a user who gets no answer
    is not served), unknown for the others (half a look proves nothing)."""

    id: CheckId
    kind: str
    system: Id | None = None
    site: Id | None = None
    name: str | None = None
    every: Duration = timedelta(seconds=60)
    timeout: Duration = timedelta(seconds=10)
    confirm: Confirm = Confirm()
    permission: Permission | None = None

    @model_validator(mode="after")
    def _timeout_fits(self) -> Check:
        if self.every < self.timeout:
            raise ValueError("every は timeout より短くできません / every is shorter than timeout")
        return self

    @property
    def target(self) -> str:
        """What is looked at, for people and for fingerprints; never holds a secret."""
        return self.id

    @property
    def endpoint_host(self) -> str | None:
        """The host it contacts, if any: decides whether a permission is needed."""
        return None

    @property
    def good_when_unreached(self) -> bool:
        """Silence is what it hopes for: good says nothing where nothing can be reached."""
        return False

    @property
    def logs_in(self) -> bool:
        """It shows a server a password: refused in the zone マイナンバー利用事務系."""
        return False

    @property
    def speaks_for(self) -> tuple[str, ...]:
        """Checks it judges together: they count and call people through it alone."""
        return ()

    @classmethod
    def timeout_status(cls) -> Status:
        """The verdict when the caller's deadline passes before the check has answered."""
        if cls.on_timeout is not None:
            return cls.on_timeout
        return Status.FAILED if cls.pillar is Pillar.AVAILABILITY else Status.UNKNOWN

    @abstractmethod
    async def run(self, env: Env) -> Outcome:
        """Look once, within the caller's deadline."""
        raise NotImplementedError
