"""報告の期限: leaked, lost or altered personal data starts a visible clock (R-23). Pure.

個人情報保護法 26条・68条 and its rules: 速報 within 3 to 5 days of becoming aware, 確報 within 30 days, 60
where somebody acted with intent. The program counts the days and shows them; whether a report is due
is decided by people (要確認: the limits are the guideline's, the city's lawyer has the last word).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from bcp.journal.entry import Entry
from bcp.kit.units import from_us

if TYPE_CHECKING:  # a value of the state: imported by it
    from runbooks.state import Incident

Harm = Literal["leak", "loss", "alteration"]
"""漏えい, 滅失, 毀損."""
HARMS: tuple[Harm, ...] = ("leak", "loss", "alteration")
Stage = Literal["preliminary", "final"]
"""速報, 確報."""
STAGES: tuple[Stage, ...] = ("preliminary", "final")

PRELIMINARY = timedelta(days=5)
FINAL, FINAL_MALICIOUS = timedelta(days=30), timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Breach:
    """One harm to personal data, and what was reported of it."""

    id: str
    harm: str
    aware_at: datetime
    by: str
    malicious: bool = False
    system: str | None = None
    seq: int = -1
    """Entry that opened it (its words)."""
    reported: Mapping[str, datetime] = field(default_factory=dict)
    """Stage -> when it was sent."""
    dropped_at: datetime | None = None

    def due(self, stage: Stage) -> datetime:
        """By when this report must be sent."""
        if stage == "preliminary":
            return self.aware_at + PRELIMINARY
        return self.aware_at + (FINAL_MALICIOUS if self.malicious else FINAL)

    @property
    def owed(self) -> tuple[Stage, ...]:
        """What is still to be sent."""
        if self.dropped_at is not None:
            return ()
        return tuple(stage for stage in STAGES if stage not in self.reported)


def next_due(breaches: Mapping[str, Breach]) -> tuple[datetime, Breach, Stage] | None:
    """The report that must be sent first; None: nothing is owed."""
    owed = [(one.due(stage), one, stage) for one in breaches.values() for stage in one.owed]
    return min(owed, key=lambda item: item[0], default=None)


# --- what each entry changes ----------------------------------------------------------------------

_Fold = Callable[["Incident", Entry], dict[str, Any]]


def _put(incident: Incident, breach: Breach) -> dict[str, Any]:
    return {"breaches": {**incident.breaches, breach.id: breach}}


def _opened(incident: Incident, entry: Entry) -> dict[str, Any]:
    d = entry.detail
    aware, system = from_us(d["aware_us"]), d["system"]
    breach = Breach(
        entry.subject, d["harm"], aware, entry.actor.id, d["malicious"], system, entry.seq
    )
    return _put(incident, breach)


def _reported(incident: Incident, entry: Entry) -> dict[str, Any]:
    breach = incident.breaches[entry.subject]
    which = entry.detail.get("sent") or entry.detail["stage"]  # as the first logs name it
    sent = {**breach.reported, which: entry.occurred_at}
    return _put(incident, replace(breach, reported=sent))


def _dropped(incident: Incident, entry: Entry) -> dict[str, Any]:
    breach = incident.breaches[entry.subject]
    return _put(incident, replace(breach, dropped_at=entry.occurred_at))


FOLDS: Mapping[str, _Fold] = {
    "breach_opened": _opened,
    "breach_reported": _reported,
    "breach_dropped": _dropped,
}
"""Entry word -> what it changes in the event."""
