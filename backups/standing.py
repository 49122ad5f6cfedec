"""What is proven of every copy right now. Pure: record, memory and clock in, rungs out.

The rule of every rung: proven bad stays failed until proven otherwise; proven good counts for its period
and then is *unknown*; an attempt that could not tell changes nothing while a proof still counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from backups.custody import CopyState
from backups.ledger import Coverage
from backups.model import ProvenCopy, ProvenSet
from backups.record import Evidence, Result
from bcp.kit.language import Text, text
from bcp.kit.units import duration_ja, format_duration
from bcp.watch.values import Status

VANISHED = frozenset(
    {
        "recreated",
        "rolled_back",
        "emptied",
        "no_repository",
        "wrong_password",
        "keys_gone",
        "config_changed",
        "objects_missing",
        "objects_changed",
        "generation_changed",
        "damaged",
    }
)
"""Findings of rung 1 after which older proofs of the higher rungs say nothing about today."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What this process has seen and the log need not hold: all of it can be seen again."""

    tried: Mapping[int, Evidence] = field(default_factory=dict)
    """The newest attempt of each level, conclusive or not."""
    failures: Mapping[int, int] = field(default_factory=dict)
    """Attempts in a row that were not good."""
    present: frozenset[str] | None = None
    """Snapshots seen at the last poll."""
    coverage: Coverage | None = None
    busy: str = ""
    """What is being done with the copy now: `backup`, `4`; empty: nothing."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung of one copy."""

    set: str
    repository: str
    level: int
    status: Status
    sentence: Text
    evidence: Evidence | None = None
    """What the status rests on."""
    at: datetime | None = None
    """When it was proven (good or bad)."""
    snapshot: str | None = None
    snapshot_time: datetime | None = None
    expires: datetime | None = None
    """When a good proof no longer counts."""
    overtaken: bool = False
    """Something seen since says that the proof no longer speaks of what is there."""

    @property
    def id(self) -> str:
        """The derived check's id."""
        return f"backup/{self.set}/{self.repository}/{self.level}"


def rungs(
    one: ProvenSet, copy: ProvenCopy, state: CopyState, memory: Memory, now: datetime
) -> tuple[Rung, ...]:
    """The ladder of one copy, from 0 to 5."""
    return tuple(rung(one, copy, state, memory, level, now) for level in one.levels)


def rung(
    one: ProvenSet, copy: ProvenCopy, state: CopyState, memory: Memory, level: int, now: datetime
) -> Rung:
    """One rung as it stands now."""
    last, tried = latest(state, memory, level), memory.tried.get(level)
    period = proof_period(one, level, copy)
    case = _Case(one, copy, state, memory, level, now, last, tried, period)
    status, words = _judge(case)
    shown = last or tried
    return Rung(
        one.id,
        copy.id,
        level,
        status,
        words,
        shown,
        shown.at if shown else None,
        shown.snapshot if shown else None,
        shown.snapshot_time if shown else None,
        last.at + period if last and last.good and period else None,
        last is not None and _overtaken(case, last) is not None,
    )


@dataclass(frozen=True, slots=True)
class _Case:
    one: ProvenSet
    copy: ProvenCopy
    state: CopyState
    memory: Memory
    level: int
    now: datetime
    last: Evidence | None
    tried: Evidence | None
    period: timedelta | None


def _judge(case: _Case) -> tuple[Status, Text]:
    last, now = case.last, case.now
    if last is None:
        why = _inconclusive(case.tried, case.copy)
        return Status.UNKNOWN, why or text(f"backups.never_{case.level}")
    if not last.good:
        return Status.FAILED, _bad(last, case.copy)
    age = now - last.at
    if age < -timedelta(minutes=5):
        return Status.UNKNOWN, text("backups.clock_back")
    if case.period is not None and age > case.period:
        words = text("backups.expired", age=duration_ja(age), age_en=format_duration(_round(age)))
        later = case.tried is not None and case.tried.at > last.at
        why = _inconclusive(case.tried, case.copy) if later else None
        return Status.UNKNOWN, _joined(words, why)
    return _held(case, last)


def _held(case: _Case, last: Evidence) -> tuple[Status, Text]:
    """A good proof that still counts: does what it speaks of still hold?"""
    gone = _overtaken(case, last)
    if gone is not None:
        return Status.UNKNOWN, gone
    rpo = None if case.copy.offline or case.level == 5 else case.one.rpo
    old = last.snapshot_time is not None and rpo is not None and case.now - last.snapshot_time > rpo
    if old and case.level == 1:
        return Status.FAILED, _bad(last, case.copy, "stale")
    if old and case.level == case.one.required_level:
        return Status.DEGRADED, text(
            "backups.proof_older_than_rpo", rpo=format_duration(rpo or _ZERO)
        )
    if case.level == 3:
        read = parts_read(case.one, case.state, case.now)
        if read < case.one.verify.parts:
            parts = case.one.verify.parts
            return Status.DEGRADED, text("backups.partly_read", read=read, parts=parts)
    if case.level == 4 and last.facts.get("unopened"):
        return Status.DEGRADED, text("backups.equal_unopened", count=last.facts["unopened"])
    if case.level == 4 and (last.facts.get("modes") or last.facts.get("excused")):
        facts = {name: last.facts.get(name, 0) for name in ("modes", "excused", "files")}
        return Status.DEGRADED, text("backups.equal_but", **facts)
    if case.level == 1 and case.one.kind == "files":
        return Status.OK, text("backups.product_1", count=last.facts.get("snapshots", 0))
    if last.facts.get("by_product"):
        if last.facts.get("sampled"):
            return Status.OK, text("backups.product_4_part", **_numbers(last))
        return Status.OK, text(f"backups.product_{case.level}", **_numbers(last))
    if case.level == 4 and last.facts.get("sampled"):
        counts = {name: last.facts.get(name, 0) for name in ("of", "opened")}
        return Status.OK, text("backups.proven_4_sampled", **_numbers(last), **counts)
    if case.level == 4 and last.facts.get("opened"):
        names = ("opened", "tables", "rows")
        counts = {name: last.facts.get(name, 0) for name in names}
        return Status.OK, text("backups.proven_4_opened", **_numbers(last), **counts)
    return Status.OK, text(f"backups.proven_{case.level}", **_numbers(last))


def _overtaken(case: _Case, last: Evidence) -> Text | None:
    """Why a proof of a higher rung says nothing about today.

    Not even one made after the finding: restic calls a rolled-back repository sound, and a proof
    that turned green until the next poll would come and go. Only rung 1, good again, ends it.
    """
    if case.level < 2:
        return None
    first = latest(case.state, case.memory, 1)
    if first is not None and not first.good and first.reason in VANISHED:
        return text(
            "backups.overtaken", why=_bad(first, case.copy).ja, why_en=_bad(first, case.copy).en
        )
    if first is not None and first.good and not case.copy.offline and _lapsed(case, first):
        return text("backups.not_seen_now")
    present = case.memory.present if case.level < 5 else None  # the owner saw what it opened
    if last.facts.get("by_product"):  # its product tidies up what was restored: expected
        present = None
    if present is not None and last.snapshot is not None and last.snapshot not in present:
        return text("backups.snapshot_gone", snapshot=last.snapshot[:8])
    return None


def _lapsed(case: _Case, first: Evidence) -> bool:
    """The last good look at a copy that should be attached no longer counts: is it still there?"""
    period = proof_period(case.one, 1, case.copy)
    return period is not None and case.now - first.at > period


_ZERO = timedelta()


def _round(age: timedelta) -> timedelta:
    return timedelta(seconds=int(age.total_seconds()))


def _numbers(evidence: Evidence) -> Mapping[str, object]:
    names = ("files", "size", "snapshots", "seconds_ms", "restore_ms")
    numbers: dict[str, object] = {name: evidence.facts.get(name, 0) for name in names}
    numbers["seconds"] = round(evidence.facts.get("restore_ms", 0) / 1000, 1)
    numbers["snapshot"] = (evidence.snapshot or "?")[:8]
    return numbers


def _bad(evidence: Evidence, copy: ProvenCopy, reason: str | None = None) -> Text:
    word = reason or evidence.reason or "bad"
    facts = {n: evidence.facts.get(n, 0) for n in ("missing", "extra", "changed", word)}
    count = facts.pop(word)
    return text(f"backups.bad_{word}", place=copy.location, count=count, **facts)


def _inconclusive(evidence: Evidence | None, copy: ProvenCopy) -> Text | None:
    if evidence is None or evidence.result is not Result.INCONCLUSIVE:
        return None
    return text(f"backups.unknown_{evidence.reason or 'inconclusive'}", place=copy.location)


def _joined(first: Text, second: Text | None) -> Text:
    if second is None:
        return first
    return Text(f"{first.ja} {second.ja}", f"{first.en} {second.en}")


def latest(state: CopyState, memory: Memory, level: int) -> Evidence | None:
    """The newest conclusive evidence of a level, from the log or seen since by this process."""
    recorded, seen = state.evidence.get(level), memory.tried.get(level)
    if seen is None or seen.inconclusive or (recorded is not None and recorded.at > seen.at):
        return recorded
    return seen


def proof_period(one: ProvenSet, level: int, copy: ProvenCopy | None = None) -> timedelta | None:
    """How long a good proof counts: its interval, and time for the next one to be made.

    Of an offline copy at least until it must be attached again: being out of reach is its strength.
    """
    if level == 0:
        return None if one.every is None else one.every + min(one.every, one.deadline)
    interval = one.verify.period(level)
    whole = interval if level in (1, 5) else interval + min(interval, one.verify.deadline)
    return max(whole, copy.rotate) if copy is not None and copy.offline else whole


def parts_read(one: ProvenSet, state: CopyState, now: datetime) -> int:
    """How many of the parts were read well within the time a whole round may take."""
    parts = one.verify.parts
    window = read_window(one)
    dates = (state.parts.get((n, parts)) for n in range(1, parts + 1))
    return sum(1 for at in dates if at is not None and now - at <= window)


def read_window(one: ProvenSet) -> timedelta:
    """Within this time every pack must have been read: a whole round, and one turn late."""
    return one.verify.data * (one.verify.parts + 1)


def good_copy(rung: Rung, state: CopyState) -> datetime | None:
    """Time of the newest snapshot proven at a rung and not contradicted since; None: there is none.

    Its age is the reader's matter: an expired proof still says when the copy was good.
    """
    if rung.status is Status.FAILED or rung.overtaken:
        return None
    if rung.status is Status.DEGRADED and rung.level == 3:
        return None  # read in part
    shown = rung.evidence
    proof = shown if shown is not None and shown.good else state.good.get(rung.level)
    return proof.snapshot_time if proof is not None else None
