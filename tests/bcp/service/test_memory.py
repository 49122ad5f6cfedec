"""Lines that nobody reads, workers that were killed, collections that must not hold the loop."""

from __future__ import annotations

import gc
import io
import os
from concurrent.futures.process import BrokenProcessPool

import pytest

from bcp.kit.workers import Lines, Workers
from bcp.service import memory


def test_building_collects_nothing_and_freezes_what_was_made() -> None:
    before = gc.get_freeze_count()
    with memory.Keeper().building():
        assert not gc.isenabled()
        kept = [[number] for number in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(kept)
    gc.unfreeze()


def test_the_size_of_this_process_is_told_in_bytes() -> None:
    assert 5e6 < memory.resident() < 5e9


class Full(io.StringIO):
    """A stream that takes nothing until it is mended."""

    mended = False

    def write(self, text: str) -> int:
        if not self.mended:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_lines_that_could_not_be_written_are_counted_when_others_go_through() -> None:
    stream = Full()
    lines = Lines(stream)
    lines.put("lost")
    while not lines._queue.empty() or not lines._lost:
        pass
    stream.mended = True
    lines.put("kept")
    lines.close()

    assert '"count": 1' in stream.getvalue()
    assert stream.getvalue().endswith("kept\n")


async def test_a_killed_worker_costs_one_call_and_the_next_has_a_new_one() -> None:
    workers = Workers(processes=1)
    try:
        pid = await workers.process(os.getpid)
        assert pid != os.getpid()
        with pytest.raises(BrokenProcessPool):
            await workers.process(os.kill, pid, 9)
        assert await workers.process(os.getpid) not in (pid, os.getpid())
    finally:
        workers.close()
