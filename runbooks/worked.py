"""What people do around the steps: shifts, escalations, amendments, automation, photos. Pure values.

Instants are aware UTC; people appear as pseudonyms (or ids of the plan); free text stays in the
log's value store.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Promise:
    """Somebody outside said when: 約束の時刻."""

    said_at: datetime
    until: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Escalation:
    """A step that took too long was brought to the next in succession. It failed nothing."""

    at: datetime
    to: str
    rank: int
    """0 = the first of the succession; a number past the last one: the commander."""
    by: str


@dataclass(frozen=True, slots=True)
class Duty:
    """A role filled by a person for a shift; `until` None = until somebody else takes over."""

    role: str
    person: str
    since: datetime
    until: datetime | None
    by: str

    def holds(self, now: datetime) -> bool:
        """Whether the shift runs at `now`."""
        return self.since <= now and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class ContactTry:
    """連絡: somebody was called, and whether he was reached."""

    person: str
    reached: bool
    at: datetime
    by: str
    step: str | None = None


@dataclass(frozen=True, slots=True)
class NewStep:
    """The shape of a step put in while the event runs; its words are texts of the entry."""

    id: str
    type: str
    role: str | None = None
    after: str | None = None
    """Waits for this step; None = at once."""
    before: str | None = None
    """This step waits for it."""
    runbook: str | None = None
    """Of a step that stands for a spliced-in runbook."""
    people: int = 1


@dataclass(frozen=True, slots=True)
class Amendment:
    """差し込み: one change of the frozen runbooks. `seq` is the entry that carries its words."""

    op: str
    """`add`, `replace`, `move` or `splice`."""
    runbook: str
    step: NewStep
    seq: int
    at: datetime
    by: str


class RunState(StrEnum):
    """Where an automated act stands."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    SIMULATED = "simulated"
    WITHDRAWN = "withdrawn"
    NOT_STARTED = "not_started"
    """Confirmed, and the program stopped before it began: nothing was done."""
    UNKNOWN = "unknown"
    """The program stopped while it ran: nobody can say what came of it."""


RUN_OPEN = frozenset({RunState.REQUESTED, RunState.CONFIRMED, RunState.RUNNING})


@dataclass(frozen=True, slots=True)
class AutoRun:
    """One automated act of a step. Never done again by itself."""

    id: str
    step: str
    runbook: str
    action: str
    """Id in the allow-list."""
    definition: str
    """SHA-256 of the list's line as it stood: what exactly was confirmed."""
    parameters: tuple[tuple[str, str], ...]
    state: RunState
    requested_by: str
    requested_at: datetime
    alone: bool = False
    """単独実施: confirmed by the one who asked, with a reason; countersigned before stand-down."""
    confirmed_by: str | None = None
    countersigned_by: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit: int | None = None
    seconds: int | None = None
    seq: int = 0
    """The last entry about it."""

    @property
    def owes_countersign(self) -> bool:
        """Done alone and nobody has looked at it since."""
        done = self.state not in (RunState.REQUESTED, RunState.WITHDRAWN, RunState.NOT_STARTED)
        return self.alone and done and self.countersigned_by is None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A photo, by digest; the file is in the evidence store."""

    digest: str
    subject: str
    kind: str
    """`image/jpeg`, `image/png` or `image/webp`, by its content."""
    size: int
    stripped: bool
    """Place and camera were taken out before it was kept."""
    at: datetime
    by: str
    seq: int
    erased_at: datetime | None = None
    """The picture is gone for good; what it was stays provable by its digest."""
