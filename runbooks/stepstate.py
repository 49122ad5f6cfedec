"""The stored half of a step: what people did with it, what is proven of it, and by whom. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from runbooks.worked import Escalation, Promise


class Did(StrEnum):
    """What people did with a step: the stored half of its state."""

    OPEN = "open"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    """Taken out of the event by an amendment; nobody is asked to do it."""


class Verification(StrEnum):
    """What is proven of a step: the second dimension, kept apart from what was ticked."""

    NONE = "none"
    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"
    ATTESTED = "attested"
    """目視: another person looked."""
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One go at a step. `by` are pseudonyms; instants are when it happened, not when it was typed."""

    number: int
    started_at: datetime | None
    finished_at: datetime | None
    result: Did
    by: str
    seq: int
    """Entry that ended it."""


@dataclass(frozen=True)
class StepRun:
    """One step of a running event (no slots: copied by its dictionary, see `stepfold`)."""

    id: str
    runbook: str
    did: Did = Did.OPEN
    verification: Verification = Verification.NONE
    attempt: int = 1
    version: int = 0
    """Grows with every entry about the step; a page sends it back to find conflicts."""
    claimed_by: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    finished_by: str | None = None
    finished_seq: int | None = None
    late: bool = False
    expected_at: datetime | None = None
    """While waiting: when the other side promised."""
    confirmed_by: tuple[str, ...] = ()
    """Others who said the same afterwards."""
    attested_by: str | None = None
    option: str | None = None
    """The answer of a decision."""
    verified_since: datetime | None = None
    reopened_at: datetime | None = None
    reopened_by: str | None = None
    reopened_version: int = 0
    """Version since the last undo: what was said of an older one speaks of the attempt undone."""
    attempts: tuple[Attempt, ...] = ()
    seq: int | None = None
    """The last entry about it: 「送信済み #1182」."""
    helpers: tuple[str, ...] = ()
    """Who does it together with the one who claimed it."""
    alone: bool = False
    """Done by one person where two were asked, with a reason in the log."""
    answered: bool = False
    """The challenge was answered as the screen asked."""
    promises: tuple[Promise, ...] = ()
    """Every time somebody outside promised, oldest first."""
    escalations: tuple[Escalation, ...] = ()
    approved_by: str | None = None
    checked: bool | None = None
    """Whether the role of who approved could be checked; None where nothing asks for it."""
    reviewed_at: datetime | None = None
    """When somebody looked again after something it was built on was undone."""
