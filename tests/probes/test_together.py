"""On the common road: what is judged together counts and calls through one check alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bcp.kit.language import Text
from bcp.kit.workers import Workers
from bcp.plan.marks import PlanInvalid
from bcp.service.plan import load
from bcp.watch.announcing import Announcement
from bcp.watch.board import Board
from bcp.watch.judge import Judge
from bcp.watch.recorder import Recorder
from bcp.watch.runner import run_check
from bcp.watch.values import Mute, Status
from bcp.watch.view import known_of
from probes import kinds
from tests.bcp.watch.helpers import check, city, env, running, seen
from tests.fakes import ManualClock

OK, FAILED = Status.OK, Status.FAILED
WELL = {"a/tls": OK, "a/writes": OK, "b/tls": OK, "b/writes": FAILED}
PAIR = {
    "id": "juki/pair",
    "kind": "pair",
    "system": "juki",
    "members": [
        {"name": "本番", "ready": ["a/tls"], "active": "a/writes"},
        {"name": "待機", "ready": ["b/tls"], "active": "b/writes"},
    ],
}
PLAN = city(systems=({"id": "juki", "name": "住民記録", "zone": "LGWAN接続系"},))


class Town:
    """A board, a judge and a recorder over the members' checks and the one that speaks for them."""

    def __init__(self, workers: Workers, speaker: dict[str, Any]) -> None:
        self.clock, self.heard = ManualClock(), list[Announcement]()
        self.board = Board(self.clock)
        self.judge = Judge(self.board, self.clock, PLAN)
        self.recorder = Recorder(self.board, self.judge, self.clock, announce=self.heard.append)
        self.speaker = kinds()[speaker["kind"]].model_validate(speaker)
        self.env = replace(
            env(self.clock, workers),
            known=lambda id: known_of(self.board.view(id)) if id in self.board else None,
        )

    async def define(self) -> None:
        members = (check(id, system="juki", failures=1) for id in self.speaker.speaks_for)
        await self.board.define([*members, self.speaker])

    async def round(self, states: dict[str, Status]) -> Status:
        """One look at each member, then at the whole; what the system is called then."""
        for id, status in states.items():
            self.recorder.record(seen(id, status, self.clock.utc()))
        self.recorder.record(await run_check(self.speaker, self.env, "node1"))
        await self.clock.advance(5)
        return self.judge.systems["juki"].status


async def test_of_a_pair_the_passive_one_is_red_and_the_system_is_well(workers: Workers) -> None:
    town = Town(workers, PAIR)
    await town.define()
    async with running(town.recorder.run):
        assert await town.round(WELL) is OK
        assert town.board.view("b/writes").status is FAILED, "what it says stays on the board"
        assert town.board.view("b/writes").muted == {Mute.MEMBER}
        assert not town.board.view("juki/pair").muted
        assert town.heard == []


async def test_losing_one_of_two_is_one_message_that_says_degraded(workers: Workers) -> None:
    town = Town(workers, PAIR)
    await town.define()
    async with running(town.recorder.run):
        await town.round(WELL)
        for _ in range(3):
            assert await town.round(WELL | {"b/tls": FAILED}) is Status.DEGRADED
        assert [(one.check, one.state) for one in town.heard] == [("juki/pair", Status.DEGRADED)]


async def test_both_active_fails_the_system_and_is_told_once(workers: Workers) -> None:
    town = Town(workers, PAIR)
    await town.define()
    async with running(town.recorder.run):
        await town.round(WELL)
        for _ in range(3):
            last = await town.round(WELL | {"b/writes": OK})
        assert last is FAILED
        assert [(one.check, one.state) for one in town.heard] == [("juki/pair", FAILED)]
        assert "同時に稼働" in town.judge.systems["juki"].sentence.ja


async def test_a_speaker_that_does_not_run_leaves_its_members_to_speak(workers: Workers) -> None:
    town = Town(workers, PAIR)
    await town.define()
    town.board.block("juki/pair", Text("止めています", "paused"))
    async with running(town.recorder.run):
        assert await town.round(WELL) is FAILED
        assert [one.check for one in town.heard] == ["b/writes"]


HEAD = """organization: {name: 試験市}
node: {id: town, zone: LGWAN接続系}
systems:
  - {id: juki, name: 住民記録, zone: LGWAN接続系}
  - {id: zei, name: 税, zone: LGWAN接続系}
checks:
  - {id: a/up, kind: heartbeat, system: juki, token_file: /x, interval: 1h}
  - {id: b/up, kind: heartbeat, system: juki, token_file: /x, interval: 1h}
  - {id: z/up, kind: heartbeat, system: zei, token_file: /x, interval: 1h}
"""
LINE = "  - {id: %s, kind: pair, system: juki, members: [{name: 甲, ready: [%s]}, {name: 乙, ready: [%s]}]}\n"


def plan(folder: Path, *lines: tuple[str, str, str]) -> list[str]:
    (folder / "plan.yaml").write_text(HEAD + "".join(LINE % one for one in lines))
    return [one.id for one in load(folder, date(2026, 11, 23)).checks]


def test_a_pair_of_the_plan_names_checks_of_its_own_system(tmp_path: Path) -> None:
    assert plan(tmp_path, ("p", "a/up", "b/up")) == ["a/up", "b/up", "z/up", "p"]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([("p", "a/up", "b/upp")], "b/up"),
        ([("p", "a/up", "z/up")], "another system"),
        ([("p", "a/up", "b/up"), ("q", "p", "b/up")], "speaks for others itself"),
        ([("p", "a/up", "b/up"), ("q", "a/up", "b/up")], "already"),
    ],
)
def test_a_pair_at_fault_is_refused_with_its_place(
    tmp_path: Path, lines: list[tuple[str, str, str]], why: str
) -> None:
    with pytest.raises(PlanInvalid, match=why) as error:
        plan(tmp_path, *lines)
    assert "plan.yaml:" in str(error.value)
