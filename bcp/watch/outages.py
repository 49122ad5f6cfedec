"""When an outage ends: once what was proven before it has held again for its `hold`, not at the first good look.

The board calls a system well as soon as its recovery is confirmed: people may go on. The figures count it
as down until a recovery level (`targets`, `proven_by`, `hold`) is proven again, so a system that comes up
and falls over within its hold has one outage and not two. Where no level was proven before, or the plan
names none, confirmed recovery ends it, as it does within a planned stop. A service is back when it works
and none of the systems it needs is still being proven. What cannot be told ends nothing and counts as
unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from bcp.kit.units import from_us, to_us
from bcp.plan.model import City
from bcp.watch.rollup import ServiceState, SystemState
from bcp.watch.values import Status
from bcp.watch.view import WORKS


class Outages:
    """Owner of the outages that run, by subject (`system:juki`, `service:koho`)."""

    def __init__(self) -> None:
        self.since: dict[str, datetime] = {}
        """What is down, or not proven to be back, and since when."""
        self._proven: set[str] = set()
        """Systems of which a level was proven when they last worked."""
        self._unsure: frozenset[str] = frozenset()

    def refresh(
        self,
        city: City,
        systems: Mapping[str, SystemState],
        services: Mapping[str, ServiceState],
        apart: Collection[str],
    ) -> None:
        """Judge anew. `apart`: systems stopped on purpose or used in a drill."""
        old, self.since = self.since, {}
        for system in city.systems:
            state, subject = systems[system.id], f"system:{system.id}"
            if not any(target.proven_by for target in system.targets):
                self._proven.discard(system.id)
            elif state.level is not None:
                self._proven.add(system.id)
            again = state.level is None and system.id in self._proven
            ended = state.status in WORKS and (not again or system.id in apart)
            if state.watched:
                self._keep(subject, state, old, ended=ended)
        unsure = set[str]()
        for service in city.services:
            service_state, subject = services[service.id], f"service:{service.id}"
            needs = {need.system for need in service.needs}
            waits = any(f"system:{id}" in self.since for id in needs)
            ended = service_state.status in WORKS and not waits
            self._keep(subject, service_state, old, ended=ended)
            if any(id in systems and systems[id].status is Status.UNKNOWN for id in needs):
                unsure.add(subject)
        self._unsure = frozenset(unsure)

    def _keep(
        self,
        subject: str,
        state: SystemState | ServiceState,
        old: Mapping[str, datetime],
        *,
        ended: bool,
    ) -> None:
        since = old.get(subject)
        if state.status is Status.FAILED:
            since = since or state.since
        elif ended:
            since = None
        if since is not None:
            self.since[subject] = since

    def counted(self, subject: str, status: Status) -> Status:
        """The state the figures count: not proven to be back is still down."""
        if subject not in self.since or status is Status.FAILED:
            return status
        if status is Status.UNKNOWN and (subject[:7] != "service" or subject in self._unsure):
            return status
        return Status.FAILED

    def memo(self) -> dict[str, Any]:
        """What a restart must not forget."""
        proven = (id for id in self._proven if f"system:{id}" in self.since)
        down = {subject: to_us(at) for subject, at in self.since.items()}
        return {"down": down, "proven": sorted(proven)}

    def restore(self, memo: Mapping[str, Any]) -> None:
        """The inverse of `memo`. Raises TypeError, ValueError or KeyError for what is none."""
        self.since = {str(subject): from_us(int(at)) for subject, at in memo["down"].items()}
        self._proven = {str(id) for id in memo["proven"]}
