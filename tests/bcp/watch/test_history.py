"""The history may be lost; it must never disturb and never lie."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.kit.language import Text
from bcp.kit.units import from_us
from bcp.kit.workers import Workers
from bcp.watch import spans
from bcp.watch.codec import decode, encode
from bcp.watch.confirm import Counter, Look
from bcp.watch.history import KEEP, KEEP_BAD, History, read_board
from bcp.watch.values import Finding, FindingResult, Observation, Outcome, Severity, Status
from bcp.watch.view import WORKS, Saved, Span
from tests.bcp.watch.helpers import SENTENCES, seen
from tests.fakes import START, ManualClock


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(threads=2)
    yield workers
    workers.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def history(tmp_path: Path, clock: ManualClock, workers: Workers) -> Iterator[History]:
    history = History(tmp_path / "history.sqlite", clock, workers)
    history.start()
    yield history
    history.close()


def saved(observation: Observation, *, counted: bool = False) -> Saved:
    status = observation.outcome.status
    row = START if status in WORKS else None
    counter = (
        Counter(status, START, status, window=(Look(Status.FAILED, START),)) if counted else None
    )
    return Saved(observation.check, status, START, SENTENCES[status], observation, row, counter)


async def test_results_come_back_whole_newest_first(history: History) -> None:
    first, second = seen("a", answers=1), seen("a", Status.FAILED, START + timedelta(seconds=30))
    history.put(first)
    history.put(second)
    history.put(seen("b"))
    assert await history.flush()
    assert await history.reader.recent("a") == [second, first]
    assert await history.reader.recent("a", bad=True) == [second]


async def test_failures_are_kept_longer_than_good_results(history: History) -> None:
    history.put(seen("a", Status.FAILED))
    for _index in range(1000):
        history.put(seen("a"))
    await history.flush()
    kept = await history.reader.recent("a", 5000)
    good = [one for one in kept if one.outcome.status is Status.OK]
    assert KEEP <= len(good) <= KEEP * 3 // 2
    assert len(kept) == len(good) + 1, "the one failure is still there"
    assert KEEP_BAD > KEEP


async def test_bars_show_each_state_and_what_nobody_saw(
    history: History, clock: ManualClock
) -> None:
    await clock.advance(3600 * 5.5)  # 15:30 JST
    now = clock.utc()
    history.credit(Span("a", Status.OK, now - timedelta(hours=2), now - timedelta(hours=1)))
    history.credit(
        Span("a", Status.FAILED, now - timedelta(minutes=60), now - timedelta(minutes=50))
    )
    await history.flush()
    tail = Span("a", Status.DEGRADED, now - timedelta(minutes=10), now)
    bars = (await history.reader.bars(["a", "none"], "hour", 3, [tail]))["a"]
    assert [bar.length for bar in bars] == [3600, 3600, 1800]
    assert bars[0].seconds == {Status.OK: 1800}
    assert bars[0].blind == 1800
    assert bars[1].seconds == {Status.OK: 1800, Status.FAILED: 600}
    assert bars[2].seconds == {Status.DEGRADED: 600}
    days = (await history.reader.bars(["a"], "day", 90, [tail]))["a"]
    assert len(days) == 90
    assert days[-1].seconds == {Status.OK: 3600, Status.FAILED: 600, Status.DEGRADED: 600}
    assert spans.day_of(days[-1].start) == spans.day_of(now)


async def test_the_digest_of_a_day_depends_on_its_rows_alone(history: History) -> None:
    history.credit(Span("b", Status.OK, START, START + timedelta(hours=1)))
    history.credit(Span("a", Status.FAILED, START, START + timedelta(minutes=1)))
    await history.flush()
    digest = await history.reader.digest(spans.day_of(START))
    assert digest.rows == (("a", Status.FAILED, 60), ("b", Status.OK, 3600))
    again = spans.digest_of(
        digest.day, [("b", Status.OK, 3_600_000_000), ("a", Status.FAILED, 60_000_000)]
    )
    assert again.sha256 == digest.sha256
    assert spans.digest_of(date(2026, 1, 1), []).sha256 != digest.sha256


async def test_the_last_board_can_be_read_when_no_daemon_runs(
    history: History, clock: ManualClock
) -> None:
    down = seen("a", Status.FAILED)
    history.put(down, saved(down, counted=True))
    history.put(seen("b"), saved(seen("b")))
    await history.flush()
    history.forget(["b"])
    await history.flush()
    history.close()
    board = read_board(history.path)
    assert board.seen == clock.utc()
    assert board.checks == (saved(down, counted=True),)


@pytest.mark.parametrize("rubbish", [b"not a database at all" * 500, b"SQLite format 3\0" + b"x"])
async def test_a_damaged_file_is_put_aside_and_it_says_so(
    tmp_path: Path, clock: ManualClock, workers: Workers, rubbish: bytes
) -> None:
    path = tmp_path / "history.sqlite"
    path.write_bytes(rubbish)
    assert read_board(path).checks == ()
    history = History(path, clock, workers)
    history.start()
    history.put(seen("a"))
    assert await history.flush()
    assert len(await history.reader.recent("a")) == 1
    assert history.began_anew is not None
    (aside,) = tmp_path.glob("history.sqlite.damaged-*")
    assert aside.read_bytes() == rubbish
    assert aside.name in history.began_anew.ja
    history.close()


async def test_a_file_damaged_in_the_middle_is_put_aside_at_the_next_start(
    tmp_path: Path, clock: ManualClock, workers: Workers
) -> None:
    path = tmp_path / "history.sqlite"
    history = History(path, clock, workers)
    history.start()
    for index in range(500):
        history.put(seen(f"c{index}"), saved(seen(f"c{index}")))
    await history.flush()
    history.close()
    data = bytearray(path.read_bytes())
    data[4096:] = random.Random(1).randbytes(len(data) - 4096)
    path.write_bytes(data)
    anew = History(path, clock, workers)
    anew.start()
    anew.put(seen("a"))
    assert await anew.flush()
    assert anew.began_anew is not None
    anew.close()


async def test_a_disk_that_refuses_neither_blocks_nor_loses_time_in_a_state(
    tmp_path: Path, clock: ManualClock, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bcp.watch.history._QUEUE", 10)
    folder = tmp_path / "gone"
    history = History(folder / "history.sqlite", clock, workers)
    history.start()
    for index in range(25):
        history.put(seen("a", answers=index))
    history.credit(Span("a", Status.OK, START, START + timedelta(seconds=60)))
    assert not await history.flush()
    assert history.dropped == 15
    assert await history.reader.recent("a") == []
    folder.mkdir()
    assert await history.flush(), "writable again"
    assert [one.outcome.facts["answers"] for one in await history.reader.recent("a")] == [
        *reversed(range(15, 25))
    ]
    assert (await history.reader.digest(spans.day_of(START))).rows == (("a", Status.OK, 60),)
    history.close()


_WRITER = """
import asyncio, sys
from pathlib import Path
from bcp.kit.workers import Workers
from bcp.watch.history import History
from tests.bcp.watch.helpers import seen
from tests.bcp.watch.test_history import saved
from tests.fakes import ManualClock

async def main():
    history = History(Path(sys.argv[1]), ManualClock(), Workers())
    history.start()
    for index in range(10**6):
        one = seen("a", answers=index)
        history.put(one, saved(one))
        if index % 50 == 49:
            await history.flush()
            sys.stdout.write("x"); sys.stdout.flush()

asyncio.run(main())
"""


@pytest.mark.crash
async def test_a_killed_writer_leaves_a_sound_file(
    tmp_path: Path, clock: ManualClock, workers: Workers, repo_root: Path
) -> None:
    path = tmp_path / "history.sqlite"
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _WRITER,
        str(path),
        stdout=asyncio.subprocess.PIPE,
        cwd=repo_root,
    )
    assert child.stdout is not None
    flushed = len(await child.stdout.readexactly(5))
    child.send_signal(signal.SIGKILL)
    await child.wait()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    (known,) = read_board(path).checks
    assert int(known.last.outcome.facts["answers"]) >= flushed * 50 - 1
    history = History(path, clock, workers)
    history.start()
    assert await history.flush()
    assert history.began_anew is None
    history.close()


# --- round trips and arithmetic ----------------------------------------------------------------

TEXTS = st.builds(Text, st.text(), st.text())
WORDS = st.text(max_size=20)
FACTS = st.dictionaries(
    WORDS,
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | WORDS,
    max_size=4,
)
FINDINGS = st.builds(
    Finding,
    WORDS,
    WORDS,
    st.sampled_from(list(FindingResult)),
    st.sampled_from(list(Severity)),
    TEXTS,
    WORDS,
    WORDS,
    TEXTS,
)
INSTANTS = st.integers(0, 4_000_000_000_000_000).map(from_us)
OUTCOMES = st.builds(
    Outcome,
    st.sampled_from(list(Status)),
    TEXTS,
    FACTS,
    st.lists(FINDINGS, max_size=3).map(tuple),
    st.lists(WORDS, max_size=3).map(tuple),
)
OBSERVATIONS = st.builds(
    Observation,
    WORDS,
    WORDS,
    INSTANTS,
    st.floats(0, 1e6),
    OUTCOMES,
    st.floats(0, 1e6),
)


@given(OBSERVATIONS)
def test_an_observation_survives_the_way_to_disk_and_back(observation: Observation) -> None:
    assert decode(encode(observation)) == observation


def test_something_else_is_not_an_observation() -> None:
    for line in ("{}", "[]", "null", '{"check": 1}', "x"):
        with pytest.raises(ValueError, match=r"."):
            decode(line)


@given(INSTANTS, st.integers(1, 3 * 86_400_000_000))
def test_a_span_cut_into_hours_is_as_long_as_before(start: datetime, micros: int) -> None:
    span = Span("a", Status.OK, start, start + timedelta(microseconds=micros))
    pieces = list(spans.split(span))
    assert sum(length for _hour, length in pieces) == micros
    assert all(0 < length <= 3_600_000_000 for _hour, length in pieces)
    hours = [hour for hour, _length in pieces]
    assert hours == list(range(hours[0], hours[0] + len(hours)))


def test_a_day_is_the_citys_day() -> None:
    evening = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
    assert spans.day_of(evening) == date(2026, 11, 24)
    assert spans.day_start(date(2026, 11, 24)) == datetime(2026, 11, 23, 15, tzinfo=UTC)
