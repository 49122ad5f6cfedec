"""The store of signs of life: durable, small, honest about damage and about its own deafness."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.kit.workers import Workers
from bcp.watch.heartbeats import Beat, Heartbeats, Word, after
from tests.fakes import START, ManualClock


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(threads=2)
    yield workers
    workers.close()


def opened(folder: Path, clock: ManualClock, workers: Workers) -> Heartbeats:
    return Heartbeats.open(folder / "heartbeats.jsonl", clock, workers, START)


async def test_signs_and_deafness_survive_a_restart(tmp_path: Path, workers: Workers) -> None:
    clock = ManualClock()
    first = opened(tmp_path, clock, workers)
    await clock.advance(60)
    first.listen()
    await first.hear("juki/yakan", "start")
    await clock.advance(90)
    await first.hear("juki/yakan", "success")
    await first.hear("zei/yakan", "fail")

    alive = clock.utc()
    await clock.advance(600)
    second = Heartbeats.open(first.path, clock, workers, alive)
    heard = second.of("juki/yakan")

    assert heard.beat == first.of("juki/yakan").beat
    assert heard.beat is not None
    assert (heard.beat.took, heard.beat.good) == (90.0, True)
    assert heard.deaf[-1] == (alive, clock.utc()), "not listening yet"
    second.listen()
    await clock.advance(60)
    assert second.of("x").deaf[-1] == (alive, alive + timedelta(seconds=600))
    assert second.of("x").beat is None
    assert (first.path.stat().st_mode & 0o777) == 0o600


async def test_signs_that_come_together_are_all_kept(tmp_path: Path, workers: Workers) -> None:
    beats = opened(tmp_path, ManualClock(), workers)
    beats.listen()

    await asyncio.gather(*(beats.hear(f"job-{n}", "success") for n in range(50)))

    again = opened(tmp_path, ManualClock(), workers)
    assert all(again.of(f"job-{n}").beat is not None for n in range(50))


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"{}", b'{"deaf_us":[[1]]}', b'{"deaf_us":[]}\n{"check":"x"}',
     b'{"deaf_us":[]}\n5', b'{"deaf_us":[]}\n{"check":"x","begun":1e300}', b"\xff\xfe"],
)  # fmt: skip
async def test_a_damaged_file_is_set_aside_and_told(
    tmp_path: Path, workers: Workers, damage: bytes
) -> None:
    (tmp_path / "heartbeats.jsonl").write_bytes(damage)

    beats = opened(tmp_path, ManualClock(), workers)

    assert beats.began_anew is not None
    aside = next(tmp_path.glob("heartbeats.jsonl.damaged-*"))
    assert aside.name in beats.began_anew.ja
    assert aside.read_bytes() == damage
    beats.listen()
    await beats.hear("job", "success")
    assert opened(tmp_path, ManualClock(), workers).of("job").beat is not None


async def test_a_disk_that_takes_nothing_loses_no_sign_while_we_live(
    tmp_path: Path, workers: Workers
) -> None:
    beats = opened(tmp_path / "absent", ManualClock(), workers)
    beats.listen()

    await beats.hear("job", "success")

    assert beats.of("job").beat is not None


INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
WORDS: st.SearchStrategy[Word] = st.sampled_from(["start", "success", "fail"])


@given(st.lists(st.tuples(WORDS, INSTANTS), max_size=10))
def test_a_run_is_open_from_its_first_start_to_its_end(words: list[tuple[Word, datetime]]) -> None:
    beat = Beat()
    for word, at in words:
        beat = after(beat, word, at)

    since_end: list[datetime] = []
    for word, at in words:
        since_end = [*since_end, at] if word == "start" else []
    assert beat.begun == (since_end[0] if since_end else None)
    assert beat.started == (since_end[-1] if since_end else None)
    assert beat.took is None or beat.took >= 0
