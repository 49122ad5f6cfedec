"""What the board proves about a running event, as commands not yet recorded. Pure.

A level is attained when all its proving checks have been good for `hold` without a gap: the entry
carries the first green instant, not the moment of writing. It is lost when one of them is red.
Unknown proves nothing either way. Operation ids are made from what is said, so that two looks at
the same fact are one entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from bcp.plan.model import City
from bcp.watch.values import Status
from runbooks import commands as c
from runbooks.book import Book
from runbooks.contradiction import Reading
from runbooks.state import Did, Incident, Verification
from runbooks.targets import proving

Readings = Mapping[str, Reading]
Said = tuple[c.AttainLevel | c.LoseLevel | c.VerifyStep, str]


def checks_of(incident: Incident, city: City, book: Book) -> frozenset[str]:
    """Every check that can say something about this event."""
    levels = (
        check
        for system in city.systems
        if incident.in_scope(system.id)
        for rung in system.targets
        for check in proving(system, rung.level, book)[0]
    )
    steps = (
        place[1].probe.id
        for runs in incident.runs.values()
        for id in runs
        if (place := book.step(id)) is not None and place[1].probe is not None
    )
    return frozenset((*levels, *steps))


def testify(
    incident: Incident, city: City, book: Book, readings: Readings, now: datetime
) -> list[Said]:
    """Commands with their operation ids; `readings` of `checks_of`."""
    return [
        *_levels(incident, city, book, readings, now),
        *_steps(incident, book, readings, now),
    ]


def _levels(
    incident: Incident, city: City, book: Book, readings: Readings, now: datetime
) -> Iterator[Said]:
    for system in city.systems:
        if not incident.in_scope(system.id):
            continue
        for rung in system.targets:
            checks, hold = proving(system, rung.level, book)
            seen = {check: readings[check] for check in checks if check in readings}
            if not checks or len(seen) < len(checks):
                continue
            spells = incident.levels.get(system.id, {}).get(rung.level, ())
            held = bool(spells) and spells[-1].until is None
            said = incident.words.get(f"system:{system.id}:{rung.level}", ())
            stood = bool(said) and said[-1].counts
            op = f"watch:{incident.id}:{system.id}:{rung.level}:{len(spells)}.{len(said)}"
            red = [item.since or now for item in seen.values() if item.status is Status.FAILED]
            green = [item.since_ok for item in seen.values() if item.since_ok is not None]
            if (held or stood) and red:
                lost = c.LoseLevel(
                    incident=incident.id,
                    system=system.id,
                    level=rung.level,
                    since=min(red),
                    checks=checks,
                )
                yield lost, f"{op}:lost"
            elif not held and len(green) == len(checks) and now - max(green) >= hold:
                attained = c.AttainLevel(
                    incident=incident.id,
                    system=system.id,
                    level=rung.level,
                    since=max(green),
                    checks=checks,
                )
                yield attained, f"{op}:attained"


def _steps(incident: Incident, book: Book, readings: Readings, now: datetime) -> Iterator[Said]:
    """Only ticked steps: a step nobody ticked is never ticked by a machine."""
    for runs in incident.runs.values():
        for run in runs.values():
            place = book.step(run.id)
            if run.did is not Did.DONE or place is None or place[1].probe is None:
                continue
            probe = place[1].probe
            seen = readings.get(probe.id)
            if seen is None:
                continue
            green = seen.since_ok
            passed = green is not None and now - green >= probe.hold
            failed = seen.status is Status.FAILED
            verdict = Verification.PASSED if passed else Verification.FAILED
            if not (passed or failed) or run.verification is verdict:
                continue
            since = green if passed and green is not None else seen.since or now
            said_of = f"{run.id}:{run.attempt}.{run.version}"  # after an attestation, say it again
            op = f"watch:{incident.id}:{said_of}:{int(passed)}:{since.timestamp():.0f}"
            said = c.VerifyStep(
                incident=incident.id, step=run.id, passed=passed, check=probe.id, since=since
            )
            yield said, op
