"""How unusual a backup is: what ransomware does scores high, what people and nightly dumps do does not."""

from __future__ import annotations

import os
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups import manifest, unusual
from backups.acts import Change
from backups.record import Result
from backups.retention import Retention
from backups.tools import SYSTEM
from backups.unusual import Signals, judge, measure
from bcp.kit.errors import UsageError
from bcp.kit.workers import Workers
from tests.backups.conftest import Place

NOW = datetime(2026, 11, 23, tzinfo=UTC)
QUIET = Signals(1000, 1002, 12, 1, 10_000, 10_000_000, 0, 10, 0, 9_000, 3_000)
DUMP = Signals(40, 40, 40, 0, 10_000_000, 10_000_000, 0, 40, 0, 10_000_000, 2_000_000)


def past(signals: Signals, count: int = 5) -> list[Change]:
    return [Change("s", "r", f"{n}", NOW, 0, False, (), signals.facts()) for n in range(count)]


def test_a_usual_night_scores_nothing() -> None:
    assert judge(QUIET, past(QUIET)) == (0, ())
    assert judge(QUIET, []) == (0, ())


def test_a_set_whose_files_all_change_every_night_is_measured_against_its_own_nights() -> None:
    assert judge(DUMP, past(DUMP))[0] == 0


def test_encryption_in_place_is_held() -> None:
    night = replace(
        QUIET,
        changed=900,
        new_bytes=9_500_000,
        samples=64,
        dense=60,
        added=9_000_000,
        packed=9_000_000,
    )
    score, reasons = judge(night, past(QUIET))
    assert score >= 60
    assert reasons[0] == "entropy"
    assert "compression" in reasons


def test_a_dump_that_turns_into_noise_is_told_though_everything_changes_every_night() -> None:
    score, reasons = judge(replace(DUMP, dense=38, packed=10_000_000), past(DUMP))
    assert set(reasons) == {"entropy", "compression"}
    assert score == 50


def test_new_extensions_everywhere_a_great_loss_or_a_touched_decoy_are_told() -> None:
    renamed = replace(QUIET, changed=900, gone=890, new_extensions=890)
    assert judge(renamed, past(QUIET))[0] >= 60
    assert judge(replace(QUIET, after=300), past(QUIET)) == (70, ("count_drop",))
    assert judge(replace(QUIET, after=650), past(QUIET)) == (40, ("count_drop",))
    assert judge(replace(QUIET, decoys=1), past(QUIET)) == (100, ("decoys",))


@given(st.builds(Signals, *[st.integers(0, 5000)] * 12), st.integers(0, 6))
def test_a_score_is_bounded_and_has_reasons_exactly_when_it_is_not_zero(
    signals: Signals, nights: int
) -> None:
    score, reasons = judge(signals, past(QUIET, nights))
    assert 0 <= score <= 100
    assert bool(score) == bool(reasons)


async def taken(workers: Workers, tree: Path, out: Path) -> Path:
    await manifest.write(workers, [tree], out)
    return out


async def test_two_manifests_and_a_look_into_the_files_give_the_signals(
    tmp_path: Path, workers: Workers
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for index in range(40):
        (tree / f"{index}.txt").write_text(f"plain words {index} " * 600)
    (tree / "photo.jpg").write_bytes(b"\xff\xd8\xff" + os.urandom(9000))
    (tree / "decoy.xlsx").write_text("never touched")
    before = await taken(workers, tree, tmp_path / "before")
    for index in range(30):
        (tree / f"{index}.txt").unlink()
        (tree / f"{index}.txt.locked").write_bytes(os.urandom(9000))
    (tree / "photo.jpg").write_bytes(b"\xff\xd8\xff" + os.urandom(9001))
    (tree / "decoy.xlsx").write_text("touched")
    after = await taken(workers, tree, tmp_path / "after")
    decoys = [os.fsencode(tree / "decoy.xlsx")]
    signals = measure(before, after, decoys)
    assert (signals.before, signals.after, signals.gone) == (42, 42, 30)
    assert signals.changed == 32
    assert signals.new_extensions == 30
    assert (signals.samples, signals.dense) == (31, 30), "a photo is dense by nature"
    assert signals.decoys == 1
    assert measure(after, after, decoys) == replace(
        signals, before=42, after=42, changed=0, gone=0, new_bytes=0, new_extensions=0,
        samples=0, dense=0, decoys=0,
    )  # fmt: skip


def test_plain_text_is_not_dense_and_compressed_data_without_its_head_is(tmp_path: Path) -> None:
    for name, data, dense in (
        ("plain", b"words and words " * 2000, False),
        ("noise", os.urandom(20_000), True),
        ("gzip", b"\x1f\x8b" + os.urandom(20_000), False),
        ("packed", zlib.compress(os.urandom(20_000))[2:], True),
    ):
        (tmp_path / name).write_bytes(data)
        assert unusual._is_dense(os.fsencode(tmp_path / name)) is dense, name
    assert unusual._is_dense(os.fsencode(tmp_path / "gone")) is None


@pytest.mark.live
async def test_ransomware_holds_forgetting_until_a_person_has_looked(one_place: Place) -> None:
    place = one_place
    policy = Retention(last=1, prune=False)
    place.room.replace((place.set(rpo=None, retention=policy),))
    for index in range(60):
        (place.source / f"doc{index}.txt").write_text(f"minutes of meeting {index} " * 400)
    await place.init()
    await place.room.backup("juki")
    (place.source / "doc1.txt").write_text("amended")
    await place.room.backup("juki")
    key = ("juki", "main")
    state = place.room.custody(*key)
    assert state.held is None
    assert state.changes[-1].score == 0
    for index in range(60):
        path = place.source / f"doc{index}.txt"
        path.rename(path.with_suffix(".crypt"))
        path.with_suffix(".crypt").write_bytes(os.urandom(9000))
    await place.room.backup("juki")
    held = place.room.custody(*key).held
    assert held is not None
    assert {"entropy", "extensions"} <= set(held.reasons)
    assert (await place.room.acts.remove(key)).dry.objections == ("held",)
    await place.room.backup("juki")
    assert place.room.custody(*key).held is not None, "a quiet night after it clears nothing"
    await place.room.acts.clear(key, SYSTEM, "op-clear")
    with pytest.raises(UsageError):
        await place.room.acts.clear(key, SYSTEM, "op-clear-again")
    done = await place.room.acts.remove(key)
    assert [act.result for act in done.acts] == [Result.GOOD]
