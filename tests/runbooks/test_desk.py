"""The desk over a real journal, a real board and a manual clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from bcp.journal.entry import Actor
from bcp.journal.journal import Journal
from bcp.kit.errors import Refused
from bcp.kit.language import Text
from bcp.kit.workers import Workers
from bcp.watch.board import Board
from bcp.watch.check import Check, Env
from bcp.watch.values import Observation, Outcome, Pillar, failed, ok
from runbooks import commands as c
from runbooks.desk import Desk
from runbooks.drills import Drills
from runbooks.incident import FOLD, FOLD_NAME
from runbooks.state import Incident, Phase, Verification
from runbooks.targets import Goal
from tests.fakes import START, ManualClock
from tests.runbooks.world import a_book, a_city

ME = Actor("u-1", "commander")
ONSET = START - timedelta(minutes=20)


class Lamp(Check):
    """A check that a test switches on and off by hand."""

    kind: Literal["lamp"] = "lamp"
    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("灯", "lamp")

    async def run(self, env: Env) -> Outcome:
        raise NotImplementedError


class House:
    """Everything the desk stands on."""

    def __init__(self, folder: Path, workers: Workers) -> None:
        self.folder, self.workers, self.clock = folder, workers, ManualClock()
        self.board = Board(self.clock)
        Journal.create(
            folder / "real",
            origin="example.jp/log",
            node="n1",
            clock=self.clock,
            head_dir=folder / "head" / "real",
        )
        self.journal = self.opened()
        self.desk = self.desk_over(self.journal)

    def opened(self) -> Journal:
        return Journal.open(
            self.folder / "real",
            clock=self.clock,
            head_dir=self.folder / "head" / "real",
            folds={FOLD_NAME: FOLD},
        )

    def desk_over(self, journal: Journal) -> Desk:
        return Desk(journal, a_city(), a_book(), self.board, self.clock, self.workers)

    def see(self, check: str, outcome: Outcome) -> None:
        self.board.apply(Observation(check, "n1", self.clock.utc(), 0.1, outcome))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    workers = Workers(threads=2)
    made = House(tmp_path, workers)
    await made.board.define([Lamp(id="juki-readonly"), Lamp(id="ad-ldap")])
    yield made
    await made.journal.close()
    workers.close()


def declare(**more: object) -> c.Declare:
    fields: dict[str, object] = {
        "level": 3,
        "onset": ONSET,
        "reason": "停電",
        "role": "mayor",
        **more,
    }
    return c.Declare(**fields)  # type: ignore[arg-type]


async def test_a_tick_never_attains_a_target_and_evidence_does(house: House) -> None:
    desk = house.desk
    await desk.do(declare(), ME, "op-1")
    incident = desk.current()
    assert incident is not None
    for step in ("AD-01", "AD-02"):
        await desk.do(c.FinishStep(incident=incident.id, step=step), ME, f"op-{step}")
    house.see("ad-ldap", failed("応答なし", "no answer"))
    house.see("ad-ldap", failed("応答なし", "no answer"))
    await desk.look()
    now = await desk.situation(_current(desk))
    assert {(t.system, t.level): t.goal for t in now.levels}[("ad", "L3")] is Goal.PENDING
    assert [(k.step, k.way) for k in now.contradictions] == [("AD-02", "ticked_red")]

    await house.clock.advance(60)
    house.see("ad-ldap", ok("応答あり", "answers"))
    green = house.clock.utc()
    assert await desk.look() == 0  # one green answer has not held yet
    await house.clock.advance(60)
    house.see("ad-ldap", ok("応答あり", "answers"))
    assert await desk.look() == 2
    assert await desk.look() == 0
    now = await desk.situation(_current(desk))
    (target,) = [t for t in now.levels if t.system == "ad"]
    assert (target.goal, target.attained_at) == (Goal.ATTAINED, green)
    assert now.steps["AD-02"].run.verification is Verification.PASSED
    assert now.contradictions == ()


async def test_a_level_that_turns_red_is_lost_and_unknown_changes_nothing(house: House) -> None:
    desk = house.desk
    house.see("ad-ldap", ok("", ""))
    await house.clock.advance(61)
    house.see("ad-ldap", ok("", ""))
    await desk.do(declare(), ME, "op-1")
    await desk.look()
    assert _current(desk).levels["ad"]["L3"][-1].until is None
    await house.clock.advance(3600)  # stale: unknown
    await desk.look()  # an hour without anybody: that is brought to somebody, and nothing else
    assert _current(desk).levels["ad"]["L3"][-1].until is None
    house.see("ad-ldap", failed("", ""))
    house.see("ad-ldap", failed("", ""))
    await desk.look()
    assert _current(desk).levels["ad"]["L3"][-1].until is not None


async def test_nothing_is_restored_while_nobody_can_see_it(house: House) -> None:
    desk = house.desk
    for check in ("ad-ldap", "juki-readonly"):
        house.see(check, ok("", ""))
    await desk.do(declare(), ME, "op-1")
    for _minute in range(6):
        await house.clock.advance(60)
        for check in ("ad-ldap", "juki-readonly"):
            house.see(check, ok("", ""))
    await desk.look()
    restore = c.Restore(incident=_current(desk).id)
    await house.clock.advance(3600)  # the checks have fallen silent: green an hour ago
    with pytest.raises(Refused, match=r"見えていない.*ad, juki"):
        await desk.do(restore, ME, "op-2")
    house.see("ad-ldap", ok("", ""))
    house.see("juki-readonly", ok("", ""))
    await desk.do(restore, ME, "op-3")
    assert _current(desk).phase is Phase.RESTORED


async def test_after_a_restart_the_event_is_simply_there(house: House) -> None:
    await house.desk.do(declare(), ME, "op-1")
    before = house.desk.state
    await house.journal.close()
    house.journal = house.opened()
    again = house.desk_over(house.journal)
    assert again.state == before
    frozen = await again.frozen(_current(again))
    assert frozen.book.digests == a_book().digests
    assert [person.name for person in frozen.city.people] == [p.id for p in a_city().people]
    command = c.StartStep(incident=_current(again).id, step="AD-01")
    await again.do(command, ME, "op-2")
    assert (await again.do(command, ME, "op-2")).replayed


async def test_an_edited_plan_does_not_change_a_running_event(house: House) -> None:
    await house.desk.do(declare(), ME, "op-1")
    house.desk.adopt(house.desk.city, type(house.desk.book)(), "new")
    situation = await house.desk.situation(_current(house.desk))
    assert "JUKI-01" in situation.steps


async def test_two_people_at_one_step_in_the_same_instant_are_never_both_first(
    house: House,
) -> None:
    await house.desk.do(declare(), ME, "op-1")
    id = _current(house.desk).id
    done = c.FinishStep(incident=id, step="AD-01", expected_version=0)
    cannot = c.FailStep(incident=id, step="AD-01", reason="鍵がない", expected_version=0)
    results = await asyncio.gather(
        house.desk.do(done, Actor("u-2", "staff"), "op-a"),
        house.desk.do(cannot, Actor("u-3", "staff"), "op-b"),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Refused) for result in results) == 1


async def test_the_watch_loop_writes_by_itself(house: House) -> None:
    await house.desk.do(declare(), ME, "op-1")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(house.desk.watch())
        house.see("ad-ldap", ok("", ""))
        await house.clock.advance(61)
        house.see("ad-ldap", ok("", ""))
        for _turn in range(40):
            await house.clock.advance(1)
            await asyncio.sleep(0.01)
            if _current(house.desk).levels:
                break
        task.cancel()
    assert "ad" in _current(house.desk).levels


async def test_a_drill_lives_in_its_own_journal_and_its_end_enters_the_real_log(
    house: House,
) -> None:
    drills = Drills(house.folder, house.desk, house.board, house.clock, house.workers)
    desk = await drills.create("kunren-2026")
    await desk.do(declare(drill="tabletop"), ME, "op-1")
    assert desk.current() is not None
    assert house.desk.current() is None
    assert desk.journal.identity.origin == "example.jp/log/drill/kunren-2026"
    with pytest.raises(Refused, match="まだ続いています"):
        await drills.end("kunren-2026", ME, "op-end")
    drill = _current(desk)
    await desk.do(c.Cancel(incident=drill.id, reason="終わり"), ME, "op-2")
    size, root = desk.journal.size, desk.journal.root.hex()
    (ended,) = (await drills.end("kunren-2026", ME, "op-end")).entries
    assert (ended.kind, ended.detail["size"], ended.detail["root"]) == ("drill.ended", size, root)
    await drills.start()
    assert drills.all() == {}


@pytest.mark.parametrize(("kind", "measured"), [("live", True), ("tabletop", False)])
async def test_the_best_drill_of_a_system_stands_beside_its_contract(
    house: House, kind: str, measured: bool
) -> None:
    drills = Drills(house.folder, house.desk, house.board, house.clock, house.workers)
    for name, minutes in (("haru", 90), ("natsu", 40), ("aki", 70)):
        desk = await drills.create(name)
        await desk.do(declare(drill=kind), ME, f"{name}-1")
        drill = _current(desk)
        since = drill.onset + timedelta(minutes=minutes)
        await house.clock.advance((since - house.clock.utc()).total_seconds())
        levels = {"ad": ("L3", since), "juki": ("L2", drill.onset)}  # one was never down
        for system, (level, green) in levels.items():
            said = c.AttainLevel(
                incident=drill.id, system=system, level=level, since=green, checks=("ad-ldap",)
            )
            await desk.do(said, ME, f"{name}-{system}")
        await desk.do(c.Cancel(incident=drill.id, reason="終わり"), ME, f"{name}-2")
        await drills.end(name, ME, f"{name}-3")
    await house.desk.do(declare(), ME, "real")
    report = await house.desk.report(_current(house.desk))
    best = {row.system: row.drilled for row in report.goals.systems if row.drilled is not None}
    assert {id: (one.drill, one.elapsed) for id, one in best.items()} == (
        {"ad": ("natsu", timedelta(minutes=40))} if measured else {}
    )
    assert ("40分 (実動 " in report.markdown) is measured


async def test_a_real_declaration_stops_every_drill_at_once(house: House) -> None:
    drills = Drills(house.folder, house.desk, house.board, house.clock, house.workers)
    house.desk.drills = drills
    desk, idle = await drills.create("kunren"), await drills.create("junbi")
    await desk.do(declare(drill="live"), ME, "op-1")
    await house.desk.do(declare(), ME, "op-real")
    assert _current(desk).preempted_at is not None
    with pytest.raises(Refused, match="訓練は中止"):
        await desk.do(c.StartStep(incident=_current(desk).id, step="AD-01"), ME, "op-3")
    with pytest.raises(Refused, match="発動中は訓練を始められません"):
        await drills.create("another")
    with pytest.raises(Refused, match="発動中は訓練を始められません"):
        await idle.do(declare(drill="live"), ME, "op-5")
    await desk.do(c.Cancel(incident=_current(desk).id, reason="実災害"), ME, "op-4")
    assert desk.state.latest is not None
    assert desk.state.latest.phase is Phase.CANCELLED
    await drills.close()


def _current(desk: Desk) -> Incident:
    found = desk.current()
    assert found is not None
    return found
