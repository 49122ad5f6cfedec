"""Announcements to citizens: approved by a person, in the log first, then on the public page.

Approving is an entry `announcement.approved` (texts as erasable values); only when it is durable a
small file for the page is written into DATA/status. Withdrawing: the entry first, then the file goes.

The files are a copy: they are made again from the log at every start and whenever they differ, so a
lost folder comes back and a text withdrawn just before a crash
does not stay, a half-written one goes. If we die between entry and file, `keep` finishes it at the next start. Without a log
nothing is touched: what was approved stays shown.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bcp.journal.canonical import Json
from bcp.journal.entry import Actor, Entry, NewEntry
from bcp.journal.journal import Journal
from bcp.kit.clock import Clock
from bcp.kit.durable import fsync_dir, unwritable, write_atomic
from bcp.kit.errors import BcpError, Refused, Unwritable, UsageError
from bcp.kit.language import text
from bcp.kit.units import from_us, to_us
from bcp.kit.workers import Workers

APPROVED, WITHDRAWN = "announcement.approved", "announcement.withdrawn"
_TEXTS = ("title", "body", "easy", "title_en", "body_en")
_LONGEST = {"title": 120, "title_en": 120, "body": 2000, "easy": 2000, "body_en": 2000}
_MOST_SHOWN = 8
_LOOK = 30.0


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be approved. `easy` is やさしい日本語; `replaces` an announcement it updates."""

    title: str
    body: str
    easy: str = ""
    title_en: str = ""
    body_en: str = ""
    next_update: datetime | None = None
    """When the next one is promised; a promise, not a plan."""
    replaces: str | None = None

    def check(self, now: datetime) -> None:
        """Raises `UsageError` for what cannot be shown to citizens."""
        if not (self.title.strip() and self.body.strip()):
            raise UsageError(_both("title_and_body"), where="title, body")
        for name, most in _LONGEST.items():
            if len(getattr(self, name)) > most:
                raise UsageError(_both("too_long"), where=name, expected=f"<= {most}")
        if bool(self.title_en.strip()) != bool(self.body_en.strip()):
            raise UsageError(_both("english_whole"), where="title_en, body_en")
        if self.next_update is not None and self.next_update <= now:
            raise UsageError(_both("next_in_past"), where="next_update")


@dataclass(frozen=True, slots=True)
class Announcement:
    """One approved text, as the public page shows it."""

    id: str
    seq: int
    approved_us: int
    title: str
    body: str
    easy: str = ""
    title_en: str = ""
    body_en: str = ""
    next_update_us: int | None = None

    @property
    def approved_at(self) -> datetime:
        """Time of the entry."""
        return from_us(self.approved_us)

    @property
    def next_update(self) -> datetime | None:
        """The next one promised."""
        return None if self.next_update_us is None else from_us(self.next_update_us)


async def current(journal: Journal) -> tuple[Announcement, ...]:
    """What is approved and not withdrawn or replaced, newest first; from the log alone.

    A text whose value was erased is not shown any more: there is nothing to show.
    """
    entries = await journal.read(kind="announcement.")
    gone = {e.subject for e in entries if e.kind == WITHDRAWN}
    gone |= {str(e.detail["replaces"]) for e in entries if e.detail.get("replaces")}
    found = []
    for entry in reversed(entries):
        if entry.kind == APPROVED and entry.subject not in gone:
            values = await journal.reveal(entry)
            if values.get("title") and values.get("body"):
                found.append(_announcement(entry, values))
    return tuple(found)


def _announcement(entry: Entry, values: dict[str, str]) -> Announcement:
    promised = entry.detail.get("next_update_us")
    return Announcement(
        entry.subject,
        entry.seq,
        to_us(entry.recorded_at),
        next_update_us=promised if isinstance(promised, int) else None,
        **{name: values.get(name, "") for name in _TEXTS},
    )


async def approve(journal: Journal, clock: Clock, draft: Draft, *, actor: Actor, op: str) -> str:
    """Durable when it returns; the id. Raises `UsageError`, `Refused`, `Unwritable`."""
    now = clock.utc()
    draft.check(now)
    if draft.replaces is not None:
        await _must_stand(journal, draft.replaces, op)
    id = f"a-{hashlib.sha256(op.encode()).hexdigest()[:10]}"
    detail: dict[str, Json] = {}
    if draft.next_update is not None:
        detail["next_update_us"] = to_us(draft.next_update)
    if draft.replaces is not None:
        detail["replaces"] = draft.replaces
    values = {name: said for name in _TEXTS if (said := getattr(draft, name).strip())}
    await journal.append(NewEntry(APPROVED, id, detail, None, now, values), op=op, actor=actor)
    return id


async def withdraw(journal: Journal, clock: Clock, id: str, *, actor: Actor, op: str) -> None:
    """Durable when it returns. Raises `Refused` for one that does not stand, `Unwritable`."""
    await _must_stand(journal, id, op)
    await journal.append(NewEntry(WITHDRAWN, id, {}, None, clock.utc()), op=op, actor=actor)


async def _must_stand(journal: Journal, id: str, op: str) -> None:
    known = {one.id for one in await current(journal)}
    if id not in known and not await journal.find_op(op):  # the same act sent twice is one act
        raise Refused(_both("not_standing"), got=id)


# --- the copy on the public page ------------------------------------------------------------------


async def publish(journal: Journal, folder: Path, workers: Workers) -> None:
    """Make the folder agree with the log. Raises `Unwritable`; safe to repeat and side by side.

    Looked at again after writing: whoever wrote last from an older reading puts it right himself.
    """
    wanted = await current(journal)
    while True:
        await workers.thread(_write, folder, wanted)
        again = await current(journal)
        if again == wanted:
            return
        wanted = again


async def keep(journal: Journal, folder: Path, workers: Workers, clock: Clock) -> None:
    """At the start and for ever: what was lost or left half done is made good."""
    while True:
        if journal.size:  # no log, no knowledge: leave what is shown
            with contextlib.suppress(BcpError):  # the disk; the page of announcements says so
                await publish(journal, folder, workers)
        await clock.sleep_until(clock.monotonic() + _LOOK)


def _write(folder: Path, wanted: Iterable[Announcement]) -> None:
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


def _bytes(one: Announcement) -> bytes:
    return json.dumps(asdict(one), ensure_ascii=False, sort_keys=True).encode()


def published(folder: Path) -> tuple[Announcement, ...]:
    """What the public page shows, newest first; an unreadable file is left out. Blocking."""
    found = []
    try:
        files = sorted(folder.glob("a-*.json"))
    except OSError:
        return ()
    for file in files:
        with contextlib.suppress(OSError, ValueError, TypeError):
            given: dict[str, Any] = json.loads(file.read_bytes())
            found.append(Announcement(**given))
    found.sort(key=lambda one: one.seq, reverse=True)
    return tuple(found[:_MOST_SHOWN])


async def pending(journal: Journal, folder: Path, workers: Workers) -> bool:
    """Whether the public page still shows something else than was decided."""
    if not journal.size:
        return False
    shown = await workers.thread(published, folder)
    return shown != (await current(journal))[:_MOST_SHOWN]


async def show(journal: Journal, folder: Path, workers: Workers) -> bool:
    """`publish` after an entry that is durable already: False when the disk said no.

    That is no reason to call the act undone: it is decided, and `keep` goes on trying.
    """
    try:
        await publish(journal, folder, workers)
    except Unwritable:
        return False
    return True


def _both(key: str) -> str:
    said = text(f"announce.{key}")
    return f"{said.ja} / {said.en}"
