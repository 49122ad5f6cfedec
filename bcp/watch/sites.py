"""拠点の一斉停止: many systems of one place down at once are one event, named as such (R-84). Pure but `Sites`.

Counted are systems, not checks, and only those that nothing modelled in the plan explains: what hangs on
a line that is down is told by that line. Members are told in one message and silenced; they are probed
and judged as ever. When too few are left the event is over, and whatever is still down speaks for itself;
a member of which nothing is known any more is not back. What was decided outlives a kill (`site_log`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from bcp.journal.entry import NewEntry
from bcp.kit.language import Text, text
from bcp.kit.units import jst, to_us
from bcp.plan.model import City, System
from bcp.plan.site_event import SiteEventRule
from bcp.watch.announcing import Announcement
from bcp.watch.rollup import SystemState
from bcp.watch.site_log import Decided, Decisions, changed, told
from bcp.watch.values import Severity, Status

RULE = SiteEventRule()
"""What holds where the plan says nothing."""
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
    logged: bool = False
    """The entry is in the log already: it was decided before this start."""
    told: NewEntry | None = None
    """To be entered once it was delivered."""


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
    rule: SiteEventRule = RULE,
) -> dict[str, SiteEvent]:
    """The places that stand still now. `explained`: systems that hang on something that is down."""
    silent = frozenset(explained)
    at: dict[str, list[SystemState]] = {}
    for id, place in places.items():
        state = states.get(id)
        if state is None or not state.watched or id in silent:
            continue
        before = known.get(place)
        if state.status is not Status.UNKNOWN or (before is not None and id in before.systems):
            at.setdefault(place, []).append(state)
    found = {}
    for place, here in at.items():
        before = known.get(place)
        event = _begins(place, here, rule) if before is None else _goes_on(before, here, rule)
        if event is not None:
            found[place] = event
    return found


def _begins(place: str, here: list[SystemState], rule: SiteEventRule) -> SiteEvent | None:
    down = sorted((one.since, one.id) for one in here if one.status is Status.FAILED and one.since)
    if not down:
        return None
    last = down[-1][0]
    fell = [(at, id) for at, id in down if last - at <= rule.within]
    if len(fell) < rule.least or 100 * len(down) < rule.percent * len(here):
        return None
    return SiteEvent(place, fell[0][0], tuple(id for _at, id in down), len(here))


def _goes_on(known: SiteEvent, here: list[SystemState], rule: SiteEventRule) -> SiteEvent | None:
    """A member that is unknown now is not back: silence ends nothing."""
    left = [one for one in here if one.status in (Status.FAILED, Status.UNKNOWN)]
    if len(left) < rule.ends_below or 100 * len(left) < rule.ends_below_percent * len(here):
        return None
    left.sort(key=lambda one: (one.since.timestamp() if one.since else 0.0, one.id))
    return SiteEvent(known.site, known.since, tuple(one.id for one in left), len(here))


def gathering(
    places: Mapping[str, str],
    states: Mapping[str, SystemState],
    doubtful: frozenset[str],
    now: datetime,
    rule: SiteEventRule = RULE,
) -> frozenset[str]:
    """Systems of places where another one falls too: they may come to one event, so telling waits."""
    falling: dict[str, list[str]] = {}
    for id, place in places.items():
        state = states.get(id)
        since = state.since if state is not None and state.status is Status.FAILED else None
        if id in doubtful or (since is not None and now - since < rule.within):
            falling.setdefault(place, []).append(id)
    return frozenset(id for ids in falling.values() if len(ids) > 1 for id in ids)


def reason(city: City, event: SiteEvent) -> Text:
    """Why a member calls nobody by itself."""
    site = city.site(event.site)
    name = site.name if site else event.site
    return text("watch.site_member", site=name, count=len(event.systems))


class Sites:
    """Owner of the events that run, and of what is still to be told of them.

    `decided`: what the log knows. None: there is no log; then an event that was whole before this
    start was told then, and one that a restart cut in two was not.
    """

    def __init__(self, started: datetime, decided: Decisions | None = None) -> None:
        self._logged = decided is not None
        self._started = started
        self._owed = {place for place, one in (decided or {}).items() if not one.told}
        """Decided before this start, and nobody was called."""
        self._over = {
            place: SiteEvent(place, one.since, one.systems, len(one.systems))
            for place, one in (decided or {}).items()
            if one.over
        }
        self.events: Mapping[str, SiteEvent] = {
            place: SiteEvent(place, one.since, one.systems, len(one.systems))
            for place, one in (decided or {}).items()
            if not one.over
        }
        self.gathering: frozenset[str] = frozenset()
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
        """Judge every place anew."""
        places, rule = self._placed(city, now), city.site_event
        found = site_events(places, states, explained, self.events, rule)
        for place, event in found.items():
            if place in self.events:
                if place in self._owed:
                    self._news.append(_news(city, event, now, over=False, logged=True))
            elif self._logged or any(
                at and at >= self._started for at in (states[id].since for id in event.systems)
            ):
                self._news.append(_news(city, event, now, over=False))
        for place, event in self.events.items():
            if place not in found:
                self._news.append(_news(city, event, now, over=True))
        for place, event in self._over.items():
            if place not in found:
                self._news.append(_news(city, event, now, over=True, logged=True))
        self._owed, self._over = set(), {}
        self.events = found
        members = {id for event in found.values() for id in event.systems}
        self.gathering = gathering(places, states, doubtful, now, rule) - members

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


def _news(city: City, event: SiteEvent, now: datetime, *, over: bool, logged: bool = False) -> News:
    site = city.site(event.site)
    name = site.name if site else event.site
    since = jst(event.since, "%m/%d %H:%M")
    key = "watch.site_over" if over else "watch.site_down"
    title = text(key, site=name, count=len(event.systems), judged=event.judged, since=since)
    names = [s.name for id in event.systems[:_NAMED] if (s := city.system(id))]
    more = ["…"] if len(event.systems) > _NAMED else []
    listed = "、".join([*names, *more])
    entry = changed(event.site, Decided(event.since, event.systems, over), now)
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
    op = f"site-{event.site}-{to_us(now)}"
    return News(entry, op, message, logged, told(entry, now))
