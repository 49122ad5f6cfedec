"""Which data packs were read, and when. Random samples never add up; this does.

restic's `n/t` puts a pack into part `first byte of its id mod t`. After part n was read well, every pack
of it that was listed *before* the reading gets the date. Losable: without it the share that is read
falls to zero and is read anew; it is never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from backups.objects import Listing
from backups.tools import make_private
from bcp.kit.durable import write_atomic
from bcp.kit.units import from_us, to_us


@dataclass(frozen=True, slots=True)
class Coverage:
    """What share of the data was read within a window."""

    ratio: float
    """Of bytes, 0 to 1. An empty repository is fully read."""
    oldest: datetime | None
    """The oldest reading among the packs; None: some pack was never read (or there is none)."""
    packs: int
    read: int


def part_of(pack: str, parts: int) -> int:
    """In which of `parts` parts (from 1) restic puts a pack."""
    return int(pack[:2], 16) % parts + 1


def after(
    ledger: Mapping[str, datetime], packs: Iterable[str], part: tuple[int, int], at: datetime
) -> dict[str, datetime]:
    """The ledger after a part was read; packs that are gone are dropped."""
    n, t = part
    kept = {pack: ledger[pack] for pack in packs if pack in ledger}
    return {**kept, **{pack: at for pack in packs if part_of(pack, t) == n}}


def coverage(
    ledger: Mapping[str, datetime], listing: Listing, now: datetime, window: timedelta
) -> Coverage:
    """How much of what is there now was read within the window."""
    total = read_bytes = count = 0
    dates: list[datetime] = []
    for pack in listing.packs:
        size = listing.objects[f"data/{pack}"]
        total += size
        at = ledger.get(pack)
        if at is None:
            continue
        dates.append(at)
        if now - at <= window:
            read_bytes, count = read_bytes + size, count + 1
    packs = len(listing.packs)
    oldest = min(dates) if dates and len(dates) == packs else None
    return Coverage(read_bytes / total if total else 1.0, oldest, packs, count)


def load(path: Path) -> dict[str, datetime]:
    """The kept ledger; empty when there is none or it cannot be read."""
    try:
        data = json.loads(path.read_bytes())
        return {str(pack): from_us(int(at)) for pack, at in data.items()}
    except (OSError, ValueError, AttributeError, TypeError, OverflowError):
        return {}


def save(path: Path, ledger: Mapping[str, datetime]) -> None:
    """Replace the kept ledger. Raises `Unwritable`."""
    make_private(path.parent)
    write_atomic(path, json.dumps({pack: to_us(at) for pack, at in ledger.items()}).encode())
