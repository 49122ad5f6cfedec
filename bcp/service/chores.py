"""What must be done by itself: verify the log daily, digest the day's samples, end permissions.

If we die here: verification and digest are done again; an operation id per day keeps the digest
from being entered twice.
"""

from __future__ import annotations

import contextlib
from datetime import date, timedelta

import structlog

from bcp.journal.canonical import Json
from bcp.journal.entry import Actor, NewEntry
from bcp.kit.errors import BcpError, Unwritable
from bcp.kit.units import JST
from bcp.service import copying, interim, rules
from bcp.service.app import put_in_order
from bcp.service.house import House
from bcp.service.press import printing

LOG = structlog.get_logger("chores")
DIGEST = "history.digested"
_SYSTEM = Actor("system", "chores")
_DAY = 24 * 3600.0
_LOOK = 60.0
_HOUR = 3600.0
_SECOND = 1.0
_SOON = 20.0
"""The start itself has better things to do."""


def today(house: House) -> date:
    """The city's day."""
    return house.clock.utc().astimezone(JST).date()


async def verify_daily(house: House) -> None:
    """Read the whole log again, soon after the start and once a day; a metric and an alarm."""
    await house.clock.sleep_until(house.clock.monotonic() + _SOON)
    while True:
        try:
            house.note_verified((await house.journal.verify(house.workers.process)).ok)
        except Unwritable as error:  # not opened: nobody can tell
            house.verified = None
            LOG.warning("the integrity log could not be read", why=str(error))
        except BcpError as error:
            house.note_verified(False)
            LOG.error("the integrity log did not verify", why=str(error))
        await house.clock.sleep_until(house.clock.monotonic() + _DAY)


async def turn_of_the_day(house: House) -> None:
    """At midnight: permissions that ended stop their checks, yesterday's samples are digested."""
    done = today(house) - timedelta(days=1)
    while True:
        now = today(house)
        if now > done:
            await end_permissions(house, now)
            if await digest(house, now - timedelta(days=1)):
                done = now
        await house.clock.sleep_until(house.clock.monotonic() + _LOOK)


async def paper_age(house: House) -> None:
    """Every hour and after a new plan: how many printed copies say something else than the plan."""
    seen = ""
    while True:
        with contextlib.suppress(Unwritable):
            found = await copying.standing(
                house.journal, house.workers, printing(house), house.clock.utc()
            )
            house.stale_copies = sum(bool(one.why) for one in found)
            seen = house.plan.digest
        until = house.clock.monotonic() + _HOUR
        while house.clock.monotonic() < until and house.plan.digest == seen:
            await house.clock.sleep_until(house.clock.monotonic() + _LOOK)


async def interim_ends(house: House) -> None:
    """A pause or temporary check that begins or ends takes effect within seconds, no reload needed."""
    seen: tuple[tuple[str, int], ...] = interim.signature(house, house.clock.utc())
    while True:
        await house.clock.sleep_until(house.clock.monotonic() + _SECOND)
        now_on = interim.signature(house, house.clock.utc())
        if now_on != seen:
            await put_in_order(house, house.plan)
            seen = now_on


async def end_permissions(house: House, day: date) -> None:
    """Checks whose written permission is over (or has begun) stop (or start) without a restart."""
    blocked = await house.workers.thread(rules.blocked, house.city, house.plan.checks, day)
    if blocked != dict(house.plan.blocked):
        LOG.warning("permissions changed with the day", blocked=sorted(blocked))
        await put_in_order(house, house.plan.blocked_by(blocked))


async def digest(house: House, day: date) -> bool:
    """Enter the digest of one day's samples, once. False: not recorded now, try again."""
    found = await house.history.reader.digest(day)
    if not found.rows:
        return True
    detail: dict[str, Json] = {
        "day": day.isoformat(),
        "rows": len(found.rows),
        "sha256": found.sha256,
    }
    new = NewEntry(DIGEST, day.isoformat(), detail, None, house.clock.utc())
    with contextlib.suppress(Unwritable):
        await house.journal.append(new, op=f"history.digest:{day.isoformat()}", actor=_SYSTEM)
        return True
    return False
