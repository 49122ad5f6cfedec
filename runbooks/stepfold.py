"""What each entry about a step changes in its run. Pure."""

from __future__ import annotations

from typing import Any

from bcp.journal.entry import Entry
from bcp.kit.units import from_us
from runbooks.state import LATE_SECONDS, Attempt, Did, StepRun, Verification

STEP_KINDS = frozenset(
    {
        "step_started",
        "step_done",
        "step_failed",
        "step_skipped",
        "step_waiting",
        "step_reopened",
        "step_confirmed",
        "step_attested",
        "step_verified",
        "decision_taken",
    }
)
"""Entries whose detail carries `runbook` and whose subject is the step; a free decision's is none."""

_ENDS = {
    "step_done": Did.DONE,
    "step_failed": Did.FAILED,
    "step_skipped": Did.SKIPPED,
    "decision_taken": Did.DONE,
}


def fold_step(run: StepRun, word: str, entry: Entry) -> StepRun:
    """The run after one more entry about it."""
    if word in _ENDS:
        return _ended(run, _ENDS[word], entry)
    if word == "step_started":
        changes: dict[str, Any] = {
            "did": Did.RUNNING,
            "claimed_by": entry.actor.id,
            "started_at": run.started_at if run.did is Did.WAITING else entry.occurred_at,
            "expected_at": None,
        }
    elif word == "step_waiting":
        changes = {
            "did": Did.WAITING,
            "claimed_by": run.claimed_by or entry.actor.id,
            "started_at": run.started_at or entry.occurred_at,
            "expected_at": from_us(entry.detail["expected_us"]),
        }
    elif word == "step_reopened":
        changes = _reopened(run, entry)
    elif word == "step_confirmed":
        changes = {"confirmed_by": (*run.confirmed_by, entry.actor.id)}
    elif word == "step_attested":
        changes = {"verification": Verification.ATTESTED, "attested_by": entry.actor.id}
    else:
        passed = entry.detail["passed"]
        changes = {
            "verification": Verification.PASSED if passed else Verification.FAILED,
            "verified_since": from_us(entry.detail["since_us"]) if passed else None,
        }
    new = _with(run, **changes)
    if word == "step_verified":  # a machine's word is no statement a page can collide with
        object.__setattr__(new, "version", run.version)
    return new


def _ended(run: StepRun, did: Did, entry: Entry) -> StepRun:
    attempt = Attempt(
        run.attempt, run.started_at, entry.occurred_at, did, entry.actor.id, entry.seq
    )
    verification = run.verification
    if did is Did.DONE and verification is Verification.NONE and entry.detail.get("proof"):
        verification = Verification.PENDING
    return _with(
        run,
        did=did,
        verification=verification,
        finished_at=entry.occurred_at,
        finished_by=entry.actor.id,
        finished_seq=entry.seq,
        late=(entry.recorded_at - entry.occurred_at).total_seconds() > LATE_SECONDS,
        expected_at=None,
        option=entry.detail.get("option"),
        attempts=(*run.attempts, attempt),
    )


def _reopened(run: StepRun, entry: Entry) -> dict[str, Any]:
    """A new attempt; the proof of the old one does not carry over."""
    return {
        "did": Did.OPEN,
        "verification": Verification.NONE,
        "attempt": run.attempt + 1,
        "claimed_by": None,
        "started_at": None,
        "finished_at": None,
        "finished_by": None,
        "finished_seq": None,
        "late": False,
        "expected_at": None,
        "confirmed_by": (),
        "attested_by": None,
        "option": None,
        "verified_since": None,
        "reopened_at": entry.occurred_at,
        "reopened_by": entry.actor.id,
        "reopened_version": run.version + 1,
    }


def _with(run: StepRun, **changes: Any) -> StepRun:
    """A copy with changes; the version grows with every entry."""
    new = object.__new__(StepRun)
    new.__dict__.update(run.__dict__)
    new.__dict__.update(changes, version=run.version + 1)
    return new
