"""Nobody takes a failure on: the next route is told, once, on record; who takes it on ends the calling."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.journal.entry import Actor, Entry, NewEntry
from bcp.kit.errors import Unwritable
from bcp.kit.language import same
from bcp.kit.workers import Workers
from bcp.watch.acks import FOLD, Acks, take_on
from bcp.watch.announcing import Announcement, of_transition
from bcp.watch.board import Board
from bcp.watch.judge import Judge
from bcp.watch.notify import Notifier, Route
from bcp.watch.pager import Pager
from bcp.watch.routes import NotifyRoute
from bcp.watch.values import Severity, Status, Transition
from tests.bcp.watch.helpers import check, city, seen
from tests.fakes import START, ManualClock
from tests.runbooks.world import recorded

ROUTES = (
    NotifyRoute(id="first", url="http://127.0.0.1:1/", min_severity=Severity.INFO),
    NotifyRoute.model_validate(
        {"id": "deputy", "url": "http://127.0.0.1:1/", "min_severity": "info", "after": "15m"}
    ),
)


class Log:
    """The acks as the journal folds them."""

    def __init__(self) -> None:
        self.state: Acks = {}
        self.entries: list[NewEntry] = []
        self.broken = False

    async def append(self, *new: NewEntry, op: str, actor: Actor) -> object:
        if self.broken:
            raise Unwritable("full")
        for one in new:
            self.entries.append(one)
            if FOLD.wants(one.kind):
                made: Entry = recorded(one, len(self.entries), actor.id, one.occurred_at)
                self.state = FOLD.apply(self.state, made)
        return None


class Watch:
    """One check, the board, the funnel and the pager; time is moved by hand."""

    def __init__(self, *routes: NotifyRoute) -> None:
        self.clock, self.log = ManualClock(), Log()
        self.board = Board(self.clock)
        self.judge = Judge(self.board, self.clock, city())
        self.workers = Workers(1)
        self.notifier = Notifier(routes or ROUTES, self.clock, "n1", self.workers)
        self.pager = self.fresh()

    def fresh(self) -> Pager:
        return Pager(
            self.notifier, self.board, self.judge, self.clock, lambda: self.log.state, self.log
        )

    async def start(self) -> None:
        await self.board.define([check("a", failures=1)])

    async def change(self, status: Status) -> None:
        self.board.apply(seen("a", status, self.clock.utc()))
        self.pager.announce(announcement(status, self.clock))

    def told(self, id: str) -> list[str]:
        route: Route = next(one for one in self.notifier.routes if one.route.id == id)
        return [message.lines()[-1].ja for _born, message in route._queue]


def announcement(status: Status, clock: ManualClock) -> Announcement:
    good, now = status is Status.OK, clock.utc()
    old = Status.FAILED if good else Status.OK
    change = Transition("a", old, status, now, now, same("x"))
    return of_transition(change, None, Severity.HIGH, logged=True)


@pytest.fixture
def watch() -> Iterator[Watch]:
    made = Watch()
    yield made
    made.workers.close()


async def test_the_next_one_is_called_once_when_nobody_took_it_on(watch: Watch) -> None:
    await watch.start()
    await watch.change(Status.FAILED)
    assert len(watch.told("first")) == 1
    assert watch.told("deputy") == []
    await watch.clock.advance(14 * 60)
    await watch.pager.look()
    assert watch.told("deputy") == []
    await watch.clock.advance(60)
    await watch.pager.look()
    (said,) = watch.told("deputy")
    assert "15分のあいだ、だれも引き受けていません" in said
    assert [one.kind for one in watch.log.entries] == ["check.escalated"]
    await watch.clock.advance(3600)
    await watch.pager.look()
    assert len(watch.told("deputy")) == 1


async def test_who_takes_it_on_ends_the_calling(watch: Watch) -> None:
    await watch.start()
    await watch.change(Status.FAILED)
    await watch.log.append(take_on("a", watch.clock.utc(), ""), op="o", actor=Actor("u-1", "staff"))
    await watch.clock.advance(3600)
    await watch.pager.look()
    assert watch.told("deputy") == []


async def test_recovery_is_told_to_the_next_one_only_if_he_heard_of_the_failure(
    watch: Watch,
) -> None:
    await watch.start()
    await watch.change(Status.FAILED)
    await watch.change(Status.OK)
    assert len(watch.told("first")) == 2
    assert watch.told("deputy") == []
    await watch.change(Status.FAILED)
    await watch.clock.advance(15 * 60)
    await watch.pager.look()
    await watch.change(Status.OK)
    assert len(watch.told("deputy")) == 2


async def test_an_unwritable_log_holds_no_call_back(watch: Watch) -> None:
    await watch.start()
    await watch.change(Status.FAILED)
    watch.log.broken = True
    await watch.clock.advance(15 * 60)
    await watch.pager.look()
    assert len(watch.told("deputy")) == 1


async def test_after_a_restart_it_goes_on_and_calls_nobody_twice(watch: Watch) -> None:
    await watch.start()
    await watch.change(Status.FAILED)
    await watch.clock.advance(10 * 60)
    watch.board.apply(seen("a", Status.FAILED, watch.clock.utc()))  # the checking goes on
    watch.pager = watch.fresh()
    await watch.pager._adopt()
    await watch.pager.look()
    assert watch.told("deputy") == []
    await watch.clock.advance(5 * 60)
    await watch.pager.look()
    assert len(watch.told("deputy")) == 1
    watch.pager = watch.fresh()
    await watch.pager._adopt()
    await watch.clock.advance(3600)
    await watch.pager.look()
    assert len(watch.told("deputy")) == 1


async def test_it_is_told_again_as_often_as_the_route_says() -> None:
    again = NotifyRoute.model_validate(
        {"id": "r", "url": "http://127.0.0.1:1/", "min_severity": "info", "repeat": "1h"}
    )
    watch = Watch(again)
    await watch.start()
    await watch.change(Status.FAILED)
    for hour in (1, 2):
        await watch.clock.advance(3600)
        await watch.pager.look()
        assert len(watch.told("r")) == 1 + hour
    watch.workers.close()


def test_a_route_calls_nobody_within_a_minute() -> None:
    with pytest.raises(ValidationError, match="minute"):
        NotifyRoute(id="r", url="http://x/", after=timedelta(seconds=5))


@given(st.lists(st.sampled_from(["take", "escalate", "ok", "degraded", "failed", "unknown"])))
def test_a_failure_that_came_anew_must_be_taken_on_anew(said: list[str]) -> None:
    state: Acks = {}
    taken = False
    for n, word in enumerate(said, 1):
        if word == "take":
            new, taken = take_on("a", START, ""), True
        elif word == "escalate":
            new = NewEntry("check.escalated", "a", {"route": "r"}, None, START)
        else:
            new = NewEntry("check.changed", "a", {"new": word}, None, START)
            taken = taken and word not in ("ok", "failed")
        state = FOLD.apply(state, recorded(new, n, "u-1", START))
        assert ("a" in state and state["a"].by is not None) == taken
