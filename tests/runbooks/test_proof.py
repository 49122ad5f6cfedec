"""Words of named people, business confirmation, stops on purpose, holds of a cyber event, limits."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.kit.errors import Refused
from bcp.kit.units import JST
from bcp.plan.calendar import Calendar, Closure, national_holidays
from bcp.plan.season import Season
from runbooks import commands as c
from runbooks.contradiction import contradictions
from runbooks.progress import standings
from runbooks.state import Ratification
from runbooks.systemstate import SystemState, system_states
from runbooks.targets import Goal, level_targets, service_targets
from runbooks.together import joint
from tests.runbooks.world import T0, H, Play


def states(play: Play) -> dict[str, SystemState]:
    steps = standings(play.incident, play.book).values()
    return dict(system_states(play.incident, play.city, steps))


def goals(play: Play) -> dict[tuple[str, str], Goal]:
    found = level_targets(play.incident, play.city, play.book, play.now)
    return {(one.system, one.level): one.goal for one in found}


def test_a_system_goes_its_way_from_unknown_to_normal_and_only_its_owner_confirms() -> None:
    play = Play()
    id = play.declare().id
    assert states(play)["juki"] is SystemState.UNKNOWN
    play.do(
        c.ObserveLevel(incident=id, system="juki", level="L2", works=False, note="画面が出ない")
    )
    assert states(play)["juki"] is SystemState.STOPPED
    play.do(c.StartAlternate(incident=id, service="certificates"))
    assert states(play)["juki"] is SystemState.ALTERNATE
    play.do(c.StartStep(incident=id, step="JUKI-01"))
    assert states(play)["juki"] is SystemState.RECOVERING
    play.do(c.AttainLevel(incident=id, system="juki", level="L2", since=play.now, checks=("x",)))
    assert states(play)["juki"] is SystemState.TECHNICAL
    play.do(c.Confirm(incident=id, kind="system", id="juki"))
    assert states(play)["juki"] is SystemState.CONFIRMED
    play.do(c.EndAlternate(incident=id, service="certificates"))
    assert states(play)["juki"] is SystemState.NORMAL
    play.do(c.Confirm(incident=id, kind="system", id="juki", works=False, note="印字がずれる"))
    assert states(play)["juki"] is SystemState.TECHNICAL


def test_where_no_check_testifies_a_named_look_attains_until_a_check_is_red() -> None:
    play = Play()
    id = play.declare().id
    assert goals(play)[("ad", "L3")] is Goal.PENDING
    play.do(c.ObserveLevel(incident=id, system="ad", level="L3", note="自分の端末でログオン"))
    assert goals(play)[("ad", "L3")] is Goal.ATTAINED
    found = level_targets(play.incident, play.city, play.book, play.now)
    assert {(t.system, t.evidence) for t in found if t.held} == {("ad", "seen")}
    play.do(c.LoseLevel(incident=id, system="ad", level="L3", since=play.now, checks=("ad-ldap",)))
    assert goals(play)[("ad", "L3")] is Goal.PENDING
    said = contradictions(play.incident, (), {})
    assert [(one.way, one.system, one.level) for one in said] == [("said_red", "ad", "L3")]


def test_a_person_who_says_no_while_the_checks_are_green_is_shown_as_well() -> None:
    play = Play()
    id = play.declare().id
    play.do(c.AttainLevel(incident=id, system="ad", level="L3", since=play.now, checks=("x",)))
    play.do(c.ObserveLevel(incident=id, system="ad", level="L3", works=False, note="遅い"))
    assert goals(play)[("ad", "L3")] is Goal.ATTAINED
    assert [one.way for one in contradictions(play.incident, (), {})] == ["said_green"]


def test_estimates_keep_their_slips_and_stops_on_purpose_are_no_failure() -> None:
    play = Play()
    id = play.declare().id
    for hours in (4, 12, 48):
        eta = T0 + hours * H
        play.do(c.GiveEstimate(incident=id, kind="system", id="juki", eta=eta, source="vendor"))
    play.do(c.GiveEstimate(incident=id, kind="system", id="juki", eta=None, source="vendor"))
    assert [one.eta for one in play.incident.estimates][-1] is None
    assert len(play.incident.estimates) == 4
    play.do(c.StopSystem(incident=id, system="ad", kind="voluntary", reason="余震に備える"))
    assert states(play)["ad"] is SystemState.VOLUNTARY
    play.do(c.EndStop(incident=id, system="ad"))
    with pytest.raises(Refused):
        play.do(c.EndStop(incident=id, system="ad"))


def test_cyber_contains_first_keeps_evidence_and_takes_no_copy_from_after_the_intrusion() -> None:
    play = Play()
    id = play.declare(nature="cyber").id
    play.do(c.FinishStep(incident=id, step="JUKI-01"))
    choose = {"incident": id, "step": "JUKI-02", "option": "latest", "rationale": "検証済み"}
    with pytest.raises(Refused, match="封じ込め"):
        play.do(c.TakeDecision(**choose))  # type: ignore[arg-type]
    with pytest.raises(Refused, match="証拠保全"):
        play.do(c.Restore(incident=id, waived=("juki", "ad"), reason="決定"))
    play.do(c.Settle(incident=id, what="containment", reason="線を抜いた"))
    play.do(c.Settle(incident=id, what="evidence", override=True, reason="保全装置が届かない"))
    play.do(c.DateIntrusion(incident=id, intrusion_at=T0 - 24 * H, reason="記録に残る"))
    late = T0 - 10 * H
    with pytest.raises(Refused, match="侵入"):
        play.do(c.TakeDecision(**choose, snapshot_at=late))  # type: ignore[arg-type]
    play.do(c.TakeDecision(**choose, snapshot_at=T0 - 30 * H))  # type: ignore[arg-type]
    assert play.incident.settled["evidence"].overridden


def test_what_was_already_done_is_entered_late_in_spite_of_a_hold() -> None:
    play = Play()
    id = play.declare(nature="cyber").id
    play.do(c.FinishStep(incident=id, step="JUKI-01"))
    play.do(
        c.TakeDecision(
            incident=id, step="JUKI-02", option="latest", rationale="現場", occurred_at=T0
        )
    )
    with pytest.raises(Refused):
        play.do(c.StartStep(incident=id, step="JUKI-03"))
    play.do(c.FinishStep(incident=id, step="JUKI-03", occurred_at=T0 + timedelta(minutes=5)))


def test_an_overruled_event_ends_only_after_its_scope_was_changed_and_ratified_anew() -> None:
    play = Play()
    id = play.declare(capacity="on_site", role=None).id
    play.do(c.Overrule(incident=id, reason="過大"), "u-2")
    with pytest.raises(Refused, match="承認されません"):
        play.do(c.Restore(incident=id, waived=("juki", "ad"), reason="決定"))
    play.do(c.ChangeScope(incident=id, systems=("juki",), reason="住民記録だけ"))
    assert play.incident.ratification is Ratification.PENDING


def test_a_deputy_says_his_rank_and_who_could_not_be_reached() -> None:
    play = Play()
    tried = (c.Tried(role="mayor", at=T0 + timedelta(minutes=8), outcome="no_answer"),)
    event = play.declare(capacity="deputy", role="cio", tried=tried)
    assert event.rank == 2
    assert event.tried == tried
    with pytest.raises(Refused, match="代行順位"):
        Play().declare(capacity="deputy", role="infra")


def test_both_deadlines_are_kept_and_the_earliest_still_open_counts() -> None:
    play = Play()
    first = play.declare()
    play.wait(hours=3)
    play.declare(onset=T0 + 3 * H, links=(first.id,), nature="cyber")
    events = tuple(
        (one.id, one.onset, level_targets(one, play.city, play.book, play.now))
        for one in play.state.actives
    )
    by = {(j.system, j.level): j for j in joint(events)}
    juki = by[("juki", "L2")]
    assert {u.deadline for u in juki.under} == {T0 + 24 * H, T0 + 7 * H}
    assert juki.counts is not None
    assert juki.counts.deadline == T0 + 7 * H


def test_a_season_changes_the_limit_of_the_day_and_says_so() -> None:
    play = Play()
    season = Season(name="秋の異動", first="11-01", last="11-30", priority="S", rto_disaster=10 * H)
    service = play.city.services[0].model_copy(update={"seasons": (season,)})
    city = play.city.model_copy(update={"services": (service,)})
    (found,) = service_targets(play.declare(), city, play.book, play.now)
    assert (found.rto, found.season) == (10 * H, "秋の異動")


def test_business_time_skips_nights_weekends_holidays_and_the_turn_of_the_year() -> None:
    calendar = Calendar(closures=(Closure(first=date(2027, 1, 5), last=date(2027, 1, 5)),))
    friday = datetime(2026, 11, 20, 17, 0, tzinfo=JST)
    # 15 minutes on Friday; the weekend and Monday 23 (勤労感謝の日) do not count
    assert calendar.after(friday, H) == datetime(2026, 11, 24, 9, 15, tzinfo=JST)
    year = datetime(2026, 12, 28, 16, 15, tzinfo=JST)
    assert calendar.after(year, 2 * H) == datetime(2027, 1, 4, 9, 30, tzinfo=JST)
    assert not calendar.open_on(date(2027, 1, 5))
    assert Calendar(weekend=(0, 1, 2, 3, 4, 5, 6)).after(friday, H) is None


def test_national_holidays_follow_the_law() -> None:
    assert date(2026, 5, 6) in national_holidays(2026)  # 振替休日
    assert date(2026, 9, 22) in national_holidays(2026)  # 国民の休日
    assert date(2027, 3, 22) in national_holidays(2027)  # 振替休日 of the equinox
    assert len(national_holidays(2026)) == 18


@given(later=st.integers(0, 700 * 24 * 60), minutes=st.integers(1, 5000))
def test_business_time_runs_out_within_business_hours_and_never_early(
    later: int, minutes: int
) -> None:
    start = T0 + timedelta(minutes=later)
    end = Calendar().after(start, timedelta(minutes=minutes))
    assert end is not None
    assert end - start >= timedelta(minutes=minutes)
    assert Calendar().open_on(end.astimezone(JST).date())
