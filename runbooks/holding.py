"""Cyber: contain first, keep evidence, then restore. Pure.

Until 封じ込め and 証拠保全 are recorded (or passed by a recorded decision with a reason), steps that
restore or reconnect are held, and so is 復旧. What was already done can always be entered late with
its own time: a hold must never make the record false. A copy made after the intrusion is refused.
"""

from __future__ import annotations

from datetime import datetime

from bcp.kit.language import text
from runbooks import commands as c
from runbooks.book import Book
from runbooks.context import refuse
from runbooks.form import Runbook, Step
from runbooks.state import Incident

SETTLES = {"containment": "contained", "evidence": "evidence_preserved"}
"""Hold -> the entry that settles it."""

_BRINGS = (c.StartStep, c.FinishStep, c.TakeDecision, c.RequestRun)


def holds(incident: Incident) -> tuple[str, ...]:
    """What still holds the recovery; none outside a cyber event."""
    if incident.nature != "cyber":
        return ()
    return tuple(what for what in SETTLES if what not in incident.settled)


def restores(runbook: Runbook, step: Step) -> bool:
    """Whether a step brings something back: a command, the choice of a copy, an attained level."""
    if runbook.purpose not in ("recover", "return"):
        return False
    return step.type == "command" or bool(step.attains) or bool(getattr(step, "evidence", None))


def held_step(incident: Incident, book: Book, step: str) -> tuple[str, ...]:
    """What holds this step now, for its page."""
    place = book.step(step)
    return holds(incident) if place is not None and restores(*place) else ()


def check(incident: Incident, command: c.Command, book: Book) -> None:
    """Raises Refused where a hold forbids the command."""
    if incident.nature != "cyber":
        return
    if isinstance(command, c.FinishStep | c.TakeDecision):
        _copy(incident, command.snapshot_at)
    if isinstance(command, c.Restore):
        still = holds(incident)
    elif isinstance(command, _BRINGS) and command.step:
        late = command.occurred_at is not None
        still = () if late else held_step(incident, book, command.step)
    else:
        return
    if still:
        raise refuse(
            "held",
            allowed="runbooks.held_allowed",
            what="・".join(words(still, "ja")),
            what_en=", ".join(words(still, "en")),
        )


def words(still: tuple[str, ...], lang: str) -> list[str]:
    """The holds in words."""
    return [getattr(text(f"runbooks.hold_{what}"), lang) for what in still]


def _copy(incident: Incident, snapshot_at: datetime | None) -> None:
    late = incident.intrusion_at
    if snapshot_at is None or late is None or "snapshot" in incident.settled:
        return
    if snapshot_at >= late:
        raise refuse("copy_after_intrusion", allowed="runbooks.copy_allowed")


def usable_before(incident: Incident) -> datetime | None:
    """A suggested copy must be older than this; None = any verified copy."""
    return incident.intrusion_at if incident.nature == "cyber" else None
