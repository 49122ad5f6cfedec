"""Which snapshots and files a restore test takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups import manifest, restoring, sampling
from backups.custody import CopyState
from backups.model import Verify
from backups.record import Custody, Evidence, Result
from backups.walk import Entry
from bcp.watch.values import Status
from tests.backups.conftest import Place

NOW = datetime(2026, 11, 25, tzinfo=UTC)
BIG = 10 << 30


def custody(number: int, size: int = BIG) -> Custody:
    return Custody(
        "juki", "main", "r" * 64, f"{number:064x}", "t", NOW + timedelta(hours=number), "m",
        1000, size, f"run{number}", "0.14.0", True,
    )  # fmt: skip


def state(*, whole: timedelta | None = timedelta(days=1), size: int = BIG) -> CopyState:
    copies = tuple(custody(n, size) for n in range(5))
    good = Evidence("juki", "main", 4, Result.GOOD, NOW - (whole or timedelta()), snapshot=None)
    return CopyState(copies, evidence={4: good}, whole=good if whole is not None else None)


ALL = frozenset(f"{n:064x}" for n in range(5))


def test_the_newest_and_an_older_one_by_lot_and_every_older_one_is_drawn_some_day() -> None:
    drawn = set()
    for seed in range(60):
        first, second = sampling.plan(state(), ALL, Verify(), NOW, Random(seed))
        assert first.custody.snapshot == f"{4:064x}"
        assert (first.whole, second.whole) == (False, False)
        drawn.add(second.custody.snapshot)
    assert drawn == ALL - {f"{4:064x}"}


def test_whole_when_small_never_whole_yet_or_a_month_ago() -> None:
    assert sampling.plan(state(size=1000), ALL, Verify(), NOW, Random(1))[0].whole
    assert sampling.plan(state(whole=None), ALL, Verify(), NOW, Random(1))[0].whole
    late = state(whole=timedelta(days=30))
    assert sampling.plan(late, ALL, Verify(), NOW, Random(1))[0].whole


def test_what_was_found_bad_is_tried_again_whole_until_it_is_good_or_gone() -> None:
    bad = Evidence("juki", "main", 4, Result.BAD, NOW, "differs", f"{1:064x}", NOW)
    found = replace(state(), evidence={4: bad})
    again, first = sampling.plan(found, ALL, Verify(), NOW, Random(1))
    assert (again.custody.snapshot, again.whole, again.again) == (f"{1:064x}", True, True)
    assert first.custody.snapshot == f"{4:064x}"
    left = sampling.plan(found, ALL - {f"{1:064x}"}, Verify(), NOW, Random(1))
    assert not any(test.again for test in left)


def test_only_what_is_there_and_complete_is_restored() -> None:
    assert sampling.plan(state(), frozenset(), Verify(), NOW, Random(1)) == ()
    (only,) = sampling.plan(state(), frozenset({f"{2:064x}"}), Verify(), NOW, Random(1))
    assert only.custody.snapshot == f"{2:064x}"


@given(st.integers(0, 300), st.integers(1, 50), st.integers(0, 2000), st.integers())
def test_a_draw_is_ordered_bounded_and_takes_the_dumps(
    files: int, count: int, limit: int, seed: int
) -> None:
    entries = [Entry("d", b"srv", 0o755)]
    entries += [Entry("f", b"srv/%03d" % n, 0o644, n, "0" * 64) for n in range(files)]
    entries += [Entry("f", b"var/dumps/db", 0o600, 5, "1" * 64)]
    drawn = sampling.draw(entries, count, limit, Random(seed), b"var/dumps")
    assert [one.key for one in drawn] == sorted(one.key for one in drawn)
    assert len(drawn) <= count + 1
    assert b"var/dumps/db" in {one.name for one in drawn}
    assert len(drawn) == 1 or sum(one.size for one in drawn) <= limit


def test_special_signs_in_names_are_taken_as_they_are() -> None:
    assert sampling.pattern(Entry("f", b"a/[x]*?\\b")) == r"/a/\[x]\*\?\\b"
    assert sampling.pattern(Entry("f", b"\x8f\x5a")).encode("utf-8", "surrogateescape") == b"/\x8fZ"


@pytest.mark.live
async def test_files_drawn_by_lot_are_restored_alone_compared_and_destroyed(place: Place) -> None:
    await place.init()
    strange = [b"[x]*?.txt", b"\x8fZ\x96\xaf.csv", "住民票 一覧.csv".encode(), b"a\\b"]
    for name in strange:
        Path(str(place.source)).joinpath(name.decode("utf-8", "surrogateescape")).write_bytes(name)
    verify = Verify(parts=1, sample=5)
    place.room.replace((place.set(verify=verify),))
    await place.room.backup("juki")
    keeper = place.room._keeper
    copy = await keeper.copy(("juki", "main"))
    newest = copy.state.newest
    assert newest is not None
    for seed in range(3):
        seen = await restoring.restored(copy, newest, whole=False, chance=Random(seed))
        assert seen.good, seen
        assert (seen.facts["sampled"], seen.facts["files"]) == (1, 5)
        assert seen.facts["destroyed"] == 1
    wanted = tuple(
        one
        for one in manifest.read(place.log.evidence.path(newest.manifest))
        if one.kind == "f" and one.name.rsplit(b"/", 1)[-1] in strange
    )
    assert len(wanted) == 4
    target, found = place.folder / "there", place.folder / "found"
    seen = await restoring.restore_into(
        copy, newest, place.log.evidence.path(newest.manifest), target, found, wanted
    )
    assert seen.good, seen
    assert seen.facts["files"] == 4
    entries = await place.log.read(kind="backup.destroyed")
    assert [entry.detail["gone"] for entry in entries] == [True] * 3
    assert (await place.room.verify("juki", "main", 4)).status is Status.OK
