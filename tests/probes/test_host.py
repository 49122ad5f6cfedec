"""Kind `host` on this machine, and its judgement over figures that are given."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.watch.check import Env
from bcp.watch.values import Status
from probes.availability.host import Figures, HostCheck, load_of, memory_of
from tests.probes.conftest import Look

CALM = Figures(80 << 30, 80.0, 90.0, 4 << 30, 50.0, (0.1, 0.2, 0.3), 2)
NEVER = {"degraded": 0, "failed": 0}
OPEN = {"disk_free": NEVER, "inodes_free": NEVER, "memory_available": NEVER, "max_load": 1000}


def judged(figures: Figures, **fields: object) -> tuple[Status, str]:
    check = HostCheck.model_validate({"id": "h", **fields})
    status, text = check._judge(figures)
    return status, text.ja


async def test_this_machine_is_read_as_its_own_tools_read_it(look: Look, tmp_path: Path) -> None:
    outcome = await look("host", path=str(tmp_path), **OPEN)
    volume = os.statvfs(tmp_path)

    assert outcome.status is Status.OK, outcome.sentence
    free = volume.f_bavail * volume.f_frsize
    assert outcome.facts["disk_free"] == pytest.approx(free, rel=0.2)
    assert 0 < outcome.facts["memory_available_ratio"] <= 1
    assert outcome.facts["load1"] == pytest.approx(os.getloadavg()[0], abs=2)
    assert outcome.facts["cpus"] == os.cpu_count()
    assert "空き容量" in outcome.sentence.ja


async def test_limits_hold_over_the_real_figures(look: Look, tmp_path: Path) -> None:
    full = {"degraded": 100, "failed": 100}
    outcome = await look("host", path=str(tmp_path), **{**OPEN, "disk_free": full})

    assert outcome.status is Status.FAILED
    assert "しかない (基準 100%)" in outcome.sentence.ja


async def test_a_place_that_is_gone_or_not_mounted_is_failed(look: Look, tmp_path: Path) -> None:
    gone = await look("host", path=str(tmp_path / "absent"))
    bare = await look("host", path=str(tmp_path), mount_point=True)
    root = await look("host", path="/", mount_point=True, **OPEN)

    assert (gone.status, bare.status, root.status) == (Status.FAILED, Status.FAILED, Status.OK)
    assert "その場所がありません" in gone.sentence.ja
    assert "マウントされていません" in bare.sentence.ja


async def test_a_volume_that_hangs_keeps_one_thread_only(
    look: Look, env: Env, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    let_go, asked = threading.Event(), []

    def hanging(path: str) -> os.statvfs_result:  # a dead NFS server cannot be had here
        asked.append(path)
        let_go.wait(20)
        return real(path)

    real = os.statvfs
    monkeypatch.setattr(os, "statvfs", hanging)
    try:
        first = await look("host", path=str(tmp_path), timeout="300ms")
        second = await look("host", path=str(tmp_path), timeout="300ms")
    finally:
        let_go.set()

    assert (first.status, second.status) == (Status.FAILED, Status.FAILED)
    assert "前の読み取りがまだ戻りません" in second.sentence.ja
    assert asked == [str(tmp_path)]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({}, Status.OK, "空き容量 80%"),
        ({"disk_percent": 14.9}, Status.DEGRADED, "空き容量 15%"),
        ({"disk_percent": 4.9}, Status.FAILED, "(基準 5%)"),
        ({"inodes_percent": 1.0}, Status.FAILED, "空きiノード 1%しかない"),
        ({"inodes_percent": None}, Status.OK, "負荷"),
        ({"memory_percent": 9.0}, Status.DEGRADED, "使えるメモリ 9%しかない"),
        ({"memory_percent": 2.0}, Status.FAILED, "使えるメモリ 2%しかない"),
        ({"load": (0.0, 8.2, 0.0)}, Status.DEGRADED, "負荷が高い: CPU1つに4.1"),
    ],
)
def test_what_each_figure_means(change: dict[str, object], status: Status, words: str) -> None:
    found, text = judged(replace(CALM, **change))  # type: ignore[arg-type]

    assert found is status
    assert words in text


def test_several_faults_are_all_told_and_the_worst_counts() -> None:
    found, text = judged(replace(CALM, disk_percent=10, memory_percent=1))

    assert found is Status.FAILED
    assert "空き容量 10%" in text
    assert "メモリ 1%" in text


def test_limits_in_the_wrong_order_and_relative_paths_are_refused() -> None:
    for wrong in ({"path": "var"}, {"disk_free": {"degraded": 5, "failed": 15}}):
        with pytest.raises(ValidationError):
            HostCheck.model_validate({"id": "h", **wrong})


@given(st.text(max_size=200))
def test_no_text_breaks_the_readers(text: str) -> None:
    for reader in (memory_of, load_of):
        try:
            values = reader(text)
        except ValueError:
            continue
        assert all(value >= 0 for value in values)


@given(st.integers(0, 1 << 40), st.integers(1, 1 << 40))
def test_memory_survives_the_form_of_the_kernel(free: int, more: int) -> None:
    whole = free + more
    text = f"MemTotal:       {whole} kB\nMemFree:  1 kB\nMemAvailable:   {free} kB\nHugePages: 0\n"

    assert memory_of(text) == (free * 1024, whole * 1024)
