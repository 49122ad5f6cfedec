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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import aiohttp
import structlog
from pydantic import Field, model_validator

from bcp.kit.clock import Clock
from bcp.kit.errors import UsageError
from bcp.kit.units import to_us
from bcp.plan.types import Duration, Id, Model
from bcp.watch.announcing import LOUDEST, Announcement, Kind
from bcp.watch.exposition import Family, Sample
from bcp.watch.values import Severity

log = structlog.get_logger(__name__)

_QUEUE = 500
_BACKOFF = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)
_GIVE_UP = 3600.0
"""Seconds after which an undelivered message is dropped: older news mislead."""
_PERMANENT = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})
"""Answers that another try will not change."""


class NotifyRoute(Model):
    """One route of the plan's section `notify`."""

    id: Id
    kind: Literal["webhook"] = "webhook"
    url: str | None = Field(None, pattern=r"^https?://")
    url_file: str | None = None
    """File that holds the URL, for those with a token in it."""
    min_severity: Severity = Severity.MEDIUM
    kinds: tuple[Kind, ...] = ()
    """Kinds of messages; empty = all."""
    drill: bool = False
    """True: a route for drills only. Real messages never go there, drill messages nowhere else."""
    timeout: Duration = timedelta(seconds=10)

    @model_validator(mode="after")
    def _one_address(self) -> NotifyRoute:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("url か url_file のどちらか一つ / exactly one of url and url_file")
        return self

    def wants(self, message: Announcement) -> bool:
        """Whether a message goes this way."""
        return (
            message.drill is self.drill
            and (not self.kinds or message.kind in self.kinds)
            and LOUDEST.index(message.severity) <= LOUDEST.index(self.min_severity)
        )


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


class _Refused(Exception):
    def __init__(self, word: str, *, permanent: bool) -> None:
        super().__init__(word)
        self.word, self.permanent = word, permanent


class WebhookRoute:
    """POSTs one JSON document per message; in order, with retries."""

    def __init__(self, route: NotifyRoute, clock: Clock, node: str, tls: ssl.SSLContext) -> None:
        self.route, self.state = route, RouteState()
        self._clock, self._node, self._tls = clock, node, tls
        self._url = _address(route)
        self._queue: deque[tuple[float, Announcement]] = deque()
        self._came = asyncio.Event()

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
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=1)
        timeout = aiohttp.ClientTimeout(total=self.route.timeout.total_seconds())
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            while True:
                await self._came.wait()
                self._came.clear()
                while self._queue:
                    born, message = self._queue.popleft()
                    await self._deliver(session, message, born + _GIVE_UP)

    async def _deliver(
        self, session: aiohttp.ClientSession, message: Announcement, until: float
    ) -> None:
        state, tries = self.state, 0
        while True:
            try:
                await self._post(session, message)
            except _Refused as refused:
                self._failed(refused)
                pause = _BACKOFF[min(tries, len(_BACKOFF) - 1)]
                tries += 1
                if refused.permanent or self._clock.monotonic() + pause > until:
                    state.failed += 1
                    return
                await self._clock.sleep_until(self._clock.monotonic() + pause)
            else:
                if state.ok is False:
                    log.info("notification works again", route=self.route.id)
                state.ok, state.last_success = True, self._clock.utc()
                state.delivered += 1
                return

    async def _post(self, session: aiohttp.ClientSession, message: Announcement) -> None:
        body = payload(message, self._node)
        try:
            async with session.post(self._url, json=body, allow_redirects=False) as answer:
                if answer.status // 100 != 2:
                    raise _Refused(f"HTTP {answer.status}", permanent=answer.status in _PERMANENT)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            permanent = isinstance(error, aiohttp.InvalidURL)
            raise _Refused(type(error).__name__, permanent=permanent) from None

    def _failed(self, refused: _Refused) -> None:
        state = self.state
        if state.ok is not False:  # one line on the way down
            log.error("notification failed", route=self.route.id, trouble=refused.word)
        state.ok, state.last_failure = False, self._clock.utc()
        state.trouble = refused.word


def payload(message: Announcement, node: str) -> dict[str, Any]:
    """The document of a message. `text` is what chat programs show."""
    lines = message.lines()
    return {
        "version": 1,
        "node": node,
        "drill": message.drill,
        "kind": message.kind,
        "severity": message.severity.value,
        "check": message.check,
        "system": message.system,
        "state": message.state.value if message.state else None,
        "since_us": to_us(message.since) if message.since else None,
        "at_us": to_us(message.at),
        "resolved": message.resolved,
        "logged": message.logged,
        "text": "\n".join(line.ja for line in lines),
        "text_en": "\n".join(line.en for line in lines),
    }


def _address(route: NotifyRoute) -> str:
    if route.url is not None:
        return route.url
    path = Path(route.url_file or "")
    try:
        url = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"通知先のファイルが読めません / cannot read the file of route {route.id}",
            where=str(path),
            got=type(error).__name__,
            next_step="ファイルと権限を確かめる / check the file and its mode",
        ) from None
    if not url.startswith(("http://", "https://")):
        raise UsageError(
            f"通知先が URL ではありません / route {route.id} is not a URL",
            where=str(path),
            expected="https://…",
        )
    return url


class Notifier:
    """All routes of the plan. Raises `UsageError` at construction when an address is unreadable."""

    def __init__(
        self,
        routes: Iterable[NotifyRoute],
        clock: Clock,
        node: str,
        ca_file: Path | None = None,
    ) -> None:
        tls = ssl.create_default_context()
        if ca_file is not None:
            tls.load_verify_locations(ca_file)
        self.routes = tuple(WebhookRoute(route, clock, node, tls) for route in routes)

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
