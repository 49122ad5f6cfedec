"""What stands above every page: the log unwritable, a disaster running, the monitor itself in doubt."""

from __future__ import annotations

from bcp.kit.language import text
from bcp.kit.units import jst_short
from bcp.service.access.roles import Permission
from bcp.service.pages.render import Words
from bcp.service.pages.visit import Alarm, Visit
from bcp.watch.values import Pillar, Status


def alarms(visit: Visit) -> tuple[Alarm, ...]:
    """Worst first."""
    found = []
    writable = visit.house.journal.writable
    if not writable.ok:
        found.append(_alarm(visit, "bad", "alarm_unwritable", "/log"))
    if suspect := visit.house.board.self_suspect:
        found.append(Alarm("warn", suspect.sentence.pick(visit.lang), "/"))
    found += _pillars(visit)
    if visit.identity and visit.identity.must_change:
        found.append(_alarm(visit, "warn", "alarm_password", "/account"))
    return tuple(found) + _events(visit)


def _pillars(visit: Visit) -> list[Alarm]:
    """What the board of services cannot show: damaged backups, open doors, a refused plan."""
    found = []
    bad = [v for v in visit.house.board.walk(visit.now) if v.status is Status.FAILED]
    if any(view.check.pillar is Pillar.INTEGRITY for view in bad):
        found.append(_alarm(visit, "bad", "alarm_backup", "/backups"))
    open_door = any(view.check.pillar is Pillar.CONFIDENTIALITY for view in bad)
    if open_door and visit.may(Permission.READ_FINDINGS):
        found.append(_alarm(visit, "bad", "alarm_findings", "/audit"))
    reloads = getattr(visit.house, "reloads", None)
    if reloads is not None and not reloads.successful:
        found.append(_alarm(visit, "warn", "alarm_plan", "/"))
    return found


def _events(visit: Visit) -> tuple[Alarm, ...]:
    """The real event that runs, and on its own pages nothing but the drill."""
    found = []
    for stage, desk in visit.house.desks.items():
        incident = desk.current()
        if incident is None or incident.preempted_at is not None:
            continue
        real = stage == "real"
        words = text(
            "pages.alarm_real" if real else "pages.alarm_drill",
            id=stage,
            level=_level(visit, incident.level),
            onset=jst_short(incident.onset, visit.now),
            elapsed=Words(visit.lang, visit.now).ago(incident.onset),
        )
        place = "/disaster" if real else f"/drills/{stage}"
        found.append(Alarm("real" if real else "warn", words.pick(visit.lang), place))
    return tuple(found)


def _level(visit: Visit, number: int) -> str:
    levels = visit.house.city.disaster.levels
    return next((level.name for level in levels if level.number == number), str(number))


def _alarm(visit: Visit, looks: str, key: str, href: str) -> Alarm:
    return Alarm(looks, text(f"pages.{key}").pick(visit.lang), href)
