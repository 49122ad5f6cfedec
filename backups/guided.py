"""復元: a restore for real, by pinned snapshot, into a place a person chose.

Begun and ended are entries: killed in between, the next start says 中断 and never that it is done; the
same snapshot into the same place may then be begun again. Only into an empty folder, into one that our
own unfinished restore left, or over what is there when a person typed the place again. It ends with
the comparison of every byte; a good or bad end is evidence of rung 4 like any restore test.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from backups import ordered, restoring
from backups.record import Custody, Evidence, Restore, Result
from backups.restic.parsing import Progress
from backups.tools import SYSTEM, Copy, Tools, free_bytes, make_private
from bcp.journal.entry import Actor
from bcp.kit.clock import Clock
from bcp.kit.errors import BcpError, Refused
from bcp.kit.language import text

INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be restored where."""

    custody: Custody
    target: Path
    over: bool = False
    """Over what is there: only after the place was typed again."""

    @property
    def place(self) -> str:
        """Which place is meant, without its name."""
        return ordered.place(self.target)


@dataclass(slots=True)
class Under:
    """A restore that runs now."""

    run: str
    custody: Custody
    began: float
    """By the monotonic clock."""
    done: int = 0
    comparing: bool = False


def may_write(order: Order, earlier: tuple[Restore, ...], confirm: str) -> Order:
    """The order, when it may be begun. Raises `Refused`. Blocking (looks at the target)."""
    target = order.target
    there = target.exists()
    if there and not target.is_dir():
        raise _refused(target)
    filled = there and any(target.iterdir())
    ours = any(
        one.place == order.place
        and one.snapshot == order.custody.snapshot
        and one.result is not Result.GOOD  # what was proven may be in use by now
        for one in earlier[-1:]
    )
    if filled and not ours:
        if confirm != str(target):
            raise _refused(target)
        return replace(order, over=True)
    make_private(target)
    return order


def _refused(target: Path) -> Refused:
    return Refused(
        "空のフォルダにだけ復元します / restoring only into an empty folder",
        where=str(target),
        expected="an empty or new folder",
        next_step="別のフォルダを指定する。今あるものに上書きするなら、確認としてその場所を "
        "もう一度入力する / name another folder, or type the place again to write over what is there",
    )


async def restore(copy: Copy, order: Order, under: Under, actor: Actor, op: str) -> Evidence:
    """Do it and record it. Raises `Refused` when it cannot be begun, `Unwritable` when not recorded."""
    tools, custody = copy.tools, order.custody
    check = tools.workers.thread(restoring.cannot_test, copy, custody, order.target)
    if problem := await check:
        raise Refused(text(f"backups.unknown_{problem}", place=str(order.target)).ja)
    begun = Restore(
        *copy.key,
        tools.clock.utc(),
        under.run,
        custody.snapshot,
        custody.time,
        order.place,
        target=str(order.target),
    )
    await tools.write(begun, op=op or f"restore/{under.run}", actor=actor)
    found = tools.folder / f"restored-{under.run}.sha256"
    wanted = tools.log.evidence.path(custody.manifest)
    try:
        async with _followed(copy, order.target, under):
            seen = await restoring.restore_into(copy, custody, wanted, order.target, found)
    finally:
        await tools.workers.thread(found.unlink, missing_ok=True)
    evidence = _over(seen) if order.over else seen
    ended = replace(
        begun,
        at=tools.clock.utc(),
        result=evidence.result,
        reason=evidence.reason,
        facts=evidence.facts,
    )
    # What was restored over other files says nothing clean about the copy: no evidence of rung 4.
    proof = () if order.over or evidence.inconclusive else (evidence,)
    await tools.write(ended, *proof, op=f"restored/{under.run}", actor=SYSTEM)
    return evidence


def _over(seen: Evidence) -> Evidence:
    """Files that were there before are not of the snapshot: told, no fault."""
    lacking = seen.facts.get("missing", 1) or seen.facts.get("changed", 1)
    if seen.reason != "differs" or lacking:
        return seen
    return replace(seen, result=Result.GOOD, reason="")


@asynccontextmanager
async def _followed(copy: Copy, target: Path, under: Under) -> AsyncIterator[None]:
    """How far it is: as restic says, else (before 0.16) by how the disk fills."""
    tools, before = copy.tools, free_bytes(target)

    async def look() -> None:
        while True:
            await tools.clock.sleep_until(tools.clock.monotonic() + 1.0)
            free = await tools.workers.thread(free_bytes, target)
            if before is not None and free is not None:
                under.done = min(under.custody.size, max(under.done, before - free))
                if copy.on_progress is not None and under.custody.size:
                    size = under.custody.size
                    copy.on_progress(Progress(under.done / size, under.done, size))

    wrong: Exception | None = None
    async with asyncio.TaskGroup() as group:
        task = group.create_task(look())
        try:
            yield
        except Exception as error:  # raised again below: not as a group of one
            wrong = error
        finally:
            task.cancel()
    if wrong is not None:
        raise wrong


def begin(custody: Custody, clock: Clock) -> Under:
    """A new run."""
    return Under(secrets.token_hex(8), custody, clock.monotonic())


async def close_left_open(tools: Tools, busy: Collection[tuple[str, str]] = ()) -> None:
    """What was begun and is done by nobody (a dead process, an end that could not be recorded) is 中断,
    and what lies in the target is not proven. `busy`: copies that are being restored now."""
    for key, copy in tools.state.copies.items():
        for one in copy.restores if key not in busy else ():
            if one.result is None:
                now = tools.clock.utc()
                ended = replace(one, at=now, result=Result.INCONCLUSIVE, reason=INTERRUPTED)
                with contextlib.suppress(BcpError):  # the log says no: told when it can be written
                    await tools.write(ended, op=f"restored/{one.run}")
