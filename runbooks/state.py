"""What has been recorded of a declared event: frozen values, made only by `folding.fold`.

Stored are facts (started, done, failed …). Blocked, ready and not applicable are *derived* from them
and the frozen runbooks (`progress`), so that a changed decision never has to rewrite anything.
Instants are aware UTC; people appear as pseudonyms; free text stays in the log's value store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Literal

from runbooks.breaches import Breach
from runbooks.calls import Call
from runbooks.changes import Change
from runbooks.damagestate import SiteDamage
from runbooks.framestate import ACTIVE as ACTIVE
from runbooks.framestate import CAPACITIES as CAPACITIES
from runbooks.framestate import DRILL_KINDS as DRILL_KINDS
from runbooks.framestate import NATURES as NATURES
from runbooks.framestate import Capacity as Capacity
from runbooks.framestate import DrillKind as DrillKind
from runbooks.framestate import Mark as Mark
from runbooks.framestate import Nature as Nature
from runbooks.framestate import OnsetMark as OnsetMark
from runbooks.framestate import PartEnd as PartEnd
from runbooks.framestate import Phase as Phase
from runbooks.framestate import Ratification as Ratification
from runbooks.framestate import Suggestion as Suggestion
from runbooks.framestate import Tried as Tried
from runbooks.handing import HandOffer, HandOver, Issued
from runbooks.proofstate import Estimate, Held, Stop, Word
from runbooks.stepstate import Attempt as Attempt
from runbooks.stepstate import Did as Did
from runbooks.stepstate import StepRun as StepRun
from runbooks.stepstate import Verification as Verification
from runbooks.worked import Amendment, Attachment, AutoRun, ContactTry, Duty

LATE_SECONDS = 300
"""Recorded more than this after it happened: 後入力."""


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
    """Something that must be given back before stand-down: a paper sheet."""

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
    holds: tuple[str, ...] = ()
    """What was open then: the decision speaks of this and of nothing opened later."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision taken, of a step or free."""

    subject: str
    option: str
    at: datetime
    by: str
    approved_by: str | None
    seq: int


@lru_cache(8192)
def _untouched(step: str, runbook: str) -> StepRun:
    """A step nobody has touched: asked for by every page, for every step."""
    return StepRun(step, runbook)


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
    links: tuple[str, ...] = ()
    """Events that ran when this one was declared and that it belongs to (余震, 併発)."""
    suggestion: str | None = None
    """The suggestion it came of."""
    rank: int | None = None
    """代行順位 of who declared; None = in person or on the spot."""
    tried: tuple[Tried, ...] = ()
    """Who of the authority could not be reached, and when."""
    marks: tuple[Mark, ...] = ()
    """Levels and scopes as they were stated, oldest first."""
    ended: Mapping[str, PartEnd] = field(default_factory=dict)
    """一部解除: `system:juki`, `service:certificates`, `site:honcho`."""
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
    words: Mapping[str, tuple[Word, ...]] = field(default_factory=dict)
    """`system:juki:L2`, `service:certificates` -> what named people said, oldest first."""
    estimates: tuple[Estimate, ...] = ()
    stops: Mapping[str, Stop] = field(default_factory=dict)
    """System -> its last stop on purpose."""
    settled: Mapping[str, Held] = field(default_factory=dict)
    """Holds of a cyber event that are settled."""
    intrusion_at: datetime | None = None
    """Earliest known intrusion: a copy made later may carry it."""
    alternates: Mapping[str, Alternate] = field(default_factory=dict)
    changes: Mapping[str, Change] = field(default_factory=dict)
    breaches: Mapping[str, Breach] = field(default_factory=dict)
    """個人情報の漏えい等: what must be reported by when."""
    sheets: Mapping[str, OpenItem] = field(default_factory=dict)
    damage: Mapping[str, SiteDamage] = field(default_factory=dict)
    """Site -> what people saw there (様式11); what is absent is 未確認."""
    codes: Mapping[str, OpenItem] = field(default_factory=dict)
    """緊急用封印コード used and not replaced yet, those used before the declaration too."""
    gates: tuple[str, ...] = ()
    closings: Mapping[str, GateClosing] = field(default_factory=dict)
    onsets: tuple[OnsetMark, ...] = ()
    hand_overs: tuple[HandOver, ...] = ()
    offer: HandOffer | None = None
    """引継ぎ that waits for the receiver."""
    situations: tuple[Issued, ...] = ()
    """状況報告, 第1報 first."""
    decisions: tuple[Decision, ...] = ()
    restored: tuple[tuple[str, str], ...] = ()
    """(system, level) that stood with evidence when 復旧 was recorded."""
    waivers: tuple[str, ...] = ()
    """Systems waived at restoration, with a reason in the log."""
    duties: tuple[Duty, ...] = ()
    """Who fills which role on which shift; the last statement about a person and role counts."""
    contacts: tuple[ContactTry, ...] = ()
    calls: tuple[Call, ...] = ()
    """Messages to everybody on call that nobody else has answered yet."""
    reminded: Mapping[str, int] = field(default_factory=dict)
    """What was told again -> how often (`reminders.key`)."""
    amendments: tuple[Amendment, ...] = ()
    """差し込み: what was changed of the frozen runbooks, in the order decided."""
    abandoned: Mapping[str, int] = field(default_factory=dict)
    """Runbooks given up for another way -> entry that says so."""
    automations: Mapping[str, AutoRun] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
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
        return self.runs.get(runbook, {}).get(step) or _untouched(step, runbook)

    def in_scope(self, system: str) -> bool:
        """Whether the declaration covers a system (and its part was not ended: 一部解除)."""
        return (not self.systems or system in self.systems) and f"system:{system}" not in self.ended

    def service_in_scope(self, service: str) -> bool:
        """Whether the declaration covers a service (and its part was not ended)."""
        named = not self.services or service in self.services
        return named and f"service:{service}" not in self.ended
