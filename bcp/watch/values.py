"""What a check says: Status, Finding, Outcome, Observation, Transition. Values, no I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bcp.kit.language import Text


class Pillar(StrEnum):
    """機密性・完全性・可用性, the three elements, in the order the city writes them."""

    CONFIDENTIALITY = "confidentiality"
    INTEGRITY = "integrity"
    AVAILABILITY = "availability"


class Status(StrEnum):
    """正常・低下・停止・不明. Muting is a second thing beside it, never instead of it (`Mute`)."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"

    __hash__ = str.__hash__
    """Enum's own is written in Python, and states are looked up a million times an hour."""


class Mute(StrEnum):
    """Why an alert is held back; probing and recovery go on."""

    PARENT = "parent"
    MAINTENANCE = "maintenance"
    PLANNED = "planned"
    DRILL = "drill"
    FLAPPING = "flapping"
    """Down and up again and again: told once."""
    OWN_LINE = "own_line"
    """This node is cut off: told once."""
    MEMBER = "member"
    """Judged together with others: told by the check that speaks for it."""


class FindingResult(StrEnum):
    """Five-valued: an error while looking is `not_checked`, never `pass`."""

    FAIL = "fail"
    PASS = "pass"
    NOT_CHECKED = "not_checked"
    WAIVED = "waived"
    NOT_APPLICABLE = "not_applicable"


class Severity(StrEnum):
    """critical: a stranger on that network reads or changes residents' data or backups now."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One confidentiality setting looked at. `observed` is redacted before it gets here."""

    id: str
    """Stable id of the catalogue, `file.private_key_readable`."""
    subject: str
    """What was looked at, normalised: no counters, days left or run ids, so that it stays equal."""
    result: FindingResult
    severity: Severity
    title: Text
    observed: str
    expected: str
    remedy: Text

    def fingerprint(self, target: str) -> str:
        """Stable over runs: finding id + target + subject. Waivers and drift hang on it."""
        return hashlib.sha256("\0".join((self.id, target, self.subject)).encode()).hexdigest()[:16]


def still_open(known: tuple[Finding, ...], seen: Outcome) -> tuple[Finding, ...]:
    """The findings that stand after one more look: what nobody could look at again is not cured.

    A look that could not tell and names nothing leaves them as they were; where one setting could
    not be checked, its earlier failure stays open.
    """
    if seen.status is Status.UNKNOWN and not seen.findings:
        return known
    failed = {(one.id, one.subject): one for one in known if one.result is FindingResult.FAIL}
    return tuple(
        failed.get((one.id, one.subject), one) if one.result is FindingResult.NOT_CHECKED else one
        for one in seen.findings
    )


FactValue = int | float | str | bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of a check found out. A target being down is an Outcome, not an exception."""

    status: Status
    sentence: Text
    """One sentence for people: what is, and if bad, what was expected."""
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    """Only names the check's class declares in `facts`, in the unit it declares."""
    findings: tuple[Finding, ...] = ()
    evidence: tuple[str, ...] = ()
    """Lines that let a person see why (redacted): answers, certificates, last lines of a child."""


def ok(ja: str, en: str, **facts: FactValue) -> Outcome:
    """A good outcome."""
    return Outcome(Status.OK, Text(ja, en), facts)


def degraded(ja: str, en: str, **facts: FactValue) -> Outcome:
    """Works, but not as it should."""
    return Outcome(Status.DEGRADED, Text(ja, en), facts)


def failed(ja: str, en: str, *evidence: str, **facts: FactValue) -> Outcome:
    """Proven bad."""
    return Outcome(Status.FAILED, Text(ja, en), facts, evidence=evidence)


def unknown(ja: str, en: str, *evidence: str, **facts: FactValue) -> Outcome:
    """Could not tell. Never shown as good, never counted as down."""
    return Outcome(Status.UNKNOWN, Text(ja, en), facts, evidence=evidence)


@dataclass(frozen=True, slots=True)
class Observation:
    """One run of one check, as seen from one vantage point."""

    check: str
    vantage: str
    started: datetime
    duration: float
    """Seconds, by the monotonic clock, measured by the caller."""
    outcome: Outcome
    lateness: float = 0.0
    """Seconds between the due time and the start."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A confirmed change of state: the thing that is logged and announced."""

    check: str
    old: Status
    new: Status
    since: datetime
    """Start of the first observation of the new state, not the moment it was confirmed."""
    at: datetime
    """When it was confirmed."""
    why: Text
