"""Series of the watch that are not per check: systems, services, the scheduler, the recorder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from bcp.watch.exposition import Family, Producer, Sample
from bcp.watch.history import History
from bcp.watch.judge import Judge
from bcp.watch.recorder import Recorder
from bcp.watch.schedule import Scheduler
from bcp.watch.values import Status


def judged(judge: Callable[[], Judge]) -> Producer:
    """`ict_bcp_system_state`, `ict_bcp_system_level` (absent while 未確認), `ict_bcp_service_state`."""

    def produce(_now: datetime) -> Iterator[Family]:
        systems, services = judge().systems.values(), judge().services.values()
        yield Family(
            "ict_bcp_system_state",
            "gauge",
            "1 for the current state of the system, 0 for the others.",
            tuple(
                Sample(int(status is system.status), {"system": system.id, "state": status.value})
                for system in systems
                for status in Status
            ),
        )
        yield Family(
            "ict_bcp_system_level",
            "gauge",
            "Highest recovery level proven by checks; absent while none is.",
            tuple(
                Sample(int(system.level[1:]), {"system": system.id})
                for system in systems
                if system.level is not None
            ),
        )
        yield Family(
            "ict_bcp_site_down",
            "gauge",
            "1 while many systems of a site are down at once, told as one event.",
            tuple(Sample(1, {"site": site}) for site in judge().sites.events),
        )
        yield Family(
            "ict_bcp_service_state",
            "gauge",
            "1 for the current state of the service, 0 for the others.",
            tuple(
                Sample(int(status is service.status), {"service": service.id, "state": status})
                for service in services
                for status in Status
            ),
        )

    return produce


def watching(scheduler: Scheduler, recorder: Recorder, history: History) -> Producer:
    """How the watch itself fares."""

    def produce(_now: datetime) -> Iterator[Family]:
        for name, help, value in (
            ("running", "Checks running now.", scheduler.running),
            ("waiting", "Checks that are due and wait for a seat.", scheduler.waiting),
            ("unlogged", "Changes the integrity log has not seen yet.", recorder.unlogged),
        ):
            yield Family(f"ict_bcp_watch_{name}", "gauge", help, (Sample(value),))
        yield Family(
            "ict_bcp_history_writable",
            "gauge",
            "1 while the history of results can be written.",
            (Sample(int(history.writable)),),
        )
        yield Family(
            "ict_bcp_history_dropped_total",
            "counter",
            "Results lost because the disk would not take them.",
            (Sample(history.dropped),),
        )

    return produce
