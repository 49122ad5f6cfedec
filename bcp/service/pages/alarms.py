"""What stands above every page: the log unwritable, a disaster running, the monitor itself in doubt."""

from __future__ import annotations

from bcp.kit.language import text
from bcp.service.pages.visit import Alarm, Visit


def alarms(visit: Visit) -> tuple[Alarm, ...]:
    """Worst first."""
    found = []
    writable = visit.house.journal.writable
    if not writable.ok:
        found.append(_alarm(visit, "bad", "alarm_unwritable", "/log"))
    if suspect := visit.house.board.self_suspect:
        found.append(Alarm("warn", suspect.sentence.pick(visit.lang), "/"))
    if visit.identity and visit.identity.must_change:
        found.append(_alarm(visit, "warn", "alarm_password", "/account"))
    return tuple(found)


def _alarm(visit: Visit, looks: str, key: str, href: str) -> Alarm:
    return Alarm(looks, text(f"pages.{key}").pick(visit.lang), href)
