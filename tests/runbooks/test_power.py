"""電源の残り時間 runs from the look on; a generator that stands there is not power; what stops first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.plan.model import Dependency, Hosting, System
from bcp.plan.types import Zone
from runbooks import commands as c
from runbooks.damagestate import SiteDamage
from runbooks.power import shed_order, supplies, supply, unread
from tests.runbooks.world import Play


@pytest.fixture
def play() -> Play:
    made = Play()
    made.declare()
    return made


def saw(play: Play, item: str, value: str, minutes: int | None = None) -> SiteDamage:
    play.do(
        c.ObserveDamage(
            incident=play.incident.id, site="honcho", item=item, value=value, minutes_left=minutes
        )
    )
    return play.incident.damage["honcho"]


def test_the_time_runs_from_the_look_and_the_longer_source_counts(play: Play) -> None:
    seen = play.now
    saw(play, "mains", "bad")
    saw(play, "ups", "good", 30)
    known = saw(play, "generator", "partly", 600)
    found = supply("honcho", known)
    assert found is not None
    assert (found.source, found.ends) == ("generator", seen + timedelta(hours=10))
    play.wait(hours=2)
    assert supply("honcho", play.incident.damage["honcho"]) == found


def test_a_generator_without_hours_read_is_not_power(play: Play) -> None:
    saw(play, "mains", "bad")
    known = saw(play, "generator", "good")
    assert supply("honcho", known) is None
    assert unread(known)
    assert not unread(saw(play, "ups", "good", 20))
    assert unread(saw(play, "ups", "bad", 20))


def test_mains_power_seen_later_ends_the_count_and_an_older_look_does_not(play: Play) -> None:
    saw(play, "mains", "good")
    play.wait(minutes=5)
    known = saw(play, "ups", "good", 30)
    assert supply("honcho", known) is not None  # the power went after somebody saw it on
    play.wait(minutes=5)
    assert supply("honcho", saw(play, "mains", "good")) is None
    assert supplies(play.incident.damage) == ()


def system(id: str, priority: str, *needs: str, watts: int | None = None) -> System:
    return System.model_validate(
        {
            "id": id,
            "name": id.upper(),
            "class": priority,
            "zone": Zone.LGWAN,
            "hosting": (Hosting(kind="onprem", site="honcho"),),
            "depends_on": tuple(Dependency(system=one) for one in needs),
            "watts": watts,
        }
    )


def order(play: Play, *systems: System) -> list[str]:
    city = play.city.model_copy(update={"systems": systems})
    return [one.system.id for one in shed_order(play.incident, city, "honcho", play.now)]


def test_who_needs_another_stops_before_it_and_the_lower_class_first(play: Play) -> None:
    found = order(
        play, system("ad", "A"), system("juki", "S", "ad"), system("web", "C"), system("gis", "D")
    )
    assert found == ["gis", "web", "juki", "ad"]


def test_a_ring_of_dependencies_still_gets_an_order(play: Play) -> None:
    assert order(play, system("a", "A", "b"), system("b", "C", "a")) == ["b", "a"]


def test_only_machines_that_stand_there_are_listed(play: Play) -> None:
    away = system("cloud", "D").model_copy(
        update={"hosting": (Hosting(kind="government_cloud", provider="X"),), "sites": ("honcho",)}
    )
    other = system("branch", "D").model_copy(
        update={"hosting": (Hosting(kind="onprem", site="elsewhere"),), "sites": ("honcho",)}
    )
    assert order(play, away, other, system("here", "B")) == ["here"]


def test_watts_left_are_summed_only_where_all_are_known(play: Play) -> None:
    city = play.city.model_copy(
        update={"systems": (system("a", "D", watts=400), system("b", "S", watts=700))}
    )
    play.do(c.StopSystem(incident=play.incident.id, system="ad", kind="voluntary", reason="電源"))
    found = shed_order(play.incident, city, "honcho", play.now)
    assert [(one.system.id, one.left, one.stopped) for one in found] == [
        ("a", 700, False),
        ("b", 0, False),
    ]
    blind = city.model_copy(update={"systems": (system("a", "D", watts=4), system("b", "S"))})
    assert shed_order(play.incident, blind, "honcho", play.now)[0].left is None


NAMES = "abcdef"


@given(
    st.lists(st.sampled_from("SABCD"), min_size=6, max_size=6),
    st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda e: e[0] > e[1])),
)
def test_whatever_the_plan_nothing_is_stopped_under_who_needs_it(
    classes: list[str], edges: set[tuple[int, int]]
) -> None:
    play = Play()
    play.declare()
    needs = {n: [NAMES[low] for high, low in edges if high == n] for n in range(6)}
    found = order(play, *(system(NAMES[n], classes[n], *needs[n]) for n in range(6)))
    assert sorted(found) == list(NAMES)
    for high, low in edges:
        assert found.index(NAMES[high]) < found.index(NAMES[low])
