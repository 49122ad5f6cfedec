"""Direct notification: the daemon's own last path, for when Prometheus is in the burnt building.

`announce` only queues; each route has its own task, bounded queue and patience, so a dead receiver
delays nobody. Drill messages go only to routes with `drill: true` and carry 【訓練】; real ones
never go there. URLs are secrets (they often hold a token): they appear in no log and no error.
If we die here: what was queued is lost; the states stand on the board and in the log.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from bcp.kit.clock import Clock
from bcp.kit.workers import Workers
from bcp.watch.announcing import Announcement
from bcp.watch.exposition import Family, Sample
from bcp.watch.routes import NotifyRoute
from bcp.watch.ways import NotSent, Send, way_of

log = structlog.get_logger(__name__)

_QUEUE = 500
_BACKOFF = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)
_GIVE_UP = 3600.0
"""Seconds after which an undelivered message is dropped: older news mislead."""


@dataclass(slots=True)
class RouteState:
    """How a route fares."""

    delivered: int = 0
    failed: int = 0
    """Messages given up."""
    ok: bool | None = None
    """Whether the last try succeeded; None before the first."""
    last_success: datetime | None = None
    last_failure: datetime | None = None
    trouble: str = ""
    """A bounded word for the last failure: a status code or the type of an error."""


class Route:
    """Sends one message after the other, with retries."""

    def __init__(
        self, route: NotifyRoute, clock: Clock, node: str, tls: ssl.SSLContext, workers: Workers
    ) -> None:
        self.route, self.state = route, RouteState()
        self._clock, self._way = clock, way_of(route, node, tls, workers)
        self._queue: deque[tuple[float, Announcement]] = deque()
        self._came = asyncio.Event()
        self.delivered: Callable[[Announcement], None] = lambda _message: None
        """Called after each delivery; set by the notifier."""

    @property
    def waiting(self) -> int:
        """Messages not delivered yet."""
        return len(self._queue)

    def put(self, message: Announcement) -> None:
        """Queue a message; the oldest gives way when there are too many."""
        if len(self._queue) >= _QUEUE:
            self._queue.popleft()
            self.state.failed += 1
        self._queue.append((self._clock.monotonic(), message))
        self._came.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with self._way() as send:
            while True:
                await self._came.wait()
                self._came.clear()
                while self._queue:
                    born, message = self._queue.popleft()
                    await self._deliver(send, message, born + _GIVE_UP)

    async def _deliver(self, send: Send, message: Announcement, until: float) -> None:
        state, tries = self.state, 0
        while True:
            try:
                await send(message)
            except NotSent as failed:
                self._failed(failed)
                pause = _BACKOFF[min(tries, len(_BACKOFF) - 1)]
                tries += 1
                if failed.permanent or self._clock.monotonic() + pause > until:
                    state.failed += 1
                    return
                await self._clock.sleep_until(self._clock.monotonic() + pause)
            else:
                if state.ok is False:
                    log.info("notification works again", route=self.route.id)
                state.ok, state.last_success = True, self._clock.utc()
                state.delivered += 1
                self.delivered(message)
                return

    def _failed(self, failed: NotSent) -> None:
        state = self.state
        if state.ok is not False:  # one line on the way down
            log.error("notification failed", route=self.route.id, trouble=failed.word)
        state.ok, state.last_failure = False, self._clock.utc()
        state.trouble = failed.word


class Notifier:
    """All routes of the plan. Raises `UsageError` at construction when an address is unreadable."""

    def __init__(
        self,
        routes: Iterable[NotifyRoute],
        clock: Clock,
        node: str,
        workers: Workers,
        ca_file: Path | None = None,
    ) -> None:
        tls = ssl.create_default_context()
        if ca_file is not None:
            tls.load_verify_locations(ca_file)
        self.routes = tuple(Route(route, clock, node, tls, workers) for route in routes)

    def on_delivery(self, told: Callable[[Announcement], None]) -> None:
        """Hear of every message that a route has delivered."""
        for route in self.routes:
            route.delivered = told

    def announce(self, message: Announcement) -> None:
        """Queue a message on every route that wants it. Never blocks, never raises."""
        for route in self.routes:
            if route.route.wants(message):
                route.put(message)

    async def run(self, group: asyncio.TaskGroup) -> None:
        """Start the routes' tasks in the caller's group."""
        for route in self.routes:
            group.create_task(route.run())

    def states(self) -> Mapping[str, RouteState]:
        """How each route fares, for pages."""
        return {route.route.id: route.state for route in self.routes}

    def families(self, _now: datetime) -> Iterator[Family]:
        """For `Exposition.register`."""
        total = tuple(
            Sample(count, {"route": id, "result": result})
            for id, state in self.states().items()
            for result, count in (("delivered", state.delivered), ("failed", state.failed))
        )
        yield Family("ict_bcp_notify_messages_total", "counter", "Messages, by result.", total)
        yield Family(
            "ict_bcp_notify_last_success_timestamp_seconds",
            "gauge",
            "Last delivery of a route.",
            tuple(
                Sample(state.last_success.timestamp(), {"route": id})
                for id, state in self.states().items()
                if state.last_success
            ),
        )
        yield Family(
            "ict_bcp_notify_last_failure_timestamp_seconds",
            "gauge",
            "Last try of a route that failed.",
            tuple(
                Sample(state.last_failure.timestamp(), {"route": id})
                for id, state in self.states().items()
                if state.last_failure
            ),
        )
