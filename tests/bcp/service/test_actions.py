"""The built-in acts over a real house and a real repository."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from backups.tools import SYSTEM
from bcp.journal.entry import Actor
from bcp.kit.clock import SystemClock
from bcp.kit.errors import UsageError
from bcp.service.actions import BUILT_IN
from bcp.service.app import open_house
from bcp.service.house import Progress
from bcp.service.plan import load
from runbooks import commands as c
from tests.bcp.service.small_city import BOOK, PLAN

ME = Actor("u-1", "commander")


@pytest.mark.live
@pytest.mark.skipif(shutil.which("restic") is None, reason="no restic on this machine")
async def test_a_step_restores_a_pinned_snapshot_and_says_its_time(tmp_path: Path) -> None:
    plan, source = tmp_path / "plan", tmp_path / "source"
    plan.mkdir()
    source.mkdir()
    (source / "住民.csv").write_text("1,佐藤\n")
    (plan / "plan.yaml").write_text(PLAN.format(root=tmp_path), "utf-8")
    (plan / "book.yaml").write_text(BOOK, "utf-8")
    (tmp_path / "password").write_text("x" * 20)
    restore = BUILT_IN["restore"]
    async with open_house(load(plan, SystemClock().utc().date()), tmp_path / "data") as house:
        await house.room.init("juki", "main", actor=SYSTEM, op="init")
        (done,) = await house.room.backup("juki")
        assert done.custody is not None
        await house.desk.do(
            c.Declare(level=3, onset=house.clock.utc(), reason="試験", capacity="deputy"), ME, "d"
        )
        there = {"set": "juki", "target": str(tmp_path / "there")}
        with pytest.raises(UsageError):
            await restore(house, there, Progress(0.0))  # nothing was decided yet
        given = {**there, "snapshot": done.custody.snapshot}
        result = await restore(house, given, Progress(0.0))
        assert result.ok, result.output
        assert "time of the restored snapshot" in result.output
        found = tmp_path / "there" / str(source).lstrip("/") / "住民.csv"
        assert found.read_text() == "1,佐藤\n"
        again = await restore(house, {**given, "set": "other"}, Progress(0.0))
        assert not again.ok
