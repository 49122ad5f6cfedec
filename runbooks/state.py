"""What has been recorded of a declared event: frozen values, made only by `folding.fold`.

Stored are facts (started, done, failed …). Blocked, ready and not applicable are *derived* from them
and the frozen runbooks (`progress`), so that a changed decision never has to rewrite anything.
Instants are aware UTC; people appear as pseudonyms; free text stays in the log's value store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

Nature = Literal["disaster", "failure", "cyber"]
"""大規模災害 (targets `rto_disaster`), 通常の障害 and サイバー (targets `rto`)."""

Capacity = Literal["principal", "deputy", "on_site"]
"""本人, 代行, 現場 (whoever is there): the last two need a later ratification."""

DrillKind = Literal["tabletop", "communication", "muster", "live", "restore", "switch"]
"""机上, 情報伝達, 参集, 実動, 復元試験, 切替."""

NATURES = ("disaster", "failure", "cyber")
CAPACITIES = ("principal", "deputy", "on_site")
DRILL_KINDS = ("tabletop", "communication", "muster", "live", "restore", "switch")

LATE_SECONDS = 300
"""Recorded more than this after it happened: 後入力."""


class Phase(StrEnum):
    """Where the event stands. 取消 is not 解除."""

    DECLARED = "declared"
    RESTORED = "restored"
    STANDING_DOWN = "standing_down"
    STOOD_DOWN = "stood_down"
    REVIEWED = "reviewed"
    CANCELLED = "cancelled"


ACTIVE = frozenset({Phase.DECLARED, Phase.RESTORED, Phase.STANDING_DOWN})


class Ratification(StrEnum):
    """事後承認."""

    NONE = "none"
    PENDING = "pending"
    RATIFIED = "ratified"
    OVERRULED = "overruled"


class Did(StrEnum):
    """What people did with a step: the stored half of its state."""

    OPEN = "open"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


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


@dataclass(frozen=True, slots=True)
class Spell:
    """A level was held from `since` (first green) until `until` (None = now)."""

    since: datetime
    until: datetime | None
    checks: tuple[str, ...]
    seq: int
    """Entry that recorded it."""


@dataclass(frozen=True, slots=True)
class Alternate:
    """代替運用中: a service that goes on by paper."""

    since: datetime
    until: datetime | None = None
    back_entry: Literal["none", "open", "done"] = "none"


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something that must be given back before stand-down: an emergency change, a paper sheet."""

    id: str
    since: datetime
    by: str
    expires_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GateClosing:
    """A gate closed by decision of the authority; the reason (in the log) stays in the report."""

    gate: str
    at: datetime
    by: str
    seq: int
    met: bool = False
    """True: the condition was met with evidence; False: closed by decision."""


@dataclass(frozen=True, slots=True)
class OnsetMark:
    """One statement of when it began; the last one counts, none is forgotten."""

    onset: datetime
    said_at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """指揮の引継ぎ."""

    at: datetime
    by: str
    to: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision taken, of a step or free."""

    subject: str
    option: str
    at: datetime
    by: str
    approved_by: str | None
    seq: int


@dataclass(frozen=True)
class Incident:
    """The folded state of one declared event (no slots: copied by its dictionary, see `folding`)."""

    id: str
    stage: str
    """`real`, or the id of the drill."""
    nature: Nature
    level: int
    onset: datetime
    declared_at: datetime
    declared_by: str
    capacity: Capacity
    role: str | None
    """Role (id) in whose name it was declared."""
    plan: str
    """Digest of the accepted plan."""
    frozen: str
    """Digest of the plan and runbooks frozen at declaration, in the evidence store."""
    hours: Literal["in_hours", "off_hours"]
    seq: int
    """Entry of the declaration."""
    drill: DrillKind | None = None
    phase: Phase = Phase.DECLARED
    phase_since: datetime | None = None
    ratification: Ratification = Ratification.NONE
    ratified_at: datetime | None = None
    commander: str = ""
    systems: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    """Scope; an empty tuple means all."""
    runbooks: tuple[str, ...] = ()
    runs: Mapping[str, Mapping[str, StepRun]] = field(default_factory=dict)
    """Runbook -> step -> run."""
    levels: Mapping[str, Mapping[str, tuple[Spell, ...]]] = field(default_factory=dict)
    """System -> level -> spells, oldest first."""
    snapshots: Mapping[str, datetime] = field(default_factory=dict)
    """System -> time of the verified snapshot that was restored (RPO attained)."""
    alternates: Mapping[str, Alternate] = field(default_factory=dict)
    changes: Mapping[str, OpenItem] = field(default_factory=dict)
    sheets: Mapping[str, OpenItem] = field(default_factory=dict)
    gates: tuple[str, ...] = ()
    closings: Mapping[str, GateClosing] = field(default_factory=dict)
    onsets: tuple[OnsetMark, ...] = ()
    hand_overs: tuple[HandOver, ...] = ()
    decisions: tuple[Decision, ...] = ()
    restored: tuple[tuple[str, str], ...] = ()
    """(system, level) that stood with evidence when 復旧 was recorded."""
    waivers: tuple[str, ...] = ()
    """Systems waived at restoration, with a reason in the log."""
    preempted_at: datetime | None = None
    """実災害発動 — 訓練中止."""
    report: str | None = None
    notes: int = 0
    late: int = 0
    """Entries recorded more than LATE_SECONDS after they happened."""
    version: int = 0
    """Entries of this event so far."""
    last_seq: int = 0
    last_at: datetime | None = None

    @property
    def real(self) -> bool:
        """Real, not a drill."""
        return self.stage == "real"

    @property
    def kind(self) -> Literal["real", "drill"]:
        """For labels of metrics."""
        return "real" if self.real else "drill"

    @property
    def active(self) -> bool:
        """Declared and neither stood down nor cancelled."""
        return self.phase in ACTIVE

    def run(self, runbook: str, step: str) -> StepRun:
        """The step's run, an untouched one when nobody has touched it."""
        return self.runs.get(runbook, {}).get(step) or StepRun(step, runbook)

    def in_scope(self, system: str) -> bool:
        """Whether the declaration covers a system."""
        return not self.systems or system in self.systems

    def service_in_scope(self, service: str) -> bool:
        """Whether the declaration covers a service."""
        return not self.services or service in self.services


@dataclass(frozen=True, slots=True)
class Incidents:
    """Every event of one journal, oldest first; at most one is active."""

    items: Mapping[str, Incident] = field(default_factory=dict)
    current: str | None = None

    def get(self, id: str) -> Incident | None:
        """The event with this id."""
        return self.items.get(id)

    @property
    def active(self) -> Incident | None:
        """The one that runs now."""
        return self.items[self.current] if self.current else None

    @property
    def latest(self) -> Incident | None:
        """The last declared one, running or not."""
        return next(reversed(self.items.values()), None)  # type: ignore[call-overload]
