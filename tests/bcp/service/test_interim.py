"""Pause, temporary check, run now: against a real house, and over the command line with a daemon."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bcp.kit.clock import SystemClock
from bcp.kit.errors import UsageError
from bcp.service import control
from bcp.service.app import open_house, put_in_order
from bcp.service.interim import signature
from bcp.service.operations.interim import Pause, Temporary, Which, add, pause, remove, resume
from bcp.service.operations.operation import Caller
from bcp.service.plan import load
from bcp.watch.values import Status
from tests.bcp.service.small_city import BOOK, PLAN

H = timedelta(hours=1)


def by(op: str) -> Caller:
    return Caller(control.actor(0), op)


def a_plan(folder: Path) -> Path:
    plan = folder / "plan"
    plan.mkdir()
    (plan / "plan.yaml").write_text(PLAN.format(root=folder), "utf-8")
    (plan / "book.yaml").write_text(BOOK, "utf-8")
    return plan


async def test_a_paused_check_is_unknown_runs_no_more_and_survives_a_restart(
    tmp_path: Path,
) -> None:
    plan, day = a_plan(tmp_path), SystemClock().utc().date()
    async with open_house(load(plan, day), tmp_path / "data") as house:
        before = signature(house, house.clock.utc())
        await pause(house, by("p1"), Pause(check="juki/seen", length=2 * H, reason="工事"))
        assert signature(house, house.clock.utc()) != before
        await put_in_order(house, house.plan)
        view = house.board.view("juki/seen")
        assert (view.status, view.blocked) == (Status.UNKNOWN, True)
        assert "一時停止中" in view.sentence.ja
        with pytest.raises(UsageError):
            await pause(house, by("p2"), Pause(check="nothing", length=H, reason="x"))
    async with open_house(load(plan, day), tmp_path / "data") as house:
        assert house.board.view("juki/seen").blocked
        await resume(house, by("p3"), Which(check="juki/seen"))
        await put_in_order(house, house.plan)
        assert not house.board.view("juki/seen").blocked
        with pytest.raises(UsageError):
            await resume(house, by("p4"), Which(check="juki/seen"))


async def test_a_temporary_check_is_one_like_any_other_until_its_end(tmp_path: Path) -> None:
    plan, day = a_plan(tmp_path), SystemClock().utc().date()

    def asked(**more: object) -> Temporary:
        base = {"name": "look", "kind": "tcp", "length": "1h", "reason": "復旧の確認"}
        fields = ("host: 127.0.0.1", "port: 9", "system: juki")
        return Temporary.model_validate({**base, "fields": fields, **more})

    async with open_house(load(plan, day), tmp_path / "data") as house:
        await add(house, by("t1"), asked())
        await put_in_order(house, house.plan)
        check = house.board.view("temp/look").check
        assert (check.kind, check.system) == ("tcp", "juki")
        for bad in (
            asked(),  # it is there already
            asked(name="b", kind="nothing"),
            asked(name="b", fields=("host: 127.0.0.1",)),
            asked(name="b", fields=("host: x", "port: 1", "sytem: juki")),
            asked(name="b", fields=("host: x", "port: 1", "system: gone")),
            asked(name="b", length="8d"),
        ):
            with pytest.raises(UsageError):
                await add(house, by(f"bad-{bad.name}-{bad.kind}"), bad)
        await remove(house, by("t2"), Which(check="temp/look"))
        await put_in_order(house, house.plan)
        assert "temp/look" not in house.board
