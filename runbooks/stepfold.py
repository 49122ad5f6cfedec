"""What each entry about a step changes in its run. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bcp.journal.entry import Entry
from bcp.kit.units import from_us
from runbooks.state import LATE_SECONDS, Attempt, Did, StepRun, Verification
from runbooks.worked import Escalation, Promise

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
        "step_cancelled",
        "step_waived",
        "step_reviewed",
        "step_assigned",
        "step_released",
        "step_joined",
        "step_escalated",
    }
)
"""Entries whose detail carries `runbook` and whose subject is the step; a free decision's is none."""

_ENDS = {
    "step_done": Did.DONE,
    "step_failed": Did.FAILED,
    "step_skipped": Did.SKIPPED,
    "step_cancelled": Did.CANCELLED,
    "decision_taken": Did.DONE,
}


def fold_step(run: StepRun, word: str, entry: Entry) -> StepRun:
    """The run after one more entry about it."""
    if word in _ENDS:
        new = _ended(run, _ENDS[word], entry)
        return _with(new, entry, **_reopened(new, entry)) if entry.detail.get("again") else new
    new = _with(run, entry, **_CHANGES[word](run, entry))
    if word in _QUIET:  # no statement about the work that a page could collide with
        object.__setattr__(new, "version", run.version)
    return new


_QUIET = frozenset({"step_verified", "step_escalated", "step_joined", "step_reviewed"})


def _started(run: StepRun, entry: Entry) -> dict[str, Any]:
    return {
        "did": Did.RUNNING,
        "claimed_by": entry.actor.id,
        "started_at": run.started_at if run.did is Did.WAITING else entry.occurred_at,
        "expected_at": None,
    }


def _waiting(run: StepRun, entry: Entry) -> dict[str, Any]:
    until = from_us(entry.detail["expected_us"])
    promise = Promise(entry.occurred_at, until, entry.actor.id)
    return {
        "did": Did.WAITING,
        "claimed_by": run.claimed_by or entry.actor.id,
        "started_at": run.started_at or entry.occurred_at,
        "expected_at": until,
        "promises": (*run.promises, promise),
    }


def _verified(_run: StepRun, entry: Entry) -> dict[str, Any]:
    passed = entry.detail["passed"]
    return {
        "verification": Verification.PASSED if passed else Verification.FAILED,
        "verified_since": from_us(entry.detail["since_us"]) if passed else None,
    }


def _released(_run: StepRun, _entry: Entry) -> dict[str, Any]:
    return {
        "did": Did.OPEN,
        "claimed_by": None,
        "started_at": None,
        "expected_at": None,
        "helpers": (),
    }


def _escalated(run: StepRun, entry: Entry) -> dict[str, Any]:
    detail = entry.detail
    made = Escalation(entry.occurred_at, detail["to"], detail["rank"], entry.actor.id)
    return {"escalations": (*run.escalations, made)}


_CHANGES: dict[str, Callable[[StepRun, Entry], dict[str, Any]]] = {
    "step_started": _started,
    "step_waiting": _waiting,
    "step_reopened": lambda run, entry: _reopened(run, entry),
    "step_confirmed": lambda run, e: {"confirmed_by": (*run.confirmed_by, e.actor.id)},
    "step_attested": lambda _run, e: {
        "verification": Verification.ATTESTED,
        "attested_by": e.actor.id,
    },
    "step_verified": _verified,
    "step_waived": lambda _run, _e: {"verification": Verification.WAIVED},
    "step_reviewed": lambda _run, e: {"reviewed_at": e.occurred_at},
    "step_assigned": lambda _run, e: {"claimed_by": e.detail["to"]},
    "step_released": _released,
    "step_joined": lambda run, e: {"helpers": (*run.helpers, e.actor.id)},
    "step_escalated": _escalated,
}


def _ended(run: StepRun, did: Did, entry: Entry) -> StepRun:
    attempt = Attempt(
        run.attempt, run.started_at, entry.occurred_at, did, entry.actor.id, entry.seq
    )
    verification = run.verification
    if did is Did.DONE and verification is Verification.NONE and entry.detail.get("proof"):
        verification = Verification.PENDING
    detail = entry.detail
    with_me = tuple(dict.fromkeys([*run.helpers, *detail.get("with", ())]))
    return _with(
        run,
        entry,
        did=did,
        verification=verification,
        finished_at=entry.occurred_at,
        finished_by=entry.actor.id,
        finished_seq=entry.seq,
        late=(entry.recorded_at - entry.occurred_at).total_seconds() > LATE_SECONDS,
        expected_at=None,
        option=entry.detail.get("option"),
        attempts=(*run.attempts, attempt),
        helpers=tuple(one for one in with_me if one != entry.actor.id),
        alone=bool(detail.get("alone")),
        answered=bool(detail.get("answered")),
        approved_by=detail.get("approved_by"),
        checked=detail.get("checked"),
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
        "helpers": (),
        "alone": False,
        "answered": False,
        "approved_by": None,
        "checked": None,
        "escalations": (),
        "reviewed_at": None,
    }


def _with(run: StepRun, entry: Entry, **changes: Any) -> StepRun:
    """A copy with changes; the version grows with every entry."""
    new = object.__new__(StepRun)
    new.__dict__.update(run.__dict__)
    new.__dict__.update(changes, version=run.version + 1, seq=entry.seq)
    return new
