"""What stands above every page: the log unwritable, a disaster running, the monitor itself in doubt."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bcp.kit.language import text
from bcp.kit.units import JST, from_us, jst_short
from bcp.service.access.roles import Permission
from bcp.service.announced import noticed
from bcp.service.pages.render import Words
from bcp.service.pages.suggested import banner
from bcp.service.pages.visit import Alarm, Visit
from bcp.watch.sites import SiteEvent
from bcp.watch.slices import Slices
from bcp.watch.values import Pillar, Status
from runbooks.state import Incident, Ratification

_DRILL_EVERY = timedelta(days=365)
"""訓練 at least yearly."""


async def alarms(visit: Visit) -> tuple[Alarm, ...]:
    """Worst first."""
    found: list[Alarm] = []
    writable = visit.house.journal.writable
    if not writable.ok:
        found.append(_alarm(visit, "bad", "alarm_unwritable", "/log"))
    if suspect := visit.house.board.self_suspect:
        found.append(Alarm("warn", suspect.sentence.pick(visit.lang), "/"))
    found += [_site(visit, event) for event in visit.house.site_events.values()]
    found += await _pillars(visit)
    if visit.house.verified is False and visit.may(Permission.READ_LOG):
        found.append(_alarm(visit, "bad", "alarm_log_broken", "/log"))
    found += _late_changes(visit)
    found += _promises(visit)
    if visit.path == "/":
        found += _machinery(visit)
    if visit.path in ("/", "/disaster", "/disaster/declare"):
        found += _upkeep(visit)
    if owed := visit.house.codes.owed():
        inside = sum(one.session_open for one in owed)
        last = max(owed, key=lambda one: one.changed_us)
        site = visit.house.city.site(last.site)
        said = text(
            "people.alarm",
            count=len(owed),
            inside=inside,
            site=site.name if site else last.site,
            at=jst_short(from_us(last.changed_us), visit.now),
        )
        found.append(Alarm("warn", said.pick(visit.lang), "/people"))
    if visit.identity and visit.identity.must_change:
        found.append(_alarm(visit, "warn", "alarm_password", "/account"))
    return (*found, *banner(visit), *events(visit), *_unratified(visit))


def _site(visit: Visit, event: SiteEvent) -> Alarm:
    """One place stands still: before anything that stands there."""
    site = visit.house.city.site(event.site)
    said = text(
        "watch.site_down",
        site=site.name if site else event.site,
        count=len(event.systems),
        judged=event.judged,
        since=jst_short(event.since, visit.now),
    )
    return Alarm("bad", said.pick(visit.lang), "/#systems")


async def _pillars(visit: Visit) -> list[Alarm]:
    """What the board of services cannot show: damaged backups, open doors, a refused plan."""
    found, red, slices = [], set(), Slices(visit.house.clock)
    for view in visit.house.board.walk(visit.now):
        if view.status is Status.FAILED:
            red.add(view.check.pillar)
        if slices.due():  # ten thousand checks must not hold the loop
            await asyncio.sleep(0)
    if Pillar.INTEGRITY in red:
        found.append(_alarm(visit, "bad", "alarm_backup", "/backups"))
    if Pillar.CONFIDENTIALITY in red and visit.may(Permission.READ_FINDINGS):
        found.append(_alarm(visit, "bad", "alarm_findings", "/audit"))
    if not visit.house.reloads.successful:
        found.append(_plan(visit))
    return found


def _plan(visit: Visit) -> Alarm:
    """Why the plan was refused stands in paths and names: only for who runs the service."""
    said = text("pages.alarm_plan").pick(visit.lang)
    if visit.may(Permission.OPERATE):
        said += " " + visit.house.reloads.message.strip().partition("\n")[0][:200]
    return Alarm("warn", said)


def _machinery(visit: Visit) -> list[Alarm]:
    """On the first page: where this service itself falls short."""
    house, found = visit.house, []
    if (count := house.stale_copies) and visit.may(Permission.READ_PERSONAL):
        said = text("paper.alarm", count=count).pick(visit.lang)
        found.append(Alarm("warn", said, "/paper/copies"))
    if anew := house.history.began_anew:
        found.append(Alarm("warn", anew.pick(visit.lang)))
    if count := house.recorder.unlogged:
        said = text("pages.alarm_unlogged", count=count).pick(visit.lang)
        found.append(Alarm("warn", said, "/log" if visit.may(Permission.READ_LOG) else None))
    for id, state in house.notifier.states().items():
        if state.ok is False:
            said = text("pages.alarm_route", id=id, trouble=state.trouble).pick(visit.lang)
            found.append(Alarm("warn", said))
    if house.reloads.successful and house.reloads.message:
        said = text("pages.alarm_restart", what=house.reloads.message).pick(visit.lang)
        found.append(Alarm("warn", said))
    if house.troubles and visit.may(Permission.READ_FINDINGS):  # they name files of this host
        found += [Alarm("warn", trouble[:300]) for trouble in house.troubles[:4]]
    return found


def _upkeep(visit: Visit) -> list[Alarm]:
    """A plan past its review (R-98), a year without a drill (R-97): said where one acts by them."""
    found, city = [], visit.house.city
    until = city.organization.review_by
    if until is not None and visit.now.astimezone(JST).date() > until:
        said = text("pages.alarm_review", day=until).pick(visit.lang)
        found.append(Alarm("warn", said, "/runbooks"))
    last = visit.house.desks["real"].state.last_drill
    if last is not None and visit.now - last > _DRILL_EVERY:
        day = last.astimezone(JST).date()
        found.append(_alarm(visit, "warn", "alarm_no_drill", "/disaster", day=day))
    return found


def _promises(visit: Visit) -> list[Alarm]:
    """Updates promised and not given; a second place that the public page does not reach."""
    found = []
    for stage, desk in visit.house.desks.items():
        late = noticed(desk.journal).overdue(visit.now)
        if late and visit.may(Permission.NOTICE):
            place = "" if stage == "real" else f"/drills/{stage}"
            since = jst_short(late[0].next_update or visit.now, visit.now)
            said = text("announce.alarm_overdue", count=len(late), since=since).pick(visit.lang)
            looks = "bad" if stage == "real" else "warn"
            found.append(Alarm(looks, said, f"{place}/announcements"))
    for id, state in visit.house.mirror_states.items():
        if state.ok is False and visit.may(Permission.NOTICE):
            said = text("announce.alarm_mirror", id=id).pick(visit.lang)
            found.append(Alarm("warn", said, "/announcements"))
    return found


def _late_changes(visit: Visit) -> list[Alarm]:
    """Emergency changes past their end, of every stage."""
    found = []
    for stage, desk in visit.house.desks.items():
        known = desk.state.items.values()  # a change outlives the stand-down
        late = [c for one in known for c in one.changes.values() if c.expired(visit.now)]
        if late and visit.may(Permission.READ_FINDINGS):
            place = "/disaster" if stage == "real" else f"/drills/{stage}"
            said = text("changes.alarm", count=len(late)).pick(visit.lang)
            found.append(Alarm("bad" if stage == "real" else "warn", said, f"{place}/changes"))
    return found


def events(visit: Visit) -> tuple[Alarm, ...]:
    """The real event that runs, and on its own pages nothing but the drill."""
    found: list[Alarm] = []
    for stage, desk in visit.house.desks.items():
        running = [one for one in desk.active() if one.preempted_at is None]
        if stage != visit.drill:  # the mark of the drill says so already
            found += [_event(visit, stage, one, several=len(running) > 1) for one in running]
    return tuple(found)


def _unratified(visit: Visit) -> list[Alarm]:
    """事後承認の期限切れ: said on every page until somebody answers."""
    within = visit.house.city.disaster.ratify_within
    late = (
        one
        for desk in visit.house.desks.values()
        if desk.stage == "real"
        for one in desk.active()
        if one.ratification is Ratification.PENDING and visit.now > one.declared_at + within
    )
    return [
        Alarm(
            "bad",
            text("pages.alarm_unratified", id=one.id).pick(visit.lang),
            f"/disaster?incident={one.id}",
        )
        for one in late
    ]


def _event(visit: Visit, stage: str, incident: Incident, *, several: bool) -> Alarm:
    real = stage == "real"
    words = text(
        "pages.alarm_real" if real else "pages.alarm_drill",
        id=stage,
        level=_level(visit, incident.level),
        onset=jst_short(incident.onset, visit.now),
        elapsed=Words(visit.lang, visit.now).ago(incident.onset),
    )
    place = "/disaster" if real else f"/drills/{stage}"
    which = f"?incident={incident.id}" if several else ""
    return Alarm("real" if real else "warn", words.pick(visit.lang), place + which)


def _level(visit: Visit, number: int) -> str:
    levels = visit.house.city.disaster.levels
    return next((level.name for level in levels if level.number == number), str(number))


def _alarm(visit: Visit, looks: str, key: str, href: str, **facts: object) -> Alarm:
    return Alarm(looks, text(f"pages.{key}", **facts).pick(visit.lang), href)
