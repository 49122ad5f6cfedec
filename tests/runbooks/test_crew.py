"""Who does what: claims, two people, challenge and answer, approvals, escalation, loops, proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bcp.journal.entry import Actor
from bcp.kit.errors import Refused
from runbooks import commands as c
from runbooks.context import Context
from runbooks.escalation import escalations
from runbooks.progress import Stand, standings
from runbooks.state import Did, Verification
from tests.runbooks.world import Play, a_book

CREW = """
apiVersion: ict-bcp/v1
kind: Runbook
id: crew
title: 二人の手順
system: ad
purpose: recover
version: "1"
owner_role: infra
steps:
  - {id: C-01, title: ラックを二人で運ぶ, type: action, people: 2, needs: []}
  - id: C-02
    title: 番号を読み合わせる
    type: action
    mode: challenge-response
    challenge: {ask: "先頭の4文字は", answer: "7f3c"}
    needs: []
  - {id: C-03, title: 全面復旧の承認を得る, type: approval, approver: cio, needs: []}
  - id: C-04
    title: 配線を一本ずつ試す
    type: action
    while: まだ試していない線がある
    max_attempts: 3
    duration: {p50: 10m, p90: 20m}
    needs: []
  - {id: C-05, title: 緑を確かめる, type: verify, probe: {id: ad-ldap}, gate: verified, needs: []}
  - {id: C-06, title: 使い始める, type: action, needs: [C-05]}
  - id: C-07
    title: 道を決める
    type: decision
    question: どちら
    needs: []
    options: [{id: a, label: A, next: C-08}, {id: b, label: B, next: C-09}]
  - {id: C-08, title: Aを行う, type: action}
  - {id: C-09, title: Bを行う, type: action}
  - {id: C-10, title: 必ず行う, type: action, mandatory: true, needs: []}
"""


class Crew(Play):
    """The small city with the runbook of this file, and accounts tied to roles where asked."""

    def __init__(self) -> None:
        super().__init__()
        self.book = a_book(CREW)
        self.holders: dict[str, frozenset[str]] = {}
        self.capacity = "staff"
        self.declare()

    def context(self, by: str = "u-1") -> Context:
        """Everybody is staff, except for the declaration."""
        capacity = "commander" if by == "u-1" else self.capacity
        made = super().context(by)
        return replace(made, actor=Actor(by, capacity), holders=self.holders)

    def stand(self, step: str) -> Stand:
        return standings(self.incident, self.book)[step].stand

    def say(self, kind: type, by: str = "u-2", **fields: object) -> None:
        self.do(kind(incident=self.incident.id, **fields), by)


@pytest.fixture
def crew() -> Crew:
    return Crew()


def test_a_step_for_two_is_not_finished_by_one_without_a_reason(crew: Crew) -> None:
    with pytest.raises(Refused, match="2 人"):
        crew.say(c.FinishStep, step="C-01")
    crew.say(c.FinishStep, step="C-01", alone="応援が橋の向こうにいる")
    run = crew.incident.run("crew", "C-01")
    assert run.did is Did.DONE
    assert run.alone


def test_two_people_finish_a_step_for_two_however_the_second_is_named(crew: Crew) -> None:
    crew.say(c.StartStep, "u-2", step="C-01")
    crew.say(c.JoinStep, "u-3", step="C-01")
    crew.say(c.FinishStep, "u-2", step="C-01")
    run = crew.incident.run("crew", "C-01")
    assert (run.helpers, run.alone) == (("u-3",), False)


def test_a_claim_does_not_begin_a_step_and_a_release_gives_it_back(crew: Crew) -> None:
    crew.say(c.AssignStep, "u-2", step="C-04")
    assert crew.stand("C-04") is Stand.READY
    assert crew.incident.run("crew", "C-04").claimed_by == "u-2"
    crew.say(c.StartStep, "u-2", step="C-04")
    crew.say(c.ReleaseStep, "u-2", step="C-04", note="交代")
    run = crew.incident.run("crew", "C-04")
    assert (run.did, run.claimed_by, run.attempt) == (Did.OPEN, None, 1)


def test_a_challenge_wants_the_answer_the_screen_asks_for_and_two_people(crew: Crew) -> None:
    with pytest.raises(Refused, match="2 人"):
        crew.say(c.FinishStep, step="C-02", answer="7f3c")
    with pytest.raises(Refused, match="画面"):
        crew.say(c.FinishStep, step="C-02", answer="8f3c", together="u-3")
    crew.say(c.FinishStep, step="C-02", answer=" ７F3C ", together="u-3")
    assert crew.incident.run("crew", "C-02").answered
    assert crew.texts[len(crew.entries)]["answer"] == " ７F3C "


def test_an_approval_is_checked_against_the_role_and_a_shift_is_the_way_out(crew: Crew) -> None:
    crew.say(c.FinishStep, "u-2", step="C-03")  # nobody's account is tied to a role: said so
    assert crew.incident.run("crew", "C-03").checked is False
    crew.say(c.ReopenStep, "u-2", step="C-03", reason="名簿ができた")
    crew.holders = {"u-9": frozenset({"cio"}), "u-2": frozenset({"staff"})}
    with pytest.raises(Refused, match="CIO"):
        crew.say(c.FinishStep, "u-2", step="C-03")
    crew.say(c.FillRole, "u-1", role="cio", person="u-2", until=crew.now + timedelta(hours=8))
    crew.say(c.FinishStep, "u-2", step="C-03")
    assert crew.incident.run("crew", "C-03").checked is True


def test_a_shift_ends_and_with_it_what_it_allowed(crew: Crew) -> None:
    crew.holders = {"u-9": frozenset({"cio"}), "u-2": frozenset({"staff"})}
    crew.say(c.FillRole, "u-1", role="cio", person="u-2")
    crew.wait(hours=1)
    crew.say(c.LeaveRole, "u-1", role="cio", person="u-2")
    with pytest.raises(Refused):
        crew.say(c.FinishStep, "u-2", step="C-03")


def test_a_mandatory_step_is_skipped_only_with_consent_from_above(crew: Crew) -> None:
    crew.holders = {"u-2": frozenset({"staff"}), "u-3": frozenset({"staff"})}
    with pytest.raises(Refused, match="統括者"):
        crew.say(c.SkipStep, "u-2", step="C-10", reason="不要", approved_by="u-3")
    crew.holders["u-3"] = frozenset({"mayor"})
    crew.say(c.SkipStep, "u-2", step="C-10", reason="不要", approved_by="u-3")
    assert crew.stand("C-10") is Stand.SKIPPED


def test_time_escalates_down_the_succession_and_never_fails_a_step(crew: Crew) -> None:
    crew.say(c.StartStep, "u-2", step="C-04")
    told = []
    for _ in range(8):
        crew.wait(minutes=15)
        for command, _op in escalations(crew.incident, crew.city, crew.book, crew.now):
            crew.do(command, "system")
            told.append((command.to, int((crew.now - crew.incident.declared_at).total_seconds())))
    assert [to for to, _ in told] == ["p5", "u-1"]  # the deputy, then the commander
    assert crew.stand("C-04") is Stand.RUNNING
    crew.say(c.FinishStep, "u-2", step="C-04")


def test_an_event_in_which_nothing_happens_is_brought_to_those_who_answer_for_it(
    crew: Crew,
) -> None:
    told = []
    for _ in range(12):
        crew.wait(minutes=10)
        for command, _op in escalations(crew.incident, crew.city, crew.book, crew.now):
            crew.do(command, "system")
            told.append((command.to, command.idle))
    assert told == [("p4", True), ("p5", True), ("u-1", True)], "role, deputy, commander, once"
    crew.say(c.StartStep, "u-2", step="C-04")
    crew.wait(minutes=1)
    assert escalations(crew.incident, crew.city, crew.book, crew.now) == []


def test_a_deputy_who_cannot_be_reached_is_passed_over_at_once(crew: Crew) -> None:
    crew.say(c.StartStep, "u-2", step="C-04")
    crew.wait(minutes=21)
    (first,) = escalations(crew.incident, crew.city, crew.book, crew.now)
    crew.do(first[0], "system")
    assert escalations(crew.incident, crew.city, crew.book, crew.now) == []
    crew.say(c.TryToReach, "u-2", person=first[0].to, reached=False, step="C-04", note="圏外")
    (second,) = escalations(crew.incident, crew.city, crew.book, crew.now)
    assert second[0].to == "u-1"


def test_a_loop_counts_its_rounds_and_ends(crew: Crew) -> None:
    for _ in range(2):
        crew.say(c.FinishStep, step="C-04", again=True)
    run = crew.incident.run("crew", "C-04")
    assert (run.attempt, len(run.attempts), run.did) == (3, 2, Did.OPEN)
    with pytest.raises(Refused, match="3 回"):
        crew.say(c.FinishStep, step="C-04", again=True)
    crew.say(c.FinishStep, step="C-04")
    with pytest.raises(Refused, match="繰り返し"):
        crew.say(c.FinishStep, step="C-10", again=True)


def test_a_gate_waits_for_proof_until_another_person_waives_it(crew: Crew) -> None:
    crew.say(c.FinishStep, "u-2", step="C-05")
    assert crew.stand("C-06") is Stand.BLOCKED
    with pytest.raises(Refused, match="別の人"):
        crew.say(c.WaiveProof, "u-2", step="C-05", reason="監視も被災")
    crew.say(c.WaiveProof, "u-3", step="C-05", reason="監視も被災")
    assert crew.incident.run("crew", "C-05").verification is Verification.WAIVED
    assert crew.stand("C-06") is Stand.READY


def test_a_changed_decision_marks_what_was_begun_until_somebody_looked_again(crew: Crew) -> None:
    crew.say(c.TakeDecision, step="C-07", option="a", rationale="")
    crew.say(c.StartStep, step="C-08")
    crew.wait(minutes=1)
    crew.say(c.ReopenStep, step="C-07", reason="電源が戻った")
    crew.say(c.TakeDecision, step="C-07", option="b", rationale="")
    found = standings(crew.incident, crew.book)
    assert found["C-08"].review_needed
    assert found["C-08"].stand is Stand.RUNNING
    assert found["C-09"].stand is Stand.READY
    crew.wait(minutes=1)
    crew.say(c.ReviewStep, step="C-08", note="途中まで戻した")
    assert not standings(crew.incident, crew.book)["C-08"].review_needed


def test_every_promise_of_a_vendor_is_kept(crew: Crew) -> None:
    for hours in (1, 3):
        crew.say(c.WaitStep, step="C-04", until=crew.now + timedelta(hours=hours), waits_for="A社")
        crew.wait(minutes=50)
    run = crew.incident.run("crew", "C-04")
    assert len(run.promises) == 2
    assert run.expected_at == run.promises[-1].until
