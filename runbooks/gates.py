"""What must be closed before stand-down. Pure: derived from the event, nothing is stored twice.

Each gate can be closed by a recorded decision of the authority with a reason (用紙焼失): a gate must
never trap a city. The reason stays in the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runbooks.state import GateClosing, Incident, Ratification
from runbooks.targets import attained

ALWAYS = (
    "ratification",
    "levels",
    "changes",
    "countersign",
    "sheets",
    "codes",
    "alternate",
    "back_entry",
    "backup",
)
"""事後承認, 復旧した水準の維持, 緊急変更, 単独実施の事後確認, 用紙, 代替運用, 後入力, 新しいバックアップ."""

BY_WORD = frozenset({"backup"})
"""Gates whose condition is stated (with the check that shows it), not counted."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate and what still holds it."""

    id: str
    open: bool
    holds: tuple[str, ...]
    """Ids of what is open: changes, sheets, services."""
    closing: GateClosing | None = None
    expired: tuple[str, ...] = ()
    """Emergency changes past their expiry (only with `now`)."""


def gates(incident: Incident, now: datetime | None = None) -> tuple[Gate, ...]:
    """Every gate, open or not, in a fixed order; nothing restored yet, nothing that could be held."""
    known = (id for id in (*ALWAYS, *incident.gates) if id != "levels" or incident.restored)
    return tuple(_gate(incident, id, now) for id in known)


def open_gates(incident: Incident) -> tuple[Gate, ...]:
    """Those that still hold."""
    return tuple(gate for gate in gates(incident) if gate.open)


def _gate(incident: Incident, id: str, now: datetime | None) -> Gate:
    closing = incident.closings.get(id)
    holds = _holds(incident, id)
    stated = id in BY_WORD or id in incident.gates
    standing = bool(holds) or stated
    if closing is not None and holds and closing.met:
        closing = None  # something was opened after it was met
    expired: tuple[str, ...] = ()
    if id == "changes" and now is not None:
        expired = tuple(
            item.id
            for item in incident.changes.values()
            if item.closed_at is None and item.expires_at is not None and item.expires_at < now
        )
    return Gate(id, standing and closing is None, holds, closing, expired)


def _holds(incident: Incident, id: str) -> tuple[str, ...]:
    if id == "ratification":
        return ("pending",) if incident.ratification is Ratification.PENDING else ()
    if id == "levels":  # 復旧 was recorded with evidence, and the evidence has turned since
        gone = (one for one in incident.restored if not attained(incident, *one)[1])
        return tuple(system for system, _level in gone if incident.in_scope(system))
    if id == "changes":
        return tuple(i.id for i in incident.changes.values() if i.closed_at is None)
    if id == "countersign":
        return tuple(run.id for run in incident.automations.values() if run.owes_countersign)
    if id == "sheets":
        return tuple(i.id for i in incident.sheets.values() if i.closed_at is None)
    if id == "codes":  # 緊急用封印コード used, envelope not replaced
        return tuple(i.id for i in incident.codes.values() if i.closed_at is None)
    if id == "alternate":
        return tuple(s for s, a in incident.alternates.items() if a.until is None)
    if id == "back_entry":
        return tuple(s for s, a in incident.alternates.items() if a.back_entry == "open")
    return ()
