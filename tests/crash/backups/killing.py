"""Kills an act at one of its moments. A moment is a thing seen from outside, or a time after the beginning.

What is seen: a restic begins or ends, a lock, a snapshot, a pack, an index or a key appears or goes, the log
grows, something lies in the scratch folder, in the restore's target or in the evidence store. Each change of
what is seen is one moment; a run without a kill counts them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.crash.backups.acting import children, main
from tests.crash.backups.world import World

LONGEST = 60.0


@dataclass(frozen=True)
class Moment:
    """Kill after so many changes of what is seen, or so long after the act began."""

    changes: int | None = None
    after: float = 0.0

    def __str__(self) -> str:
        return f"change {self.changes}" if self.changes is not None else f"{self.after:.3f} s"


@dataclass(frozen=True)
class Ended:
    """What became of the act."""

    changes: int
    seconds: float
    killed: tuple[str, ...] = ()
    """restic's words (`backup`, `check` …) of each restic that was killed; `act`: the act itself."""
    said: str = ""
    """How the act ended in its own word; empty: it did not live to say so."""
    sentence: str = ""
    """What it said to people."""
    data_left: bool = False
    """Residents' data lay in the scratch folder right after the kill."""


Strike = Callable[[int, dict[int, str]], tuple[str, ...]]
"""What is done at the moment to an act and its restics; gives what was hit."""


def seen(world: World, restics: set[int], begun: set[int]) -> tuple[object, ...]:
    """What can be seen of an act from outside, quickly."""
    data = world.data / "real"
    return (
        len(begun),
        len(restics),
        *(_names(world.repository / part) for part in ("locks", "snapshots", "index", "keys")),
        _count(world.repository / "data"),
        _size(data / "log.sqlite3-wal"),
        _count(data / "evidence"),
        _count(world.scratch),
        _names(world.target),
        _names(world.data / "backups"),
    )


def _names(folder: Path) -> tuple[str, ...]:
    try:
        with os.scandir(folder) as found:
            return tuple(sorted(one.name for one in found))
    except OSError:
        return ()


def _count(folder: Path, depth: int = 3) -> int:
    try:
        with os.scandir(folder) as found:
            return sum(
                1 + (_count(Path(one.path), depth - 1) if depth and one.is_dir() else 0)
                for one in found
            )
    except OSError:
        return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _children(pid: int) -> dict[int, str]:
    """The live children of a process, and which of restic's commands each does (`?`: none yet)."""
    found: dict[int, str] = {}
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return {}
    for child in map(int, listed):
        with contextlib.suppress(OSError, IndexError):
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z":
                found[child] = _command(words)
    return found


def _command(words: list[bytes]) -> str:
    known = ("backup", "check", "restore", "forget", "prune", "snapshots", "cat", "list", "unlock")
    return next((w.decode() for w in words if w.decode("utf-8", "replace") in known), "?")


def run_and_strike(
    world: World, act: str, strike: Strike, moment: Moment, needs_restic: bool = False
) -> Ended:
    """Begin the act from the first state and strike it at a moment (never, when it ends before)."""
    world.reset()
    said = world.folder.with_name("said")
    said.unlink(missing_ok=True)
    arguments = (str(world.folder), world.restic, world.changes, act, str(said))
    child = children().Process(target=main, args=arguments)
    child.start()
    assert child.pid is not None
    _wait(said.exists, child)
    try:
        return _follow(world, child, said, strike, moment, needs_restic)
    finally:
        if child.is_alive():
            child.kill()
        child.join()


def _wait(true: object, child: ForkServerProcess) -> None:
    end = time.monotonic() + LONGEST
    while not true() and child.is_alive():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.001)


def _follow(
    world: World,
    child: ForkServerProcess,
    said: Path,
    strike: Strike,
    moment: Moment,
    needs_restic: bool,
) -> Ended:
    pid = child.pid
    assert pid is not None
    begun, began, changes = set[int](), time.monotonic(), 0
    last: tuple[object, ...] | None = None
    killed: tuple[str, ...] = ()
    while child.is_alive():
        passed = time.monotonic() - began
        assert passed < LONGEST, f"the act does not end ({killed})"
        restics = {one: word for one, word in _children(pid).items() if word != "?"}
        begun |= restics.keys()
        now = seen(world, set(restics), begun)
        changes += now != last
        last = now
        due = changes >= moment.changes if moment.changes else passed >= moment.after
        if due and not killed and (restics or not needs_restic):
            killed = strike(pid, restics)
        time.sleep(0.0005)
    child.join(LONGEST)
    left = world.scratch.exists() and bool(world.restored_files())
    text = said.read_text()
    told = json.loads(text) if text.startswith("{") else {"ended": "", "sentence": ""}
    return Ended(changes, time.monotonic() - began, killed, told["ended"], told["sentence"], left)


def restic_only(pid: int, restics: dict[int, str]) -> tuple[str, ...]:
    """The act lives on and must say what became of it."""
    for one in restics:
        _signal(one, signal.SIGKILL)
    return tuple(restics.values())


def act_only(pid: int, restics: dict[int, str]) -> tuple[str, ...]:
    """As an OOM killer does: restic is left to itself, and ends by itself before the next start."""
    _signal(pid, signal.SIGSTOP)
    below = _children(pid)
    _signal(pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while any(Path(f"/proc/{one}").exists() for one in below):
        assert time.monotonic() < until, "restic outlives us"
        time.sleep(0.01)
    return ("act",)


def everything(pid: int, restics: dict[int, str]) -> tuple[str, ...]:
    """As systemd ends a service, or a machine that is reset."""
    _signal(pid, signal.SIGSTOP)  # nothing is begun between the look and the kill
    below = _children(pid)
    _signal(pid, signal.SIGKILL)
    for one in below:
        _signal(one, signal.SIGKILL)
    return ("act", *below.values())


def nothing(pid: int, restics: dict[int, str]) -> tuple[str, ...]:
    """For counting the moments."""
    return ()


KILLS: dict[str, Strike] = {"restic": restic_only, "act": act_only, "everything": everything}


def kill(world: World, act: str, what: str, moment: Moment) -> Ended:
    """SIGKILL at a moment."""
    return run_and_strike(world, act, KILLS[what], moment, what == "restic")


def unharmed(world: World, act: str) -> Ended:
    """The act left in peace: how many moments it has and how long it takes."""
    return run_and_strike(world, act, nothing, Moment(changes=1 << 30))


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
