"""The machine of a declared event, from declaration to stand-down."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bcp.journal.entry import Actor
from bcp.kit.errors import Refused
from runbooks import commands as c
from runbooks.context import Conflict
from runbooks.gates import open_gates
from runbooks.incident import decide, fold
from runbooks.incidents import Incidents
from runbooks.progress import Stand, standings
from runbooks.state import Did, Phase, Ratification, Verification
from tests.runbooks.world import T0, H, Play


@pytest.fixture
def play() -> Play:
    made = Play()
    made.declare()
    return made


def stands(play: Play) -> dict[str, Stand]:
    return {id: found.stand for id, found in standings(play.incident, play.book).items()}


def on(play: Play) -> str:
    return play.incident.id


def test_a_declaration_counts_from_onset_and_takes_the_runbooks_that_fit() -> None:
    play = Play()
    incident = play.declare()
    assert incident.id == "R20261123-1"
    assert incident.onset == T0
    assert incident.declared_at == T0 + timedelta(minutes=19)
    assert incident.runbooks == ("juki-recover", "ad-recover")
    assert incident.hours == "off_hours"  # 勤労感謝の日
    assert incident.ratification is Ratification.NONE
    assert play.state.active is incident


def test_whoever_is_there_may_declare_and_another_person_ratifies() -> None:
    play = Play()
    play.declare(by="u-9", capacity="on_site", role=None)
    assert play.incident.ratification is Ratification.PENDING
    with pytest.raises(Refused, match="別の人"):
        play.do(c.Ratify(incident=on(play)), by="u-9")
    play.do(c.Ratify(incident=on(play)), by="u-1")
    ratified = play.incident
    assert ratified.ratification is Ratification.RATIFIED


def test_a_principal_must_hold_the_authority_of_the_plan() -> None:
    with pytest.raises(Refused, match="市長・CIO"):
        Play().declare(role="infra")


@pytest.mark.parametrize("capacity", ["staff", "administrator", "program"])
def test_nobody_spares_himself_the_ratification_by_calling_himself_the_mayor(
    capacity: str,
) -> None:
    play = Play()
    context = replace(play.context("u-1"), actor=Actor("u-1", capacity))
    command = c.Declare(
        level=3, onset=T0, reason="x", nature="disaster", capacity="principal", role="mayor"
    )
    with pytest.raises(Refused, match="統括者"):
        decide(play.state, command, T0, context)


def test_a_second_declaration_says_what_is_allowed_instead(play: Play) -> None:
    with pytest.raises(Refused, match="手順書の追加"):
        play.declare()


def test_drill_and_real_are_told_apart_by_the_store_not_by_the_request() -> None:
    with pytest.raises(Refused):
        Play("real").declare(drill="tabletop")
    assert Play("drill-1").declare().kind == "drill"
    assert Play("drill-1").declare().id.startswith("D")


def test_an_onset_in_the_future_is_a_slip_of_the_pen() -> None:
    with pytest.raises(Refused, match="未来"):
        Play().declare(onset=T0 + 3 * H)


def test_steps_follow_the_straight_way_and_arms_not_taken_do_not_apply(play: Play) -> None:
    before = stands(play)
    assert before["JUKI-01"] is Stand.READY
    assert before["JUKI-02"] is Stand.BLOCKED
    play.do(c.StartStep(incident=on(play), step="JUKI-01"))
    play.do(c.FinishStep(incident=on(play), step="JUKI-01"))
    assert stands(play)["JUKI-90"] is Stand.NOT_APPLICABLE
    play.do(
        c.TakeDecision(incident=on(play), step="JUKI-02", option="latest", rationale="検証済み")
    )
    after = stands(play)
    assert after["JUKI-03"] is Stand.READY
    assert after["JUKI-04"] is Stand.NOT_APPLICABLE
    assert after["JUKI-05"] is Stand.BLOCKED


def test_a_failed_step_calls_for_its_alternative_which_leads_back(play: Play) -> None:
    play.do(c.FailStep(incident=on(play), step="JUKI-01", reason="水が入っている"))
    assert stands(play)["JUKI-90"] is Stand.READY
    assert stands(play)["JUKI-02"] is Stand.BLOCKED
    play.do(c.FinishStep(incident=on(play), step="JUKI-90"))
    assert stands(play)["JUKI-02"] is Stand.READY


def test_an_option_that_needs_consent_is_refused_without_it(play: Play) -> None:
    play.do(c.FinishStep(incident=on(play), step="JUKI-01"))
    choice = c.TakeDecision(
        incident=on(play), step="JUKI-02", option="older", rationale="暗号化の疑い"
    )
    with pytest.raises(Refused, match="cio の承認"):
        play.do(choice)


def test_the_follower_of_a_verified_gate_waits_for_the_proof_not_the_tick(play: Play) -> None:
    _up_to_restore(play)
    play.do(c.FinishStep(incident=on(play), step="JUKI-05"))
    assert play.incident.run("juki-recover", "JUKI-05").verification is Verification.PENDING
    assert stands(play)["JUKI-06"] is Stand.BLOCKED
    with pytest.raises(Refused, match="JUKI-05"):
        play.do(c.FinishStep(incident=on(play), step="JUKI-06"))
    play.do(
        c.VerifyStep(
            incident=on(play), step="JUKI-05", passed=True, check="juki-readonly", since=play.now
        )
    )
    assert stands(play)["JUKI-06"] is Stand.READY


def test_another_person_may_attest_by_eye_and_the_doer_only_with_a_reason(play: Play) -> None:
    _up_to_restore(play)
    play.do(c.FinishStep(incident=on(play), step="JUKI-05"), by="u-2")
    with pytest.raises(Refused, match="単独"):
        play.do(c.AttestStep(incident=on(play), step="JUKI-05", note="見た"), by="u-2")
    play.do(c.AttestStep(incident=on(play), step="JUKI-05", note="窓口で照会できた"), by="u-3")
    assert play.incident.run("juki-recover", "JUKI-05").verification is Verification.ATTESTED
    assert stands(play)["JUKI-06"] is Stand.READY


def test_nobody_attests_by_eye_against_a_red_probe(play: Play) -> None:
    """Else one who looks at the wrong screen opens the gate that the probe holds."""
    _up_to_restore(play)
    play.do(c.FinishStep(incident=on(play), step="JUKI-05"), by="u-2")
    red = c.VerifyStep(
        incident=on(play), step="JUKI-05", passed=False, check="juki-readonly", since=play.now
    )
    play.do(red)
    with pytest.raises(Refused, match="監視は赤") as refusal:
        play.do(c.AttestStep(incident=on(play), step="JUKI-05", note="動いた"), by="u-3")
    assert "承認" in str(refusal.value)
    assert stands(play)["JUKI-06"] is Stand.BLOCKED
    play.do(c.ReopenStep(incident=on(play), step="JUKI-05", reason="監視の故障"))
    skip = c.SkipStep(incident=on(play), step="JUKI-05", reason="監視の故障", approved_by="u-9")
    play.do(skip)
    assert stands(play)["JUKI-06"] is Stand.READY, "a gate never traps a city"


def test_a_page_drawn_before_an_undo_does_not_tick_what_was_undone(play: Play) -> None:
    play.do(c.FinishStep(incident=on(play), step="JUKI-01"), by="u-2")
    play.do(c.ReopenStep(incident=on(play), step="JUKI-01", reason="別の部屋だった"), by="u-3")
    with pytest.raises(Conflict) as caught:
        play.do(c.FinishStep(incident=on(play), step="JUKI-01", expected_version=0), by="u-4")
    assert (caught.value.by, caught.value.recorded) == ("u-3", "戻す")
    now = play.incident.run("juki-recover", "JUKI-01").version
    play.do(c.FinishStep(incident=on(play), step="JUKI-01", expected_version=now), by="u-4")
    assert stands(play)["JUKI-01"] is Stand.DONE


def test_two_people_with_the_same_outcome_confirm_each_other(play: Play) -> None:
    tick = c.FinishStep(incident=on(play), step="JUKI-01", expected_version=0)
    play.do(tick, by="u-2")
    assert [item.kind for item in play.do(tick, by="u-3")] == ["incident.step_confirmed"]
    assert play.do(tick, by="u-2") == []
    assert play.incident.run("juki-recover", "JUKI-01").confirmed_by == ("u-3",)


def test_two_people_with_different_outcomes_are_shown_both_statements(play: Play) -> None:
    play.do(c.FinishStep(incident=on(play), step="JUKI-01", expected_version=0), by="u-2")
    with pytest.raises(Conflict) as caught:
        play.do(
            c.FailStep(incident=on(play), step="JUKI-01", reason="水", expected_version=0), by="u-3"
        )
    assert (caught.value.by, caught.value.recorded, caught.value.wanted) == (
        "u-2",
        "完了",
        "できない",
    )
    assert "戻す" in str(caught.value)


def test_undo_leaves_its_trace_and_followers_are_marked_for_review(play: Play) -> None:
    play.do(c.FinishStep(incident=on(play), step="AD-01"))
    play.wait(minutes=5)
    play.do(c.StartStep(incident=on(play), step="AD-02"))
    play.wait(minutes=5)
    play.do(c.ReopenStep(incident=on(play), step="AD-01", reason="別の機械だった"))
    run = play.incident.run("ad-recover", "AD-01")
    assert (run.did, run.attempt, len(run.attempts)) == (Did.OPEN, 2, 1)
    found = standings(play.incident, play.book)["AD-02"]
    assert found.stand is Stand.RUNNING
    assert found.review_needed


def test_a_mandatory_step_is_skipped_only_with_another_persons_consent(play: Play) -> None:
    skip = c.SkipStep(incident=on(play), step="JUKI-05", reason="参照は不要")
    with pytest.raises(Refused, match="別の人の承認"):
        play.do(skip, by="u-2")
    play.do(
        c.SkipStep(incident=on(play), step="JUKI-05", reason="参照は不要", approved_by="u-1"),
        by="u-2",
    )
    assert stands(play)["JUKI-05"] is Stand.SKIPPED


def test_a_refused_step_says_what_is_allowed_and_what_comes_first(play: Play) -> None:
    with pytest.raises(Refused) as caught:
        play.do(c.StartStep(incident=on(play), step="JUKI-03"))
    assert "JUKI-02" in str(caught.value)
    assert "飛ばす" in str(caught.value)


def test_waiting_needs_a_promise_and_overdue_never_fails_the_step(play: Play) -> None:
    play.do(c.WaitStep(incident=on(play), step="AD-01", until=play.now + H, waits_for="電力会社"))
    play.wait(hours=5)
    found = standings(play.incident, play.book)["AD-01"]
    assert found.stand is Stand.WAITING
    assert found.overdue(play.now)
    play.do(c.StartStep(incident=on(play), step="AD-01"))
    play.do(c.FinishStep(incident=on(play), step="AD-01"))


def test_paper_may_be_typed_in_late_and_out_of_order(play: Play) -> None:
    late = c.FinishStep(
        incident=on(play),
        step="AD-02",
        paper=True,
        occurred_at=T0 + timedelta(minutes=5),
    )
    play.do(late)
    assert play.incident.run("ad-recover", "AD-02").late
    assert play.incident.late == 1


def test_restored_needs_evidence_or_a_waiver_with_a_reason(play: Play) -> None:
    with pytest.raises(Refused, match="juki, ad"):
        play.do(c.Restore(incident=on(play)))
    with pytest.raises(Refused, match="理由"):
        play.do(c.Restore(incident=on(play), waived=("juki", "ad")))
    _attain(play, "juki", "L2")
    play.do(c.Restore(incident=on(play), waived=("ad",), reason="認証は使わない"))
    assert play.incident.phase is Phase.RESTORED
    assert play.incident.waivers == ("ad",)


def test_gates_hold_the_stand_down_and_each_can_be_closed_by_decision(play: Play) -> None:
    _up_to_restore(play)  # JUKI-03 opened a port
    play.do(c.StartAlternate(incident=on(play), service="certificates"))
    play.do(c.IssueSheets(incident=on(play), ids=("S-1", "S-2")))
    _attain(play, "juki", "L2")
    _attain(play, "ad", "L3")
    play.do(c.Restore(incident=on(play)))
    play.do(c.BeginStandDown(incident=on(play)))
    assert "juki-return" in play.incident.runbooks
    held = {gate.id: gate.holds for gate in open_gates(play.incident)}
    assert held == {
        "changes": ("JUKI-03",),
        "sheets": ("S-1", "S-2"),
        "alternate": ("certificates",),
        "backup": (),
    }
    with pytest.raises(Refused, match="用紙の回収"):
        play.do(c.StandDown(incident=on(play)))
    play.do(c.RevertChange(incident=on(play), id="JUKI-03", note="閉じて外から確かめた"))
    play.do(c.EndAlternate(incident=on(play), service="certificates"))
    play.do(c.FinishBackEntry(incident=on(play), service="certificates"))
    play.do(c.ReturnSheet(incident=on(play), id="S-1"))
    play.do(c.CloseGate(incident=on(play), gate="sheets", reason="用紙焼失"))
    play.do(c.MeetGate(incident=on(play), gate="backup", check="backup/juki/main/1"))
    play.do(c.StandDown(incident=on(play)))
    assert play.incident.phase is Phase.STOOD_DOWN
    assert play.state.active is None


def test_a_relapse_goes_on_with_the_same_event_and_the_same_clock(play: Play) -> None:
    _attain(play, "juki", "L2")
    _attain(play, "ad", "L3")
    play.do(c.Restore(incident=on(play)))
    play.do(c.Relapse(incident=on(play), reason="余震"))
    assert (play.incident.phase, play.incident.onset) == (Phase.DECLARED, T0)


def test_a_level_lost_after_the_recovery_holds_the_stand_down(play: Play) -> None:
    _attain(play, "juki", "L2")
    _attain(play, "ad", "L3")
    play.do(c.Restore(incident=on(play)))
    play.do(c.BeginStandDown(incident=on(play)))
    play.do(c.CloseGate(incident=on(play), gate="backup", reason="控えは別に取った"))
    lost = c.LoseLevel(incident=on(play), system="juki", level="L2", since=play.now, checks=("x",))
    play.do(lost)
    assert [(gate.id, gate.holds) for gate in open_gates(play.incident)] == [("levels", ("juki",))]
    with pytest.raises(Refused, match="復旧した水準の維持"):
        play.do(c.StandDown(incident=on(play)))
    with pytest.raises(Refused, match="juki"):
        play.do(c.MeetGate(incident=on(play), gate="levels"))
    play.do(c.CloseGate(incident=on(play), gate="levels", reason="照会は翌朝まで止める"))
    play.do(c.StandDown(incident=on(play)))
    assert play.incident.phase is Phase.STOOD_DOWN


def test_a_waived_system_holds_no_stand_down(play: Play) -> None:
    _attain(play, "juki", "L2")
    play.do(c.Restore(incident=on(play), waived=("ad",), reason="認証は使わない"))
    assert play.incident.restored == (("juki", "L2"),)
    play.do(c.BeginStandDown(incident=on(play)))
    assert [gate.id for gate in open_gates(play.incident)] == ["backup"]


def test_the_onset_can_be_corrected_and_earlier_statements_stay(play: Play) -> None:
    play.do(c.CorrectOnset(incident=on(play), onset=T0 - H, reason="時計の記録"))
    assert play.incident.onset == T0 - H
    assert [mark.onset for mark in play.incident.onsets] == [T0, T0 - H]


def test_a_cancelled_event_takes_no_steps_but_its_changes_can_be_reverted(play: Play) -> None:
    _up_to_restore(play)
    play.do(c.Cancel(incident=on(play), reason="誤報"))
    with pytest.raises(Refused):
        play.do(c.StartStep(incident=on(play), step="AD-01"))
    play.do(c.RevertChange(incident=on(play), id="JUKI-03", note="閉じて外から確かめた"))
    assert play.declare().id == "R20261123-2"


def test_a_stopped_drill_takes_no_steps_and_can_always_be_ended() -> None:
    play = Play("drill-1")
    play.declare()
    play.do(c.Preempt(incident=on(play), real="R20261123-1"))
    with pytest.raises(Refused, match="訓練は中止"):
        play.do(c.StartStep(incident=on(play), step="AD-01"))
    play.do(c.BeginStandDown(incident=on(play)))
    play.do(c.CloseGate(incident=on(play), gate="backup", reason="訓練中止"))
    play.do(c.StandDown(incident=on(play)))


def test_names_typed_where_an_id_belongs_are_refused(play: Play) -> None:
    """A subject is hashed into the log for ever: nobody could erase a name from it."""
    for command in (
        c.AddNote(incident=on(play), text="連絡", subject="山田太郎"),
        c.OpenChange(incident=on(play), id="山田太郎 090-1111-2222", cia="C", what="開けた"),
        c.IssueSheets(incident=on(play), ids=("S-1", "山田さんの分")),
    ):
        with pytest.raises(Refused, match="内容の欄"):
            play.do(command)
    play.do(c.AddNote(incident=on(play), text="連絡", subject="backup/juki/main/4"))


def test_the_state_is_nothing_but_the_entries(play: Play) -> None:
    _up_to_restore(play)
    again = Incidents()
    for entry in play.entries:
        again = fold(again, entry)
    assert again == play.state


def test_free_text_never_enters_the_entry_itself(play: Play) -> None:
    play.do(c.AddNote(incident=on(play), text="山田さんが負傷"))
    assert "山田" not in repr(play.entries)
    assert play.texts[play.entries[-1].seq] == {"note": "山田さんが負傷"}


def _up_to_restore(play: Play) -> None:
    play.do(c.FinishStep(incident=on(play), step="JUKI-01"))
    play.do(c.TakeDecision(incident=on(play), step="JUKI-02", option="latest", rationale="最新"))
    play.do(c.StartStep(incident=on(play), step="JUKI-03"))
    play.wait(hours=1)
    snapshot = T0 - timedelta(hours=11)
    play.do(c.FinishStep(incident=on(play), step="JUKI-03", snapshot_at=snapshot))


def _attain(play: Play, system: str, level: str) -> None:
    play.do(
        c.AttainLevel(incident=on(play), system=system, level=level, since=play.now, checks=("x",))
    )
