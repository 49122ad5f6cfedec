"""緊急変更: a relaxation of security in the emergency (R-47), from declared to taken back. Pure.

Declared by whoever makes it, with an end; approved by another person (alone with a reason, then
countersigned before stand-down); taken back with who, when and how it was checked. One opened by a
step of an approved runbook is approved with the plan. `check` names the check that will prove the
reversal (the seam for proof by probe); until a probe says so, the reversal is what people say (目視).
Instants are aware UTC, people pseudonyms, words stand in the log's value store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from bcp.journal.entry import Entry
from bcp.kit.units import from_us

if TYPE_CHECKING:  # a value of the state: imported by it
    from runbooks.state import Incident

ChangeKind = Literal["account", "port", "factor", "data", "other"]
"""応援者の利用者, 開けた通信口, 止めた認証要素, 個人情報の持ち出し(USB など), その他."""

KINDS: tuple[ChangeKind, ...] = ("account", "port", "factor", "data", "other")


@dataclass(frozen=True, slots=True)
class Change:
    """One emergency change as it stands."""

    id: str
    since: datetime
    by: str
    cia: str = "C"
    """Which of C, I, A it weakens."""
    kind: str = "other"
    expires_at: datetime | None = None
    step: str | None = None
    """The runbook's step that opened it: approved with the plan."""
    system: str | None = None
    check: str | None = None
    """The check that will prove the reversal."""
    seq: int = -1
    """Entry that declared it (its words)."""
    approved_by: str | None = None
    approved_at: datetime | None = None
    alone: bool = False
    """Approved by the one who made it (単独), with a reason."""
    countersigned_by: str | None = None
    extended: int = 0
    closed_at: datetime | None = None
    closed_by: str | None = None
    closed_seq: int | None = None
    """Entry of the reversal: how it was done and checked."""
    how: str | None = None
    """How the reversal was checked: `seen` 目視, `measured` 実測, `attested` 申告."""

    @property
    def approved(self) -> bool:
        """By a person, or with the plan."""
        return self.approved_by is not None or self.step is not None

    @property
    def signed(self) -> bool:
        """Two people stand for it."""
        return self.step is not None or (
            self.approved_by is not None and (not self.alone or self.countersigned_by is not None)
        )

    def expired(self, now: datetime) -> bool:
        """Still open past its end."""
        return self.closed_at is None and self.expires_at is not None and self.expires_at <= now


def to_countersign(incident: Incident) -> tuple[str, ...]:
    """Changes for which only one person stands: approval or countersignature is missing."""
    return tuple(change.id for change in incident.changes.values() if not change.signed)


# --- what each entry changes ----------------------------------------------------------------------

_Fold = Callable[["Incident", Entry], dict[str, Any]]


def _put(incident: Incident, change: Change) -> dict[str, Any]:
    return {"changes": {**incident.changes, change.id: change}}


def _opened(incident: Incident, entry: Entry) -> dict[str, Any]:
    detail = entry.detail
    expires = detail.get("expires_us")
    step = detail.get("step")
    if step is None and "kind" not in detail and "-" in entry.subject:
        step = entry.subject if _is_step(incident, entry.subject) else None
    return _put(
        incident,
        Change(
            entry.subject,
            entry.occurred_at,
            entry.actor.id,
            detail.get("cia", "C"),
            detail.get("kind", "other"),
            from_us(expires) if expires else None,
            step,
            detail.get("system"),
            detail.get("check"),
            entry.seq,
        ),
    )


def _is_step(incident: Incident, id: str) -> bool:
    """Entries of the first version do not say so: their subject is the step that was just done."""
    return any(id in runs for runs in incident.runs.values())


def _approved(incident: Incident, entry: Entry) -> dict[str, Any]:
    return _put(
        incident,
        replace(
            incident.changes[entry.subject],
            approved_by=entry.actor.id,
            approved_at=entry.occurred_at,
            alone=bool(entry.detail.get("alone")),
        ),
    )


def _countersigned(incident: Incident, entry: Entry) -> dict[str, Any]:
    change = incident.changes[entry.subject]
    return _put(incident, replace(change, countersigned_by=entry.actor.id))


def _extended(incident: Incident, entry: Entry) -> dict[str, Any]:
    change = incident.changes[entry.subject]
    until = from_us(entry.detail["expires_us"])
    return _put(incident, replace(change, expires_at=until, extended=change.extended + 1))


def _reverted(incident: Incident, entry: Entry) -> dict[str, Any]:
    return _put(
        incident,
        replace(
            incident.changes[entry.subject],
            closed_at=entry.occurred_at,
            closed_by=entry.actor.id,
            closed_seq=entry.seq,
            how=entry.detail.get("how", "seen"),
        ),
    )


FOLDS: Mapping[str, _Fold] = {
    "change_opened": _opened,
    "change_approved": _approved,
    "change_countersigned": _countersigned,
    "change_extended": _extended,
    "change_reverted": _reverted,
}
"""Entry word -> what it changes in the event."""
