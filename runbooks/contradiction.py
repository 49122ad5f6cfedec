"""Where what people ticked and what probes see disagree; shown both ways, corrected neither way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bcp.watch.values import Status
from runbooks.progress import OPEN, Stand, Standing
from runbooks.state import Did, Incident, Verification

Way = Literal["ticked_red", "green_unticked", "said_red", "said_green"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the board says of a check now."""

    status: Status
    since: datetime | None
    """Since when it is in this state."""
    since_ok: datetime | None
    """Since when every answer was good without a gap."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One of the two ways."""

    step: str
    runbook: str
    check: str
    way: Way
    """完了だが監視は赤 / 監視は緑だが未完了 / 人は使えると言い監視は赤 / 人は使えないと言い監視は緑."""
    since: datetime | None
    system: str = ""
    """Of a word on a level or service (then `step` is empty)."""
    level: str = ""


def contradictions(
    incident: Incident, found: Iterable[Standing], readings: Mapping[str, Reading]
) -> tuple[Contradiction, ...]:
    """Both ways, in the order of the book. Unknown is neither red nor green.

    A probe that was green all the time since onset contradicts nobody who has not begun.
    """
    out = []
    for standing in found:
        probe, run = standing.step.probe, standing.run
        if probe is None:
            continue
        seen = readings.get(probe.id)
        red = seen is not None and seen.status is Status.FAILED
        if run.did is Did.DONE and (red or (seen is None and _recorded_red(standing))):
            since = seen.since if seen is not None else run.finished_at
            out.append(_made(standing, probe.id, "ticked_red", since))
        elif standing.stand in OPEN - {Stand.BLOCKED} and seen is not None:
            since = seen.since_ok
            if since is not None and (since > incident.onset or run.did is Did.RUNNING):
                out.append(_made(standing, probe.id, "green_unticked", since))
    return (*out, *_words(incident))


def _words(incident: Incident) -> Iterator[Contradiction]:
    """What named people said of a level against what its checks recorded: both stand."""
    for key, said in incident.words.items():
        kind, id, level = (*key.split(":"), "")[:3]
        last = said[-1]
        spells = incident.levels.get(id, {}).get(level, ()) if kind == "system" else ()
        green = bool(spells) and spells[-1].until is None
        if last.works and last.contradicted_at is not None and not green:
            checks = spells[-1].checks if spells else ()
            yield Contradiction(
                "", "", next(iter(checks), ""), "said_red", last.contradicted_at, id, level
            )
        elif not last.works and green:
            yield Contradiction(
                "", "", next(iter(spells[-1].checks), ""), "said_green", last.at, id, level
            )


def _recorded_red(standing: Standing) -> bool:
    return standing.run.verification is Verification.FAILED


def _made(
    standing: Standing,
    check: str,
    way: Way,
    since: datetime | None,
) -> Contradiction:
    return Contradiction(standing.step.id, standing.runbook.id, check, way, since)
