"""自主停止 recorded in a real event: nobody is called for it, until it ends."""

from __future__ import annotations

from pathlib import Path

from bcp.journal.entry import Actor
from bcp.kit.clock import SystemClock
from bcp.service.app import open_house
from bcp.service.plan import load
from bcp.watch.values import Mute
from runbooks import commands as c
from runbooks.desk import Desk
from runbooks.framestate import DrillKind
from tests.bcp.service.small_city import BOOK, PLAN

ME = Actor("u-1", "commander")


async def test_what_people_stopped_calls_nobody_and_a_drill_silences_nothing(
    tmp_path: Path,
) -> None:
    plan = tmp_path / "plan"
    plan.mkdir()
    (plan / "plan.yaml").write_text(PLAN.format(root=tmp_path), "utf-8")
    (plan / "book.yaml").write_text(BOOK, "utf-8")
    async with open_house(load(plan, SystemClock().utc().date()), tmp_path / "data") as house:

        async def stop(desk: Desk, drill: DrillKind | None) -> str:
            declared = c.Declare(
                level=3, onset=house.clock.utc(), reason="停電", capacity="deputy", drill=drill
            )
            done = await desk.do(declared, ME, f"declare-{drill}")
            event = str(done.entries[0].incident)
            stopped = c.StopSystem(incident=event, system="juki", kind="voluntary", reason="停電")
            await desk.do(stopped, ME, f"stop-{drill}")
            await house.judge.refresh()
            return event

        await stop(await house.drills.create("kunren"), "tabletop")
        assert house.board.view("juki/seen").muted == frozenset()
        event = await stop(house.desk, None)
        view = house.board.view("juki/seen")
        assert view.muted == {Mute.PLANNED}
        assert event in view.why_muted[Mute.PLANNED].ja
        await house.desk.do(c.EndStop(incident=event, system="juki"), ME, "end")
        await house.judge.refresh()
        assert house.board.view("juki/seen").muted == frozenset()
