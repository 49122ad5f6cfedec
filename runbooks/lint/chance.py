"""W101: the RTO holds on the median and breaks on a bad day.

Durations are lognormal through p50 and p90 (p50 alone: sigma 0.5). Steps share one bad-day factor
(night, snow, tired people): of a step's spread 0.6 is shared, 0.8 its own (0.6² + 0.8² = 1), since
independent steps make a plan look safer than it is. People are without limit here, as in E005. The
draws are seeded: the same book gives the same warning. A yardstick before the day, no forecast.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import timedelta

from bcp.kit.units import format_duration
from bcp.plan.marks import Fault
from runbooks.form import Step
from runbooks.lint.ground import Ground, step_path
from runbooks.lint.times import Alone, alone, ways_of, whole

DRAWS = 200
_Z90 = 1.2816
_ONLY_P50 = 0.5
_SHARED, _OWN = 0.6, 0.8
_MINUTE = timedelta(minutes=1)


def w101(ground: Ground) -> list[Fault]:
    """Rungs whose p90 is later than their RTO while the p50 is not."""
    steps = [step for runbook in ground.book for step in runbook.steps if step.duration is not None]
    ways = ways_of(ground)
    planned = {system.id: alone(ways, system) for system in ground.city.systems}
    times: dict[tuple[str, str, str], list[timedelta]] = {}
    chance = random.Random(0)  # a simulation, nothing secret
    for _draw in range(DRAWS if any(planned.values()) else 0):
        lengths = _draw_lengths(steps, chance)
        found = {s.id: alone(ways, s, lengths) for s in ground.city.systems if planned[s.id]}
        total: dict[tuple[str, str], timedelta] = {}
        for system, rungs in found.items():
            for level, (end, _runbook, _step) in rungs.items():
                times.setdefault((system, level, "rto"), []).append(end)
                late = whole(ground, found, total, (system, level))
                times.setdefault((system, level, "rto_disaster"), []).append(late)
    return _told(ground, planned, times)


def _draw_lengths(steps: list[Step], chance: random.Random) -> dict[str, timedelta]:
    day = chance.gauss(0, 1)
    lengths = {}
    for step in steps:
        assert step.duration is not None
        p50, p90 = step.duration.p50, step.duration.p90
        spread = _ONLY_P50 if p90 is None or not p50 else math.log(p90 / p50) / _Z90
        factor = math.exp(spread * (_SHARED * day + _OWN * chance.gauss(0, 1)))
        lengths[step.id] = p50 * factor
    return lengths


def _told(
    ground: Ground,
    planned: Mapping[str, Alone],
    times: Mapping[tuple[str, str, str], list[timedelta]],
) -> list[Fault]:
    faults = []
    totals: dict[tuple[str, str], timedelta] = {}
    for system in ground.city.systems:
        for rung in system.targets:
            if rung.level not in planned[system.id]:
                continue
            end, runbook, step = planned[system.id][rung.level]
            median = whole(ground, planned, totals, (system.id, rung.level))
            for name, rto, p50 in (
                ("rto", rung.rto, end),
                ("rto_disaster", rung.rto_disaster, median),
            ):
                drawn = sorted(times.get((system.id, rung.level, name), ()))
                if rto is None or p50 > rto or not drawn:
                    continue
                p90 = drawn[math.ceil(0.9 * len(drawn)) - 1]
                if p90 > rto:
                    held = round(100 * sum(time <= rto for time in drawn) / len(drawn))
                    faults.append(
                        ground.at(
                            "W101",
                            runbook,
                            step_path(runbook, step),
                            "bad_day",
                            system=system.id,
                            level=rung.level,
                            name=name,
                            rto=format_duration(rto),
                            p90=format_duration(p90 - p90 % _MINUTE),
                            held=held,
                        )
                    )
    return faults
