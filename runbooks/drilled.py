"""訓練の実測: how long each system took in drills that really moved it, best first. Pure.

The end of a drill carries what its log proves (`results`), so the real log alone knows the best
result, and a report made again shows it as it was known then (R-39: contract, target and the best
drill side by side). A tabletop measures nothing; nor does a system that was never down in the drill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bcp.journal.canonical import Json
from bcp.journal.entry import Entry
from runbooks.frozen import Frozen
from runbooks.incidents import Incidents
from runbooks.state import Incident
from runbooks.targets import level_targets, required_level

ENDED = "drill.ended"
MEASURING = frozenset({"live", "restore", "switch"})
"""実動, 復元試験, 切替: something was really stopped or restored."""


@dataclass(frozen=True, slots=True)
class Drilled:
    """The best result of one system."""

    drill: str
    kind: str
    """One of MEASURING."""
    level: str
    elapsed: timedelta
    """Onset of the drill to the first green of the level."""
    at: datetime
    """When the drill was closed."""


def results(incident: Incident, frozen: Frozen) -> dict[str, Json]:
    """What a drill proved: system -> level and seconds; empty where nothing was measured.

    Evidence stands however the drill ended: one stopped by a real disaster has measured too.
    """
    if incident.drill not in MEASURING:
        return {}
    end = incident.phase_since or incident.declared_at
    needed = {one.id: required_level(one, incident.nature) for one in frozen.city.systems}
    return {
        one.system: {
            "level": one.level,
            "seconds": round((one.attained_at - incident.onset).total_seconds()),
        }
        for one in level_targets(incident, frozen.city, frozen.book, end)
        if one.level == needed[one.system]
        and one.attained_at is not None
        and one.attained_at > incident.onset
    }


def fold_drilled(state: Incidents, entry: Entry) -> Incidents:
    """The state after a drill was closed; the shortest time of each level stays."""
    best: dict[tuple[str, str], Drilled] = dict(state.drilled)
    found: Mapping[str, Mapping[str, object]] = entry.detail.get("results") or {}
    for system, said in found.items():
        elapsed = timedelta(seconds=int(str(said["seconds"])))
        key = (system, str(said["level"]))
        if key not in best or elapsed < best[key].elapsed:
            drill, kind = entry.subject, str(entry.detail["kind"])
            best[key] = Drilled(drill, kind, key[1], elapsed, entry.occurred_at)
    return replace(state, drilled=best, last_drill=entry.occurred_at)
