"""拠点の一斉停止: many systems of one place down at once are one event, named as such (R-84). Pure but `Sites`.

Counted are systems, not checks, and only those that nothing modelled in the plan explains: what hangs on
a line that is down is told by that line. Members are told in one message and silenced; they are probed
and judged as ever. When too few are left the event is over, and whatever is still down speaks for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bcp.journal.entry import NewEntry
from bcp.kit.language import Text, text
from bcp.kit.units import jst, to_us
from bcp.plan.model import City, System
from bcp.watch.announcing import Announcement
from bcp.watch.rollup import SystemState
from bcp.watch.values import Severity, Status

LEAST, SHARE = 3, 0.6
"""It begins with so many systems, and this share of those that are judged there …"""
STAYS_LEAST, STAYS_SHARE = 2, 0.3
"""… and goes on while so much of it is left: what swings around the limit is told once."""
TOGETHER = timedelta(minutes=10)
"""At once: within this time."""
_NAMED = 12


@dataclass(frozen=True, slots=True)
class SiteEvent:
    """One place where many systems stand still."""

    site: str
    since: datetime
    """When the first of them fell."""
    systems: tuple[str, ...]
    """Those that are down now, the first one first."""
    judged: int
    """Systems there of which something is known."""


@dataclass(frozen=True, slots=True)
class News:
    """What becomes known of a place: for the log, then for people."""

    entry: NewEntry
    op: str
    message: Announcement


def place_of(system: System, now: datetime) -> str | None:
    """Where its machines stand; where the plan does not say, the only place it is used at."""
    stands = {one.site for one in system.hosted(now.date()) if one.site is not None}
    if not stands and len(system.sites) == 1:
        return system.sites[0]
    return next(iter(stands)) if len(stands) == 1 else None


def site_events(
    places: Mapping[str, str],
    states: Mapping[str, SystemState],
    explained: Iterable[str],
    known: Mapping[str, SiteEvent],
) -> dict[str, SiteEvent]:
    """The places that stand still now. `explained`: systems that hang on something that is down."""
    silent = frozenset(explained)
    at: dict[str, list[SystemState]] = {}
    for id, place in places.items():
        state = states.get(id)
        if state is None or not state.watched or id in silent:
            continue
        if state.status is not Status.UNKNOWN:
            at.setdefault(place, []).append(state)
    found = {}
    for place, here in at.items():
        event = _event(place, here, known.get(place))
        if event is not None:
            found[place] = event
    return found


def _event(place: str, here: list[SystemState], known: SiteEvent | None) -> SiteEvent | None:
    down = [(one.since, one.id) for one in here if one.status is Status.FAILED and one.since]
    if not down:
        return None
    down.sort()
    if known is not None:
        if len(down) < STAYS_LEAST or len(down) < STAYS_SHARE * len(here):
            return None
        return SiteEvent(place, known.since, tuple(id for _at, id in down), len(here))
    last = down[-1][0]
    fell = [(at, id) for at, id in down if last - at <= TOGETHER]
    if len(fell) < LEAST or len(down) < SHARE * len(here):
        return None
    return SiteEvent(place, fell[0][0], tuple(id for _at, id in down), len(here))


def gathering(
    places: Mapping[str, str],
    states: Mapping[str, SystemState],
    doubtful: frozenset[str],
    now: datetime,
) -> frozenset[str]:
    """Systems of places where another one falls too: they may come to one event, so telling waits."""
    falling: dict[str, list[str]] = {}
    for id, place in places.items():
        state = states.get(id)
        since = state.since if state is not None and state.status is Status.FAILED else None
        if id in doubtful or (since is not None and now - since < TOGETHER):
            falling.setdefault(place, []).append(id)
    return frozenset(id for ids in falling.values() if len(ids) > 1 for id in ids)


def reason(city: City, event: SiteEvent) -> Text:
    """Why a member calls nobody by itself."""
    site = city.site(event.site)
    name = site.name if site else event.site
    return text("watch.site_member", site=name, count=len(event.systems))


class Sites:
    """Owner of the events that run, and of what is still to be told of them."""

    def __init__(self, started: datetime) -> None:
        self.events: Mapping[str, SiteEvent] = {}
        self.gathering: frozenset[str] = frozenset()
        self._started = started
        self._places: tuple[City | None, date | None, Mapping[str, str]] = (None, None, {})
        self._news: list[News] = []

    def refresh(
        self,
        city: City,
        states: Mapping[str, SystemState],
        explained: Iterable[str],
        doubtful: frozenset[str],
        now: datetime,
    ) -> None:
        """Judge every place anew. An event that was whole before this start was told then.

        One that a restart cut in two was not: its members are silenced, so somebody must say it.
        """
        places = self._placed(city, now)
        found = site_events(places, states, explained, self.events)
        for place, event in found.items():
            fell = (states[id].since for id in event.systems)
            if place not in self.events and any(at and at >= self._started for at in fell):
                self._news.append(_news(city, event, now, over=False))
        for place, event in self.events.items():
            if place not in found:
                self._news.append(_news(city, event, now, over=True))
        self.events = found
        told = {id for event in found.values() for id in event.systems}
        self.gathering = gathering(places, states, doubtful, now) - told

    def _placed(self, city: City, now: datetime) -> Mapping[str, str]:
        """System -> its place; made anew for a new plan and each day."""
        if self._places[0] is not city or self._places[1] != now.date():
            found = ((one.id, place_of(one, now)) for one in city.systems)
            self._places = (city, now.date(), {id: at for id, at in found if at is not None})
        return self._places[2]

    def take(self) -> list[News]:
        """What is to be told now, once."""
        news, self._news = self._news, []
        return news


def _news(city: City, event: SiteEvent, now: datetime, *, over: bool) -> News:
    site = city.site(event.site)
    name = site.name if site else event.site
    since = jst(event.since, "%m/%d %H:%M")
    key = "watch.site_over" if over else "watch.site_down"
    title = text(key, site=name, count=len(event.systems), judged=event.judged, since=since)
    names = [s.name for id in event.systems[:_NAMED] if (s := city.system(id))]
    more = ["…"] if len(event.systems) > _NAMED else []
    listed = "、".join([*names, *more])
    detail = {
        "site": event.site,
        "new": "ok" if over else "failed",
        "since_us": to_us(event.since),
        "systems": list(event.systems)[:200],
    }
    entry = NewEntry("site.changed", event.site, detail, None, now)
    message = Announcement(
        kind="check",
        severity=Severity.CRITICAL if not over else Severity.INFO,
        title=title,
        at=now,
        state=Status.OK if over else Status.FAILED,
        since=event.since,
        resolved=over,
        notes=() if over else (Text(listed, listed), text("watch.site_look")),
    )
    return News(entry, f"site-{event.site}-{to_us(now)}", message)
