"""Small real logs for the tests of this room."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bcp.journal import Actor, Entry, Fold, Journal, Json, NewEntry, View
from bcp.kit.clock import Clock
from tests.fakes import START, ManualClock

ORIGIN = "kurihara.example/ict-bcp/integrity"
OFFICER = Actor("u-3f2a", "commander")


class DiskTrouble:
    """A disk that says no at chosen writes: `arm("store:before")`, until `heal()`.

    A point named once (`times=1`) fails that often and then works again.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._armed: dict[str, int] = {}
        self._errno = errno.ENOSPC

    def arm(self, *points: str, times: int = 1_000_000, number: int = errno.ENOSPC) -> None:
        self._armed.update(dict.fromkeys(points, times))
        self._errno = number

    def heal(self) -> None:
        self._armed.clear()

    def __call__(self, point: str) -> None:
        self.seen.append(point)
        if self._armed.get(point, 0) > 0:
            self._armed[point] -= 1
            raise OSError(self._errno, os.strerror(self._errno))


def count(state: int, entry: Entry) -> int:
    return state + 1


def last_subjects(state: tuple[str, ...], entry: Entry) -> tuple[str, ...]:
    return (*state, entry.subject)[-5:]


FOLDS: dict[str, Fold[Any]] = {
    "count": Fold(0, count),
    "ticks": Fold((), last_subjects, ("step.",)),
}


def note(
    subject: str = "juki",
    kind: str = "test.note",
    incident: str | None = None,
    detail: dict[str, Json] | None = None,
    evidence: tuple[str, ...] = (),
    **values: str,
) -> NewEntry:
    return NewEntry(kind, subject, detail or {}, incident, START, values, evidence)


def create(tmp_path: Path, clock: Clock | None = None) -> Path:
    """An empty log; gives its folder (its head folder is `log-head` beside it)."""
    folder = tmp_path / "log"
    Journal.create(folder, origin=ORIGIN, node="n1", clock=clock or ManualClock())
    return folder


def reopen(folder: Path, clock: Clock | None = None, **options: Any) -> Journal:
    options.setdefault("folds", FOLDS)
    return Journal.open(folder, clock=clock or ManualClock(), **options)


def fresh(tmp_path: Path, clock: Clock | None = None, **options: Any) -> Journal:
    return reopen(create(tmp_path, clock), clock, **options)


async def fill(journal: Journal, number: int, prefix: str = "op") -> list[Entry]:
    """Append `number` entries, one commit each."""
    made: list[Entry] = []
    for index in range(number):
        new = note(f"s{index}", detail={"n": index})
        made += (await journal.append(new, op=f"{prefix}-{index}", actor=OFFICER)).entries
    return made


def ticking(subject: str) -> Any:
    """A decision that ticks a step once: a second one is refused by the state."""

    def decide(view: View) -> Sequence[NewEntry]:
        if subject in view.state("ticks"):
            raise AlreadyTicked(subject)
        return [note(subject, "step.ticked")]

    return decide


class AlreadyTicked(Exception):
    pass


def digest_of_folder(folder: Path) -> dict[str, bytes]:
    """Every file with its content, to see that nothing was changed."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@contextmanager
def changed(path: Path, offset: int, mask: int = 1) -> Iterator[None]:
    """One byte of a file is another, for a while."""
    good = path.read_bytes()
    bad = bytearray(good)
    bad[offset] ^= mask
    path.write_bytes(bad)
    try:
        yield
    finally:
        path.write_bytes(good)
