"""Several events at once: linked, each with its own clock; ends of parts; no clock is reset."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bcp.kit.errors import Refused
from runbooks import commands as c
from runbooks.state import Phase
from tests.runbooks.world import T0, H, Play


def aftershock(play: Play) -> str:
    """A second event during the recovery of the first."""
    play.wait(hours=3)
    first = play.incident.id
    play.declare(onset=T0 + 3 * H, links=(first,), reason="余震")
    return first


def test_an_aftershock_is_an_event_of_its_own_and_resets_no_clock() -> None:
    play = Play()
    play.declare()
    first = aftershock(play)
    second = play.incident
    assert second.links == (first,)
    assert second.onset == T0 + 3 * H
    assert play.state.items[first].onset == T0
    assert [one.id for one in play.state.actives] == [second.id, first]


def test_commands_of_one_event_leave_the_other_alone() -> None:
    play = Play()
    play.declare()
    first = aftershock(play)
    play.do(c.Cancel(incident=play.incident.id, reason="誤り"))
    assert play.state.active is not None
    assert play.state.active.id == first
    assert play.incident.phase is Phase.CANCELLED


def test_what_is_not_restored_yet_comes_before_what_stands_down() -> None:
    play = Play()
    play.declare()
    first = aftershock(play)
    play.do(c.Restore(incident=play.incident.id, waived=("juki", "ad"), reason="被害なし"))
    assert play.state.active is not None
    assert play.state.active.id == first


def test_a_link_to_an_event_that_does_not_run_is_refused_with_those_that_do() -> None:
    play = Play()
    first = play.declare()
    with pytest.raises(Refused, match=first.id):
        play.declare(links=("R20200101-1",))


def test_one_part_ends_only_with_evidence_or_by_a_reasoned_decision() -> None:
    play = Play()
    incident = play.declare()
    end = {"incident": incident.id, "kind": "system", "id": "ad"}
    with pytest.raises(Refused, match="ad L3"):
        play.do(c.EndPart(**end))  # type: ignore[arg-type]
    with pytest.raises(Refused, match="理由"):
        play.do(c.EndPart(**end, waived=True))  # type: ignore[arg-type]
    play.do(
        c.AttainLevel(
            incident=incident.id, system="ad", level="L3", since=T0 + H, checks=("ad-ldap",)
        )
    )
    play.do(c.EndPart(**end))  # type: ignore[arg-type]
    assert not play.incident.in_scope("ad")
    assert play.incident.in_scope("juki")


def test_a_part_comes_back_under_its_event_with_the_old_clock() -> None:
    play = Play()
    incident = play.declare()
    play.do(
        c.EndPart(
            incident=incident.id,
            kind="service",
            id="certificates",
            waived=True,
            reason="紙で足りる",
        )
    )
    assert not play.incident.service_in_scope("certificates")
    play.wait(hours=1)
    back = c.ResumePart(
        incident=incident.id, kind="service", id="certificates", reason="窓口が混む"
    )
    play.do(back)
    assert play.incident.service_in_scope("certificates")
    assert play.incident.onset == T0
    with pytest.raises(Refused):
        play.do(back)


def test_levels_and_scopes_are_kept_as_they_were_stated() -> None:
    play = Play()
    incident = play.declare()
    play.wait(minutes=30)
    play.do(c.ChangeLevel(incident=incident.id, level=2, reason="縮小"))
    play.do(c.ChangeScope(incident=incident.id, systems=("juki",), reason="住民記録だけ"))
    marks = [(mark.what, mark.value) for mark in play.incident.marks]
    assert marks == [
        ("level", ("3",)),
        ("scope", ()),
        ("level", ("2",)),
        ("scope", ("system:juki",)),
    ]
    assert play.incident.marks[2].at - incident.declared_at == timedelta(minutes=30)
