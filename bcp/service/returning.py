"""The log comes back: a disk that was full or read-only at the start takes it now.

The house is then built anew around it, in the same process, as a restart by hand would do; `NoLog`
is held by too many rooms to be swapped under them. The time without a log becomes a gap entry: its
note is written before the house is built, so a restart in between does not lose it.
"""

from __future__ import annotations

import structlog

from bcp.journal.gap import Gap, GapNote
from bcp.kit.errors import BcpError
from bcp.service.app import open_log
from bcp.service.house import House
from bcp.service.nolog import NoLog

LOG = structlog.get_logger("service")
_EVERY = 5.0
"""Seconds between two tries; each is a handful of file operations in a thread."""


async def log_can_be_opened(house: House) -> bool:
    """True once it can. False at once where a log is open, or a person has to decide."""
    missing = house.journal
    if not (isinstance(missing, NoLog) and missing.curable):
        return False
    clock, workers = house.clock, house.workers
    while True:
        await clock.sleep_until(clock.monotonic() + _EVERY)
        try:
            opened = await workers.thread(open_log, house.plan, house.places, clock)
        except BcpError:
            continue
        good = opened.writable.ok
        await opened.close()
        if good:
            gap = Gap(missing.writable.since, missing.writable.reason or "Unwritable", 0)
            await workers.thread(GapNote(house.places.head).write, gap)
            LOG.warning("integrity log can be opened now: starting anew with it")
            return True
