"""What must be closed before stand-down. Pure: derived from the event and the ground, stored nowhere.

Three sorts of gates. *Of the event*: what its own entries leave open (changes, sheets, back-entry).
*Of the ground*: what board, backups and codes show (`runbooks.ground`); met by evidence, which enters
the log with the stand-down. *Stated*: further conditions of the declaration, met in words.

Each can be closed by a recorded decision of the authority with a reason (用紙焼失), which stays in the
report: a gate never traps a city. A decision covers what was open then; an emergency change or a
sheet that comes afterwards asks for its own. Evidence that flaps (board, backups) is covered whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runbooks.changes import to_countersign
from runbooks.ground import UNSHOWABLE, Ground, Hold
from runbooks.state import GateClosing, Incident, Ratification
from runbooks.targets import attained

ALWAYS = (
    "ratification",
    "levels",
    "changes",
    "countersign",
    "sheets",
    "codes",
    "stops",
    "alternate",
    "back_entry",
    "backup",
)
"""事後承認, 復旧した水準の維持, 緊急変更, 単独実施の事後確認, 用紙, 封印コード, 止めたままのシステム, 代替運用, 後入力, 新しいバックアップ."""

GROUND = ("monitoring", "announcements")
"""監視の再開, 約束した続報: shown where a source is registered."""

BY_WORD = frozenset({"backup"})
"""Gates that stand open, and are met in words, where no source can show them."""

_ITEMS = frozenset(
    {"changes", "countersign", "sheets", "alternate", "back_entry", "codes", "stops"}
)
"""Gates of things: a thing opened after the closing asks anew."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate and what still holds it."""

    id: str
    open: bool
    holds: tuple[str, ...]
    """Ids of what is open: changes, sheets, services, checks."""
    closing: GateClosing | None = None
    expired: tuple[str, ...] = ()
    """Emergency changes past their expiry (only with `now`)."""
    why: tuple[Hold, ...] = ()
    """For gates of the ground: what the board says of each."""
    asked: bool = False
    """A source was asked: the answer is evidence, not a word."""

    @property
    def sayable(self) -> bool:
        """Whether a person may state it as met: nothing holds it that evidence could show."""
        if self.asked:
            return all(hold.why == UNSHOWABLE for hold in self.why)
        return not self.holds


def gates(
    incident: Incident, now: datetime | None = None, ground: Ground | None = None
) -> tuple[Gate, ...]:
    """Every gate, open or not, in a fixed order; nothing restored yet, nothing that could be held."""
    ground = ground or {}
    more = (id for id in GROUND if id in ground or id in incident.closings)
    known = dict.fromkeys((*ALWAYS, *more, *ground, *incident.gates))
    return tuple(
        _gate(incident, id, now, ground) for id in known if id != "levels" or incident.restored
    )


def open_gates(incident: Incident, ground: Ground | None = None) -> tuple[Gate, ...]:
    """Those that still hold."""
    return tuple(gate for gate in gates(incident, None, ground) if gate.open)


def _gate(incident: Incident, id: str, now: datetime | None, ground: Ground) -> Gate:
    closing, asked = incident.closings.get(id), id in ground
    why = ground.get(id, ())
    holds = tuple(hold.id for hold in why) if asked else _holds(incident, id)
    stated = not asked and (id in BY_WORD or id in incident.gates)
    standing = bool(holds) or stated
    if closing is not None and holds and not _covers(closing, id, holds, why):
        closing = None
    expired: tuple[str, ...] = ()
    if id == "changes" and now is not None:
        expired = tuple(i.id for i in incident.changes.values() if i.expired(now))
    return Gate(id, standing and closing is None, holds, closing, expired, why, asked)


def _covers(closing: GateClosing, id: str, holds: tuple[str, ...], why: tuple[Hold, ...]) -> bool:
    """Whether what was decided or shown then still speaks of what is open now."""
    if closing.met:  # stated in words holds as long as nothing else can be shown
        return (
            bool(why) and all(h.why == UNSHOWABLE for h in why) and set(holds) <= {*closing.holds}
        )
    return id not in _ITEMS or set(holds) <= {*closing.holds}


def _holds(incident: Incident, id: str) -> tuple[str, ...]:
    if id == "ratification":
        return ("pending",) if incident.ratification is Ratification.PENDING else ()
    if id == "levels":  # 復旧 was recorded with evidence, and the evidence has turned since
        gone = (one for one in incident.restored if not attained(incident, *one)[1])
        return tuple(system for system, _level in gone if incident.in_scope(system))
    if id == "changes":
        return tuple(i.id for i in incident.changes.values() if i.closed_at is None)
    if id == "countersign":
        runs = (run.id for run in incident.automations.values() if run.owes_countersign)
        return (*to_countersign(incident), *runs)
    if id == "sheets":
        return tuple(i.id for i in incident.sheets.values() if i.closed_at is None)
    if id == "codes":  # 緊急用封印コード used, envelope not replaced
        return tuple(i.id for i in incident.codes.values() if i.closed_at is None)
    if id == "stops":  # 自主停止・計画停止: nobody is paged for them until they end
        return tuple(s for s, stop in incident.stops.items() if stop.ended_at is None)
    if id == "alternate":
        return tuple(s for s, a in incident.alternates.items() if a.until is None)
    if id == "back_entry":
        return tuple(s for s, a in incident.alternates.items() if a.back_entry == "open")
    return ()
