"""Any story of truth, cut lines, windows, dependencies and kills keeps the promises of the watch.

One board, judge and recorder, built anew at every kill from what a real one leaves behind: the last saved
states, and what the judge and the recorder keep in `judged.json`. A step is ten seconds, one look each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from bcp.plan.model import City
from bcp.plan.windows import Window
from bcp.watch.announcing import Announcement
from bcp.watch.board import Board
from bcp.watch.check import Check
from bcp.watch.codec import decode_saved, encode_saved
from bcp.watch.judge import Judge
from bcp.watch.recorder import Recorder
from bcp.watch.resuming import parsed
from bcp.watch.values import Status
from bcp.watch.view import WORKS, CheckView, Saved, stale_after
from tests.bcp.watch.helpers import check, city, running, seen
from tests.fakes import START, ManualClock

OK, FAILED, UNKNOWN = Status.OK, Status.FAILED, Status.UNKNOWN
STEP = 10.0
BOUND = 70.0
"""Seconds: the longest wait for a suspicion (60), the tick, and the look of its step."""
WATCHED = ("a", "b")
LINES = ("r1", "r2")


@dataclass(frozen=True)
class Step:
    """Ten seconds of the world."""

    up: frozenset[str] = frozenset(WATCHED)
    unsure: frozenset[str] = frozenset()
    """Looks that could not tell."""
    line: bool = True
    killed: float | None = None
    """Killed before it, and this long away."""


@dataclass(frozen=True)
class Rules:
    """How the plan damps."""

    failures: int
    more: int
    successes: int
    window: tuple[int, int]
    """A planned stop of `a`: its first minute and its length."""
    depends: bool

    def check(self, id: str) -> Check:
        return check(
            id,
            every=STEP,
            failures=self.failures if id in WATCHED else 1,
            of=self.failures + self.more if id in WATCHED else None,
            successes=self.successes if id in WATCHED else 1,
            system=id if id in WATCHED else None,
            host=f"{id}.example",
        )

    def plan(self) -> City:
        def minute(count: int) -> str:
            return (START + timedelta(hours=9, minutes=count)).strftime("%Y-%m-%dT%H:%M")

        begin, length = self.window
        stop = Window.model_validate(
            {
                "id": "w",
                "name": "保守",
                "systems": ["a"],
                "from": minute(begin),
                "until": minute(begin + length),
            }
        )
        above = [{"system": "a"}] if self.depends else []
        return city(
            node={"zone": "LGWAN接続系", "references": LINES},
            systems=[
                {"id": "a", "name": "甲", "zone": "LGWAN接続系"},
                {"id": "b", "name": "乙", "zone": "LGWAN接続系", "depends_on": above},
            ],
            windows=[stop],
        )


class Left:
    """What a life leaves on disk."""

    def __init__(self) -> None:
        self.saved: dict[str, Saved] = {}
        self.memo: dict[str, object] = {}
        self.said: dict[str, str] | None = None


class Life:
    """From one kill to the next."""

    def __init__(
        self, clock: ManualClock, rules: Rules, hear: Callable[[Announcement], None]
    ) -> None:
        self.clock, self.rules = clock, rules
        self.board = Board(clock)
        self.judge = Judge(self.board, clock, rules.plan(), {})
        self.recorder = Recorder(self.board, self.judge, clock, announce=hear)
        self.born = clock.utc()

    async def begin(self, left: Left) -> None:
        await self.board.define(self.rules.check(id) for id in (*WATCHED, *LINES))
        self.board.restore(left.saved.values())
        self.judge.restore(left.memo)
        self.recorder.assume_said(parsed(left.said))

    def look(self, id: str, status: Status, left: Left) -> None:
        """One look, on the common road; what the history keeps of it."""
        asked = self.board.view(id).check
        self.recorder.take(seen(id, status, self.clock.utc()), asked)
        view = self.board.view(id)
        if view.last is not None and not view.stale:
            since = view.since or view.last.started
            row = self.board.since_ok(id)
            counter = self.board.counter(id)
            state = Saved(id, view.status, since, view.sentence, view.last, row, counter)
            left.saved[id] = decode_saved(
                id, state.status, since, state.sentence, encode_saved(state)
            )

    def kill(self, left: Left) -> None:
        left.memo, left.said = self.judge.memo(), self.recorder.said()


def shown(view: CheckView) -> tuple[object, ...]:
    """What people see of a check."""
    sentence = None if view.stale else view.sentence
    return (view.status, None if view.stale else view.since, sentence, view.last, view.stale)


STEPS = st.lists(
    st.builds(
        Step,
        up=st.sets(st.sampled_from(WATCHED)).map(frozenset),
        unsure=st.sets(st.sampled_from(WATCHED), max_size=1).map(frozenset),
        line=st.sampled_from([True, True, True, False]),
        killed=st.sampled_from([None, None, None, 0.0, 5.0, 20.0, 100.0]),
    ).flatmap(lambda step: st.integers(1, 8).map(lambda count: _lasting(step, count))),
    max_size=9,
).map(lambda parts: [step for part in parts for step in part])
RULES = st.builds(
    Rules,
    failures=st.integers(1, 3),
    more=st.integers(0, 2),
    successes=st.integers(1, 3),
    window=st.tuples(st.integers(0, 5), st.integers(1, 4)),
    depends=st.booleans(),
)


def _lasting(step: Step, count: int) -> list[Step]:
    """The same for a while; killed only at its begin."""
    return [step, *[replace(step, killed=None)] * (count - 1)]


class Witness:
    """Sees everything and holds the watch to its promises."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.looks: dict[str, list[tuple[Status, datetime]]] = {id: [] for id in WATCHED}
        self.proved = dict.fromkeys(WATCHED, False)
        """Seen down while the line stood, since it was last called well."""
        self.told: dict[str, Status] = {}
        self.owed_since: dict[str, datetime] = {}

    def hear(self, message: Announcement) -> None:
        """A failure is announced once, until good news came between."""
        id = message.check
        if message.kind != "check" or id is None or message.state is None:
            return
        assert self.told.get(id, OK) is not message.state, f"{id} {message.state} told twice"
        if message.state is FAILED and id in WATCHED:
            assert self.proved[id], f"{id} was never seen down over a line that stood"
        self.told[id] = message.state

    def good_needs_a_good_look(self, life: Life) -> None:
        """Works: one of the last looks was good, and it still counts."""
        most = 2 * self.rules.failures + 1
        for id in WATCHED:
            view = life.board.view(id)
            if view.status not in WORKS:
                continue
            good = [at for status, at in self.looks[id][-most:] if status in WORKS]
            assert good, f"{id} is called {view.status} after {self.looks[id][-most:]}"
            newest = max(at for _status, at in self.looks[id])
            assert life.clock.utc() - newest <= stale_after(view.check)

    def no_silence(self, life: Life) -> None:
        """A confirmed failure that nothing mutes is told within the bound."""
        now = life.clock.utc()
        for view in map(life.board.view, WATCHED):
            real = view.status is FAILED and not view.muted
            if not real or self.told.get(view.id) is FAILED:
                self.owed_since.pop(view.id, None)
                continue
            begun = max(self.owed_since.setdefault(view.id, now), life.born)
            late = (now - begun).total_seconds()
            assert late <= BOUND, (
                f"{view.id} is down, nothing mutes it, nobody was told for {late} s"
            )


async def _live(steps: Sequence[Step], rules: Rules) -> None:
    clock, left, witness = ManualClock(), Left(), Witness(rules)
    todo: Iterator[Step] = iter([*steps, *[Step(killed=None)] * 3])
    step = next(todo, None)
    before: dict[str, tuple[object, ...]] | None = None
    kills = 0
    while step is not None:
        life = Life(clock, rules, witness.hear)
        await life.begin(left)
        if before is not None:
            after = {id: shown(life.board.view(id)) for id in before}
            assert after == before, "a restart shows what no restart would show"
        first = True
        async with running(life.recorder.run):
            while step is not None and (first or step.killed is None):
                first = False
                await _one(step, life, left, witness)
                step = next(todo, None)
        life.kill(left)
        if step is not None and step.killed is not None:
            kills += 1
            await clock.advance(step.killed)
            before = {id: shown(life.board.view(id)) for id in WATCHED if id in left.saved}
    event(f"kills {min(kills, 3)}")
    event(f"told {min(len(witness.told), 2)}")


async def _one(step: Step, life: Life, left: Left, witness: Witness) -> None:
    for id in LINES:
        life.look(id, OK if step.line else FAILED, left)
    await life.clock.advance(0)
    for id in WATCHED:
        status = OK if step.line and id in step.up else FAILED
        if id in step.unsure:
            status = UNKNOWN
        if step.line and status is FAILED:
            witness.proved[id] = True
        witness.looks[id].append((status, life.clock.utc()))
        life.look(id, status, left)
        if life.board.view(id).status in WORKS:
            witness.proved[id] = False
    for _part in range(2):
        await life.clock.advance(STEP / 2)
        witness.good_needs_a_good_look(life)
        witness.no_silence(life)


def _rules(failures: int = 1, successes: int = 1, window: tuple[int, int] = (8, 1)) -> Rules:
    return Rules(failures, 0, successes, window, depends=False)


DOWN, CUT, WELL = Step(up=frozenset({"b"})), Step(line=False), Step()
UNSURE = Step(unsure=frozenset({"a"}))
ONE_LOOK_A_LIFE = [WELL, *[replace(DOWN, killed=0.0)] * 9]
"""A daemon that falls over after each look must not begin to count anew each time."""
HELD_AND_LONG_AWAY = [DOWN, DOWN, replace(DOWN, killed=100.0), *[DOWN] * 9]
"""Held back by the window, and too old to count when the next life begins."""
FELL_WITH_THE_LINE = [WELL, CUT, WELL, WELL]
FELL_AND_KILLED = [WELL, CUT, replace(WELL, killed=0.0), WELL]
CUT_BEFORE_AND_AFTER = [CUT, replace(CUT, killed=0.0), WELL]


@settings(max_examples=100)
@given(STEPS, RULES)
@example(ONE_LOOK_A_LIFE, _rules(failures=2))
@example([WELL, UNSURE, *[replace(UNSURE, killed=0.0)] * 5], _rules())
@example(HELD_AND_LONG_AWAY, _rules(window=(0, 1)))
@example(FELL_WITH_THE_LINE, _rules(successes=3))
@example(FELL_AND_KILLED, _rules(successes=3))
@example(CUT_BEFORE_AND_AFTER, _rules())
def test_no_story_of_kills_windows_damping_and_cut_lines_breaks_a_promise(
    steps: list[Step], rules: Rules
) -> None:
    asyncio.run(_live(steps, rules))
    assert steps is not None


NOBODY = (8, 1)


@pytest.mark.parametrize("successes", [1, 2])
@pytest.mark.parametrize("status", [OK, FAILED, UNKNOWN])
async def test_after_a_restart_equal_looks_lead_to_an_equal_board(
    status: Status, successes: int
) -> None:
    """A kill forgets half-confirmed looks, nothing more: the same looks then end in the same state."""
    rules = Rules(3, 1, successes, NOBODY, depends=False)
    clock, left = ManualClock(), Left()
    whole = Life(clock, rules, lambda _message: None)
    await whole.begin(left)
    for before in (OK, OK, FAILED, FAILED):
        whole.look("a", before, left)
        await clock.advance(STEP)
    cut = Life(clock, rules, lambda _message: None)
    await cut.begin(left)
    for _ in range(4):
        whole.look("a", status, Left())
        cut.look("a", status, left)
        await clock.advance(STEP)
    assert cut.board.view("a").status is whole.board.view("a").status is status


async def test_a_kill_between_the_change_and_its_message_costs_no_call() -> None:
    rules, clock, left = Rules(1, 0, 1, NOBODY, depends=False), ManualClock(), Left()
    heard: list[Announcement] = []
    first = Life(clock, rules, heard.append)
    await first.begin(left)
    async with running(first.recorder.run):
        first.look("a", OK, left)
        await clock.advance(STEP)
        first.kill(left)
        first.look("a", FAILED, left)
    assert heard == []
    for life_number in range(3):
        life = Life(clock, rules, heard.append)
        await life.begin(left)
        async with running(life.recorder.run):
            await clock.advance(STEP if life_number else 5)
        life.kill(left)
    assert [(one.check, one.state) for one in heard] == [("a", FAILED)]


async def test_a_recovery_nobody_heard_of_before_the_kill_is_told_after_it() -> None:
    rules, clock, left = Rules(1, 0, 1, NOBODY, depends=False), ManualClock(), Left()
    heard: list[Announcement] = []
    first = Life(clock, rules, heard.append)
    await first.begin(left)
    async with running(first.recorder.run):
        for status in (OK, FAILED):
            first.look("a", status, left)
            await clock.advance(STEP)
        first.kill(left)
        first.look("a", OK, left)
    second = Life(clock, rules, heard.append)
    await second.begin(left)
    async with running(second.recorder.run):
        await clock.advance(STEP)
    assert [one.state for one in heard] == [FAILED, OK]


async def test_what_was_told_and_then_muted_is_not_told_again_after_the_kill() -> None:
    """The window begins after the failure was told; it ends after a kill."""
    rules, clock, left = Rules(1, 0, 1, (1, 1), depends=False), ManualClock(), Left()
    heard: list[Announcement] = []
    for turns in (9, 9):
        life = Life(clock, rules, heard.append)
        await life.begin(left)
        async with running(life.recorder.run):
            for _ in range(turns):
                life.look("a", FAILED, left)
                await clock.advance(STEP)
        life.kill(left)
    assert [(one.check, one.state) for one in heard] == [("a", FAILED)]


@pytest.mark.parametrize("damaged", [None, 3, ["a"], {"a": "well"}])
def test_what_was_said_and_cannot_be_read_is_guessed(damaged: object) -> None:
    assert parsed(damaged) is None
    assert parsed({"a": "failed"}) == {"a": FAILED}
