"""Many systems of one place down at once are one event; whatever is left speaks for itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bcp.kit.language import same
from bcp.plan.model import City, Dependency, Hosting, Site, System
from bcp.plan.types import Zone
from bcp.watch.announcing import Announcement
from bcp.watch.board import Board
from bcp.watch.judge import Judge
from bcp.watch.recorder import Recorder
from bcp.watch.rollup import SystemState
from bcp.watch.sites import RULE, SiteEvent, Sites, gathering, place_of, site_events
from bcp.watch.values import Mute, Status
from tests.bcp.watch.helpers import check, city, running, seen
from tests.bcp.watch.test_recorder import PaperLog
from tests.fakes import START, ManualClock

MINUTE = timedelta(minutes=1)
FIVE = tuple("abcde")


def system(id: str, site: str = "kurikoma", *needs: str) -> System:
    return System(
        id=id,
        name=f"システム{id}",
        zone=Zone.LGWAN,
        hosting=(Hosting(kind="onprem", site=site),),
        depends_on=tuple(Dependency(system=one) for one in needs),
    )


def town(*systems: System) -> City:
    sites = (
        Site(id="kurikoma", name="栗駒総合支所", kind="branch"),
        Site(id="honcho", name="本庁舎", kind="headquarters"),
    )
    return city(systems=systems, sites=sites)


def state(id: str, status: Status, minutes: float = 0) -> SystemState:
    return SystemState(id, status, same("x"), START + minutes * MINUTE)


PLACES = dict.fromkeys(FIVE, "kurikoma")


def judged(*down: tuple[str, float], known: SiteEvent | None = None) -> dict[str, SiteEvent]:
    fell = dict(down)
    states = {
        id: state(id, Status.FAILED, fell[id]) if id in fell else state(id, Status.OK)
        for id in FIVE
    }
    return site_events(PLACES, states, (), {"kurikoma": known} if known else {})


def test_three_of_five_at_once_are_an_event_and_two_are_not() -> None:
    assert judged(("a", 0), ("b", 1)) == {}
    event = judged(("a", 0), ("b", 1), ("c", 2))["kurikoma"]
    assert (event.since, event.systems, event.judged) == (START, ("a", "b", "c"), 5)


def test_what_fell_one_by_one_over_hours_is_no_event() -> None:
    assert judged(("a", 0), ("b", 60), ("c", 120)) == {}


def test_it_goes_on_with_less_and_ends_when_too_few_are_left() -> None:
    event = judged(("a", 0), ("b", 1), ("c", 2))["kurikoma"]
    assert "kurikoma" in judged(("a", 0), ("b", 1), known=event)
    assert judged(("a", 0), known=event) == {}
    more = judged(*((id, n) for n, id in enumerate(FIVE)), known=event)["kurikoma"]
    assert (more.since, len(more.systems)) == (START, 5)


def test_a_place_is_where_the_machines_stand() -> None:
    assert place_of(system("a"), START) == "kurikoma"
    both = system("a").model_copy(
        update={
            "hosting": (
                Hosting(kind="onprem", site="kurikoma"),
                Hosting(kind="onprem", site="honcho"),
            )
        }
    )
    assert place_of(both, START) is None
    used = System(id="u", name="u", zone=Zone.LGWAN, sites=("honcho",))
    assert place_of(used, START) == "honcho"


@given(
    st.dictionaries(st.sampled_from(FIVE), st.sampled_from(Status)),
    st.sets(st.sampled_from(FIVE)),
)
def test_an_event_never_rests_on_what_is_unknown_or_explained(
    statuses: dict[str, Status], explained: set[str]
) -> None:
    states = {id: state(id, status) for id, status in statuses.items()}
    for event in site_events(PLACES, states, explained, {}).values():
        assert all(states[id].status is Status.FAILED for id in event.systems)
        assert not explained & {*event.systems}
        assert 100 * len(event.systems) >= RULE.percent * event.judged


def test_only_what_falls_together_waits_for_the_others() -> None:
    now: datetime = START + MINUTE
    states = {id: state(id, Status.OK) for id in FIVE} | {"a": state("a", Status.FAILED)}
    assert gathering(PLACES, states, frozenset(), now) == frozenset()
    assert gathering(PLACES, states, frozenset({"b"}), now) == {"a", "b"}


def test_an_event_that_a_restart_cuts_in_two_is_told_and_a_whole_one_not_again() -> None:
    plan, now = town(*(system(id) for id in FIVE)), START + 4 * MINUTE
    states = {id: state(id, Status.FAILED, at) for at, id in enumerate(FIVE[:4])}
    for started, told in ((-1.0, 1), (1.5, 1), (3.5, 0)):
        sites = Sites(START + started * MINUTE)
        sites.refresh(plan, states, (), frozenset(), now)
        assert sites.events["kurikoma"].systems == FIVE[:4]
        assert len(sites.take()) == told, started


async def test_one_message_names_the_place_and_each_left_over_is_told_when_it_ends() -> None:
    clock, heard, log = ManualClock(), list[Announcement](), PaperLog()
    board = Board(clock)
    checks = [check(f"{id}/http", failures=1, every=30, system=id) for id in FIVE]
    await board.define([*checks, check("z/http", failures=1, every=30, system="z")])
    plan = town(*(system(id) for id in FIVE), system("z", "honcho"))
    judge = Judge(board, clock, plan)
    recorder = Recorder(board, judge, clock, sink=log, announce=heard.append)
    down: set[str] = set()

    async def round_of(seconds: float = 5) -> None:
        for id in (*FIVE, "z"):
            status = Status.FAILED if id in down else Status.OK
            recorder.record(seen(f"{id}/http", status, clock.utc()))
        await clock.advance(seconds)

    async with running(recorder.run):
        await round_of()
        down |= {"a", "b", "c", "d"}
        for _ in range(3):
            await round_of()
        (one,) = heard
        assert "栗駒総合支所" in one.title.ja
        assert "5 システムのうち 4 が一度に停止" in one.title.ja
        assert "システムa、システムb" in one.notes[0].ja
        assert one.logged
        assert [e.kind for e in log.entries].count("site.changed") == 1
        view = board.view("a/http")
        assert view.status is Status.FAILED, "silenced, not made good"
        assert view.muted == {Mute.PARENT}
        down -= {"b", "c", "d"}
        for _ in range(8):
            await round_of()
        titles = [message.title.ja for message in heard]
        assert "拠点の一斉停止が終わりました" in titles[1]
        assert [message.check for message in heard[2:]] == ["a/http"]


async def test_what_hangs_on_a_line_that_is_down_is_told_by_that_line() -> None:
    clock, heard = ManualClock(), list[Announcement]()
    board = Board(clock)
    ids = ("line", *FIVE)
    await board.define([check(f"{id}/x", failures=1, every=30, system=id) for id in ids])
    plan = town(system("line", "honcho"), *(system(id, "kurikoma", "line") for id in FIVE))
    recorder = Recorder(board, Judge(board, clock, plan), clock, announce=heard.append)
    async with running(recorder.run):
        for status in (Status.OK, Status.FAILED, Status.FAILED):
            for id in ids:
                recorder.record(seen(f"{id}/x", status, clock.utc()))
            await clock.advance(5)
        await clock.advance(40)
    assert [message.check for message in heard] == ["line/x"]
