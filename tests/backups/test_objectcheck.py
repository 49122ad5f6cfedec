"""The names check: every byte held against its name, killed and resumed, with and without a record."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from backups import objectcheck, objects
from backups.objectcheck import Record, Report
from bcp.kit.clock import SystemClock
from bcp.kit.workers import Workers


def make(folder: Path, count: int = 12) -> Path:
    """A folder laid out as a repository: names are hashes of contents."""
    for index in range(count):
        put(folder, "data", os.urandom(3000 + index))
    for part in ("index", "snapshots", "keys"):
        put(folder, part, os.urandom(500))
    (folder / "locks").mkdir()
    (folder / "config").write_bytes(b"config")
    return folder


def put(folder: Path, part: str, content: bytes) -> Path:
    name = hashlib.sha256(content).hexdigest()
    path = folder / part / (f"{name[:2]}/{name}" if part == "data" else name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def packs(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "data").rglob("*") if path.is_file())


async def look(folder: Path, workers: Workers, **more: object) -> Report:
    return await objectcheck.check(folder, workers=workers, clock=SystemClock(), **more)  # type: ignore[arg-type]


def record_of(folder: Path) -> Record:
    seen = objects.listing(folder)
    return Record(dict(seen.objects), seen.config)


async def test_a_sound_repository_is_good(tmp_path: Path, workers: Workers) -> None:
    folder = make(tmp_path / "repo")
    report = await look(folder, workers, record=record_of(folder))
    assert report.good
    assert (report.checked, report.counts, report.compared) == (15, {}, True)
    assert report.config == hashlib.sha256(b"config").hexdigest()


async def test_every_kind_of_fault_is_named(tmp_path: Path, workers: Workers) -> None:
    folder = make(tmp_path / "repo")
    record, found = record_of(folder), packs(folder)
    flipped, cut, lost, emptied = found[:4]
    data = bytearray(flipped.read_bytes())
    data[7] ^= 1
    flipped.write_bytes(data)
    cut.write_bytes(cut.read_bytes()[:-1])
    lost.unlink()
    emptied.write_bytes(b"")
    (folder / "data" / "zz").mkdir()
    (folder / "data" / "zz" / "thing").write_text("junk")
    (folder / "index" / "notes.txt").write_text("junk")
    misplaced = folder / "data" / "zz" / found[4].name
    found[4].rename(misplaced)
    (folder / "config").write_bytes(b"another")
    report = await look(folder, workers, record=record)
    assert not report.good
    kinds: dict[str, set[str]] = {}
    for fault in report.faults:
        kinds.setdefault(fault.kind, set()).add(fault.name)
    assert kinds["changed"] == {f"data/{path.name}" for path in (flipped, cut, emptied)}
    assert kinds["missing"] == {f"data/{lost.name}", f"data/{found[4].name}"}
    assert {"data/zz/thing", "index/notes.txt"} < kinds["junk"]
    assert kinds["config"] == {"config"}
    assert report.counts == {"changed": 3, "missing": 2, "junk": 3, "config": 1}


async def test_without_a_record_a_loss_is_unseen_and_said_so(
    tmp_path: Path, workers: Workers
) -> None:
    folder = make(tmp_path / "repo")
    packs(folder)[0].unlink()
    report = await look(folder, workers)
    assert report.good
    assert not report.compared


async def test_temporary_files_of_killed_backups_are_no_fault(
    tmp_path: Path, workers: Workers
) -> None:
    folder = make(tmp_path / "repo")
    (packs(folder)[0].parent / f"{'a' * 64}-tmp-123").write_text("half")
    report = await look(folder, workers)
    assert report.good
    assert report.leftover == 1


async def test_a_killed_check_goes_on_where_it_was_and_finds_its_faults_again(
    tmp_path: Path, workers: Workers
) -> None:
    folder, state = make(tmp_path / "repo", 300), tmp_path / "state" / "names.jsonl"
    bad = packs(folder)[0]
    bad.write_bytes(b"rotten")
    seen: list[int] = []

    class Killed(Exception):
        pass

    def dies(done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise Killed

    with pytest.raises(ExceptionGroup):
        await look(folder, workers, state=state, on_bytes=dies, threads=1)
    with state.open("ab") as file:
        file.write(b'{"data/cut by a kill": [1')
    changed = packs(folder)[1]  # noted as good, then damaged: its time tells
    changed.write_bytes(changed.read_bytes()[:-1])
    report = await look(folder, workers, state=state)
    assert report.resumed >= 100
    assert report.checked == 303
    assert {f.name for f in report.faults} == {f"data/{bad.name}", f"data/{changed.name}"}
    assert not state.exists(), "the round is complete"
    assert (await look(folder, workers, state=state)).resumed == 0


async def test_what_a_prune_takes_away_meanwhile_is_no_fault_unless_demanded(
    tmp_path: Path, workers: Workers
) -> None:
    folder = make(tmp_path / "repo")
    record, last = record_of(folder), packs(folder)[-1]

    def removes(_done: int, _total: int) -> None:
        last.unlink(missing_ok=True)

    small = pytest.MonkeyPatch()
    small.setattr(objectcheck, "_FILES", 2)
    try:
        assert (await look(folder, workers, on_bytes=removes, threads=1)).good
        report = await look(folder, workers, record=record, threads=1)
    finally:
        small.undo()
    assert [f.kind for f in report.faults] == ["missing"]


async def test_the_rate_is_kept(tmp_path: Path, workers: Workers) -> None:
    folder = make(tmp_path / "repo")
    report = await look(folder, workers, limit=60_000)
    assert report.seconds >= 0.5, "some 38,000 bytes at 60,000 a second"


async def test_a_folder_that_is_not_there_is_unreachable_not_damaged(
    tmp_path: Path, workers: Workers
) -> None:
    with pytest.raises(objectcheck.ListingGone):
        await look(tmp_path / "nowhere", workers)


async def test_stopping_it_leaves_no_open_file(tmp_path: Path, workers: Workers) -> None:
    folder = make(tmp_path / "repo")
    task = asyncio.create_task(look(folder, workers, limit=10, state=tmp_path / "s.jsonl"))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    opened = [os.path.realpath(one) for one in Path("/proc/self/fd").iterdir()]
    assert not [path for path in opened if path.endswith("s.jsonl")]
