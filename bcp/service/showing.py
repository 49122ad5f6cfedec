"""Where announcements to residents are shown: DATA/status for `/status`, and static HTML elsewhere.

Both are copies made from the log, again at every start and whenever they differ: a lost folder comes
back, a forged or half-written file goes, a text withdrawn just before a crash does not stay. Without
a log nothing is touched: what was approved stays shown.

The second place (`announcements.mirrors`) is a folder outside the site: a mount, a stick, a folder
that rsync or a web server takes along. It gets one self-contained `index.html` (replaced whole, temp
file, fsync, rename) and `status.json`. A mount that is not there must not be mistaken for an empty
folder: `marker` names a file that must exist in it. A failure is a state: shown, and tried again.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bcp.journal.journal import Journal
from bcp.kit.clock import Clock
from bcp.kit.durable import fsync_dir, unwritable, write_atomic
from bcp.kit.errors import BcpError, Unwritable
from bcp.kit.language import text
from bcp.kit.units import from_us, to_us
from bcp.kit.workers import Workers
from bcp.plan.model import Organization
from bcp.service.announced import Announcement, noticed, with_words
from bcp.service.sections import Mirror

MOST_STANDING, MOST_EARLIER = 8, 24
_LOOK = 30.0


@dataclass(frozen=True, slots=True)
class Shown:
    """One text as the public reads it; everything in it is public."""

    id: str
    seq: int
    approved_us: int
    state: str
    """`standing`, `replaced` or `withdrawn`."""
    title: str
    body: str
    easy: str = ""
    title_en: str = ""
    body_en: str = ""
    next_update_us: int | None = None
    how: str = "new"
    replaces: str | None = None
    correction: str = ""
    withdrawn_us: int | None = None
    withdrawal: str = ""

    @property
    def approved_at(self) -> datetime:
        """Time of the entry."""
        return from_us(self.approved_us)

    @property
    def next_update(self) -> datetime | None:
        """The next one promised."""
        return None if self.next_update_us is None else from_us(self.next_update_us)

    @property
    def withdrawn_at(self) -> datetime | None:
        """When it was withdrawn."""
        return None if self.withdrawn_us is None else from_us(self.withdrawn_us)


async def public(journal: Journal) -> tuple[Shown, ...]:
    """What residents may read, newest first: what stands, and what it took the place of."""
    items = [one for one in noticed(journal).items.values() if one.audience == "residents"]
    items.sort(key=lambda one: one.seq, reverse=True)
    standing = [one for one in items if one.stands][:MOST_STANDING]
    earlier = [one for one in items if not one.stands][:MOST_EARLIER]
    found = [await with_words(journal, one) for one in (*standing, *earlier)]
    return tuple(_shown(one) for one in found if one is not None)


def _shown(one: Announcement) -> Shown:
    notice, hidden = one.notice, one.notice.hidden
    gone = notice.withdrawn_at
    return Shown(
        one.id,
        notice.seq,
        to_us(notice.at),
        "standing" if notice.stands else "withdrawn" if gone else "replaced",
        text("announce.hidden_title").ja if hidden else one.title,
        "" if hidden else one.body,
        "" if hidden else one.easy,
        "" if hidden else one.title_en,
        "" if hidden else one.body_en,
        to_us(notice.next_update) if notice.next_update else None,
        notice.how,
        notice.replaces,
        one.correction,
        to_us(gone) if gone else None,
        one.withdrawal,
    )


# --- the copy for /status -------------------------------------------------------------------------


async def publish(journal: Journal, folder: Path, workers: Workers) -> None:
    """Make the folder agree with the log. Raises `Unwritable`; safe to repeat and side by side.

    Looked at again after writing: whoever wrote last from an older reading puts it right himself.
    """
    wanted = await public(journal)
    while True:
        await workers.thread(_write, folder, wanted)
        again = await public(journal)
        if again == wanted:
            return
        wanted = again


def _write(folder: Path, wanted: Iterable[Shown]) -> None:
    """First the new, then away with the old: the page is never emptier than it should be."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        files = {f"{one.id}.json": _bytes(one) for one in wanted}
        for name, content in files.items():
            path = folder / name
            if not path.is_file() or path.read_bytes() != content:
                write_atomic(path, content)
        ours = [*folder.glob("a-*.json"), *folder.glob(".a-*.tmp")]
        stray = [path for path in ours if path.name not in files]
        for path in stray:
            path.unlink(missing_ok=True)
        if stray:
            fsync_dir(folder)
    except OSError as error:
        raise unwritable(folder, error) from error


def _data(one: Shown) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Shown.__dataclass_fields__}


def _bytes(one: Shown) -> bytes:
    return json.dumps(_data(one), ensure_ascii=False, sort_keys=True).encode()


def published(folder: Path) -> tuple[Shown, ...]:
    """What the public page shows, newest first; an unreadable file is left out. Blocking."""
    found = []
    try:
        files = sorted(folder.glob("a-*.json"))
    except OSError:
        return ()
    for file in files:
        with contextlib.suppress(OSError, ValueError, TypeError):
            found.append(Shown(**json.loads(file.read_bytes())))
    return tuple(sorted(found, key=lambda one: one.seq, reverse=True))


async def pending(journal: Journal, folder: Path, workers: Workers) -> bool:
    """Whether the public page still shows something else than was decided."""
    if not journal.size:
        return False
    shown = await workers.thread(published, folder)
    return set(shown) != set(await public(journal))


async def show(journal: Journal, folder: Path, workers: Workers) -> bool:
    """`publish` after an entry that is durable already: False when the disk said no.

    That is no reason to call the act undone: it is decided, and `keep` goes on trying.
    """
    try:
        await publish(journal, folder, workers)
    except Unwritable:
        return False
    return True


# --- the second place -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MirrorState:
    """How one second place fares."""

    ok: bool | None = None
    """None: not tried since the start."""
    good_at: datetime | None = None
    """When it last agreed with the log."""
    tried_at: datetime | None = None
    trouble: str = ""


Draw = Callable[[tuple[Shown, ...], Organization], bytes]
"""Makes the page (a template of the pages)."""


class Mirrors:
    """Owner of the state of every second place."""

    def __init__(self, clock: Clock, workers: Workers, draw: Draw) -> None:
        self._clock, self._workers, self._draw = clock, workers, draw
        self._states: dict[str, MirrorState] = {}

    def states(self, mirrors: Iterable[Mirror]) -> Mapping[str, MirrorState]:
        """Of the mirrors of the plan."""
        return {one.id: self._states.get(one.id, MirrorState()) for one in mirrors}

    async def write(
        self, mirrors: Iterable[Mirror], shown: tuple[Shown, ...], organization: Organization
    ) -> None:
        """Make every place agree; one that fails does not hold up the others."""
        for mirror in mirrors:
            now, before = self._clock.utc(), self._states.get(mirror.id, MirrorState())
            try:
                page = await self._workers.thread(self._draw, shown, organization)
                await self._workers.thread(write_mirror, mirror, page, shown)
                self._states[mirror.id] = MirrorState(True, now, now)
            except BcpError as error:
                said = f"{error.what} ({error.where})"
                self._states[mirror.id] = MirrorState(False, before.good_at, now, said)


def write_mirror(mirror: Mirror, page: bytes, shown: tuple[Shown, ...]) -> None:
    """One place, the page last. Blocking. Raises `Unwritable`."""
    folder = Path(mirror.folder)
    if mirror.marker and not (folder / mirror.marker).is_file():
        said = text("announce.no_marker", marker=mirror.marker)
        raise Unwritable(f"{said.ja} / {said.en}", where=mirror.folder)
    data = json.dumps([_data(one) for one in shown], ensure_ascii=False, sort_keys=True, indent=1)
    try:
        if not mirror.marker:
            folder.mkdir(parents=True, exist_ok=True)
        for name, content in (("status.json", data.encode()), ("index.html", page)):
            path = folder / name
            if not path.is_file() or path.read_bytes() != content:
                write_atomic(path, content, 0o644)
        for stray in (*folder.glob(".index.html.*.tmp"), *folder.glob(".status.json.*.tmp")):
            stray.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error


async def keep(
    journal: Journal,
    folder: Path,
    workers: Workers,
    clock: Clock,
    also: Callable[[tuple[Shown, ...]], Any] | None = None,
) -> None:
    """At the start and for ever: what was lost or left half done is made good."""
    while True:
        if journal.size:  # no log, no knowledge: leave what is shown
            with contextlib.suppress(BcpError):  # the disk; the page of announcements says so
                await publish(journal, folder, workers)
            if also is not None:
                await also(await public(journal))
        await clock.sleep_until(clock.monotonic() + _LOOK)
