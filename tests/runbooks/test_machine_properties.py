"""Random commands against the machine: what is accepted keeps the invariants, replay is equal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bcp.kit.errors import Refused
from runbooks import commands as c
from runbooks.amended import amended
from runbooks.escalation import escalations
from runbooks.gates import open_gates
from runbooks.ground import Hold
from runbooks.holding import holds
from runbooks.incident import fold
from runbooks.incidents import Incidents
from runbooks.progress import PROVEN, Stand, standings
from runbooks.state import Did, Phase, Ratification
from runbooks.targets import Goal, level_targets
from tests.runbooks.world import T0, Play

STEPS = ("JUKI-01", "JUKI-02", "JUKI-03", "JUKI-04", "JUKI-05", "JUKI-90", "AD-01", "AD-02")
PEOPLE = ("u-1", "u-2", "u-3")
step, person = st.sampled_from(STEPS), st.sampled_from(PEOPLE)


class Machine(RuleBasedStateMachine):
    """People, the board and the clock in any order."""

    @initialize()
    def declared(self) -> None:
        self.play = Play()
        self.play.declare()

    def do(self, kind: Any, by: str = "u-1", /, **fields: Any) -> None:
        """Accepted, or refused with a sentence in both languages; never anything else."""
        self.attempt(lambda: self.play.do(kind(incident=self.play.incident.id, **fields), by))

    def attempt(self, act: Callable[[], object]) -> None:
        """The same of anything."""
        said = ""
        try:
            act()
        except Refused as refusal:
            said = str(refusal)
        assert not said or " / " in said
        assert "runbooks." not in said, "a text is missing in the catalogue"
        assert "{" not in said

    @rule(minutes=st.integers(1, 300))
    def time_passes(self, minutes: int) -> None:
        self.play.wait(minutes=minutes)

    @rule(step=step, by=person)
    def start(self, step: str, by: str) -> None:
        self.do(c.StartStep, by, step=step)

    @rule(step=step, by=person, paper=st.booleans(), version=st.none() | st.integers(0, 3))
    def finish(self, step: str, by: str, paper: bool, version: int | None) -> None:
        self.do(c.FinishStep, by, step=step, paper=paper, expected_version=version)

    @rule(step=step, by=person, version=st.none() | st.integers(0, 3))
    def fail(self, step: str, by: str, version: int | None) -> None:
        self.do(c.FailStep, by, step=step, reason="できない", expected_version=version)

    @rule(step=step, by=person, other=st.none() | person)
    def skip(self, step: str, by: str, other: str | None) -> None:
        self.do(c.SkipStep, by, step=step, reason="不要", approved_by=other)

    @rule(step=step)
    def wait(self, step: str) -> None:
        self.do(c.WaitStep, step=step, until=self.play.now + timedelta(hours=1))

    @rule(step=step, by=person)
    def reopen(self, step: str, by: str) -> None:
        self.do(c.ReopenStep, by, step=step, reason="間違い")

    @rule(step=step, by=person, alone=st.sampled_from(("", "誰もいない")))
    def attest(self, step: str, by: str, alone: str) -> None:
        self.do(c.AttestStep, by, step=step, note="見た", alone=alone)

    @rule(step=step, by=person, alone=st.sampled_from(("", "誰もいない")))
    def waive(self, step: str, by: str, alone: str) -> None:
        self.do(c.WaiveProof, by, step=step, reason="監視も被災", alone=alone)

    @rule(step=step, by=person, kind=st.sampled_from((c.AssignStep, c.JoinStep, c.ReleaseStep)))
    def hands(self, step: str, by: str, kind: Any) -> None:
        self.do(kind, by, step=step)

    @rule(step=step, by=person)
    def look_again(self, step: str, by: str) -> None:
        self.do(c.ReviewStep, by, step=step, note="見直した")

    @rule(step=step)
    def cancel_step(self, step: str) -> None:
        self.do(c.CancelStep, step=step, reason="不要になった")

    @rule(runbook=st.sampled_from(("ad-recover", "juki-recover")), back=st.booleans())
    def abandon(self, runbook: str, back: bool) -> None:
        kind: Any = c.ResumeRunbook if back else c.AbandonRunbook
        self.do(kind, runbook=runbook, reason="別の方法")

    @rule(
        new=st.sampled_from(("X-1", "X-2", "X-3")),
        after=st.none() | step,
        before=st.none() | step,
        move=st.booleans(),
    )
    def amend(self, new: str, after: str | None, before: str | None, move: bool) -> None:
        if move:
            self.do(
                c.MoveStep, step=after or "AD-02", after=before, before=None, reason="順を変える"
            )
        else:
            self.do(c.AddStep, runbook="ad-recover", step=new, title="足した手順", reason="状況が違う",
                    after=after, before=before)  # fmt: skip

    @rule(by=person, reached=st.booleans(), role=st.sampled_from(("infra", "cio", "nobody")))
    def crew(self, by: str, reached: bool, role: str) -> None:
        self.do(c.TryToReach, person=by, reached=reached)
        self.do(c.FillRole if reached else c.LeaveRole, role=role, person=by)

    @rule()
    def escalate(self) -> None:
        book = amended(self.play.book, self.play.incident)
        stands = {id: s.stand for id, s in standings(self.play.incident, book).items()}
        for command, _op in escalations(self.play.incident, self.play.city, book, self.play.now):
            self.play.do(command, "system")
        after = standings(self.play.incident, book)
        assert {id: s.stand for id, s in after.items()} == stands, "time changed a step"

    @rule(step=step, option=st.sampled_from(("latest", "older", "x")), consent=st.none() | person)
    def choose(self, step: str, option: str, consent: str | None) -> None:
        self.do(c.TakeDecision, step=step, option=option, rationale="根拠", approved_by=consent)

    @rule(step=step, passed=st.booleans())
    def probe(self, step: str, passed: bool) -> None:
        self.do(c.VerifyStep, step=step, passed=passed, check="x", since=self.play.now)

    @rule(system=st.sampled_from((("juki", "L2"), ("ad", "L3"))), held=st.booleans())
    def board(self, system: tuple[str, str], held: bool) -> None:
        kind = c.AttainLevel if held else c.LoseLevel
        self.do(kind, system=system[0], level=system[1], since=self.play.now, checks=("x",))

    @rule(
        waived=st.sampled_from(((), ("juki",), ("juki", "ad"))), reason=st.sampled_from(("", "r"))
    )
    def restore(self, waived: tuple[str, ...], reason: str) -> None:
        self.do(c.Restore, waived=waived, reason=reason)

    @rule(kind=st.sampled_from((c.BeginStandDown, c.StandDown, c.Ratify)))
    def frame(self, kind: Any) -> None:
        self.do(kind, "u-2")

    @rule(kind=st.sampled_from((c.Relapse, c.Overrule)))
    def framed(self, kind: Any) -> None:
        self.do(kind, "u-2", reason="余震")

    @rule(id=st.sampled_from(("P-1", "P-2")), by=person)
    def open_change(self, id: str, by: str) -> None:
        self.do(c.OpenChange, by, id=id, cia="C", what="ポートを開けた", kind="port")

    @rule(harm=st.sampled_from(("leak", "loss", "x")), by=person)
    def open_breach(self, harm: str, by: str) -> None:
        self.do(c.OpenBreach, by, harm=harm, what="名簿が消えた")

    @rule(id=st.sampled_from(("P1", "P2")), stage=st.sampled_from(("preliminary", "final")))
    def report_breach(self, id: str, stage: str) -> None:
        self.do(c.ReportBreach, id=id, stage=stage, note="委員会へ")

    @rule(
        kind=st.sampled_from((c.ApproveChange, c.CountersignChange)),
        id=st.sampled_from(("P-1", "P-2", "JUKI-03")),
        by=person,
        alone=st.booleans(),
    )
    def sign_change(self, kind: Any, id: str, by: str, alone: bool) -> None:
        more = {"alone": "誰もいない"} if alone and kind is c.ApproveChange else {}
        self.do(kind, by, id=id, **more)

    @rule(id=st.sampled_from(("P-1", "P-2", "JUKI-03")), by=person, hours=st.integers(-1, 900))
    def end_change(self, id: str, by: str, hours: int) -> None:
        until = self.play.now + timedelta(hours=hours)
        if hours % 2:
            self.do(c.ExtendChange, by, id=id, expires_at=until, reason="まだ要る")
        else:
            self.do(c.RevertChange, by, id=id, note="閉じて確かめた")

    @rule(
        gate=st.sampled_from(("backup", "monitoring", "codes")),
        why=st.none() | st.sampled_from(("no_backup", "red", "unshowable")),
    )
    def evidence_turns(self, gate: str, why: str | None) -> None:
        self.play.ground = {**self.play.ground, gate: (Hold("juki", why),) if why else ()}

    @rule(gate=st.sampled_from(("backup", "monitoring", "codes", "levels")))
    def meet_gate(self, gate: str) -> None:
        self.do(c.MeetGate, gate=gate, note="確かめた")

    @rule(gate=st.sampled_from(("changes", "sheets", "backup", "alternate", "back_entry", "x")))
    def close_gate(self, gate: str) -> None:
        self.do(c.CloseGate, gate=gate, reason="焼失")

    @rule(start=st.booleans())
    def paper_work(self, start: bool) -> None:
        self.do(c.StartAlternate if start else c.EndAlternate, service="certificates")

    @rule(id=st.sampled_from(("S-1", "S-2")), out=st.booleans())
    def sheets(self, id: str, out: bool) -> None:
        self.do(c.IssueSheets, ids=(id,)) if out else self.do(c.ReturnSheet, id=id)

    @rule(cyber=st.booleans())
    def another_event(self, cyber: bool) -> None:
        """An aftershock, or an intruder during the recovery; refused without its link."""
        links = self.play.state.open[-1:]
        if len(self.play.state.items) > 2:
            return
        nature = "cyber" if cyber else "disaster"
        more = {"onset": T0, "links": links, "nature": nature, "capacity": "on_site", "role": None}
        self.attempt(lambda: self.play.declare(**more))  # type: ignore[arg-type]

    @rule(what=st.sampled_from(("containment", "evidence", "snapshot")), override=st.booleans())
    def settle(self, what: str, override: bool) -> None:
        self.do(c.Settle, what=what, override=override, reason="済んだ")

    @rule(system=st.sampled_from((("juki", "L2"), ("ad", "L3"))), works=st.booleans())
    def look(self, system: tuple[str, str], works: bool) -> None:
        self.do(c.ObserveLevel, "u-3", system=system[0], level=system[1], works=works, note="見た")

    @rule(part=st.sampled_from((("system", "ad"), ("service", "certificates"))), end=st.booleans())
    def part(self, part: tuple[str, str], end: bool) -> None:
        if end:
            self.do(c.EndPart, kind=part[0], id=part[1], waived=True, reason="決定")
        else:
            self.do(c.ResumePart, kind=part[0], id=part[1], reason="再発")

    @rule(level=st.integers(0, 4))
    def level(self, level: int) -> None:
        self.do(c.ChangeLevel, level=level, reason="変更")

    @rule(systems=st.sampled_from(((), ("juki",), ("x",))))
    def scope(self, systems: tuple[str, ...]) -> None:
        self.do(c.ChangeScope, systems=systems, reason="変更")

    @rule(kind=st.sampled_from(("threat_note", "flood", "x")))
    def report(self, kind: str) -> None:
        said = c.Suggest(rule="report", kind=kind, level=3, onset=T0, text="見た")
        self.attempt(lambda: self.play.do(said))

    @invariant()
    def the_running_events_are_those_that_are_active(self) -> None:
        state = self.play.state
        assert {*state.open} == {id for id, one in state.items.items() if one.active}
        assert [one.open for one in state.suggestions.values()].count(True) <= 2

    @invariant()
    def the_state_is_nothing_but_the_entries(self) -> None:
        again = Incidents()
        for entry in self.play.entries:
            again = fold(again, entry)
        assert again == self.play.state
        for id, incident in again.items.items():
            assert incident.version == sum(entry.incident == id for entry in self.play.entries)

    @invariant()
    def what_is_running_or_done_is_consistent(self) -> None:
        book = amended(self.play.book, self.play.incident)
        assert not book.cyclic
        for found in standings(self.play.incident, book).values():
            run = found.run
            derived = (Stand.BLOCKED, Stand.READY, Stand.NOT_APPLICABLE, Stand.CANCELLED)
            assert (run.did in (Did.OPEN, Did.CANCELLED)) == (found.stand in derived)
            assert (run.did is Did.CANCELLED) <= (found.stand is Stand.CANCELLED)
            if run.did is Did.DONE:
                assert run.finished_by is not None
                assert run.attempts[-1].result is Did.DONE
            assert (found.stand is Stand.BLOCKED) <= bool(found.waits_on)
            if run.verification in PROVEN:
                assert run.did in (Did.DONE,)

    @invariant()
    def an_end_has_no_open_gate_and_a_restoration_has_evidence(self) -> None:
        incident = self.play.incident
        if incident.phase is Phase.STOOD_DOWN:
            assert open_gates(incident) == ()
            assert incident.id not in self.play.state.open
        assert all(one.onset == T0 for one in self.play.state.items.values())

    @invariant()
    def nobody_stands_alone_for_a_change_without_a_trace(self) -> None:
        for change in self.play.incident.changes.values():
            assert change.alone == (change.approved_by == change.by)
            signer = change.countersigned_by
            assert signer is None or signer not in (change.by, change.approved_by)

    @invariant()
    def a_tick_never_attains_a_target(self) -> None:
        entries = {entry.kind for entry in self.play.entries}
        if not entries & {"incident.level_attained", "incident.level_observed"}:
            found = level_targets(self.play.incident, self.play.city, self.play.book, self.play.now)
            assert all(target.goal is not Goal.ATTAINED for target in found)

    @invariant()
    def a_gate_never_traps(self) -> None:
        """From any active state somebody with authority can end the event."""
        incident = self.play.incident
        if not incident.active:
            return
        trial = Play()
        trial.state, trial.entries, trial.now = self.play.state, [*self.play.entries], self.play.now
        id, trial.ground = incident.id, self.play.ground
        if incident.ratification is Ratification.OVERRULED:
            trial.do(c.ChangeScope(incident=id, systems=("juki", "ad"), reason="決定"))
            trial.do(c.ChangeScope(incident=id, systems=("ad",), reason="決定"))
        for what in holds(incident):
            trial.do(c.Settle(incident=id, what=what, override=True, reason="決定"))  # type: ignore[arg-type]
        if incident.phase is Phase.DECLARED:
            trial.do(c.Restore(incident=id, waived=("juki", "ad"), reason="決定"))
        if trial.incident.phase is Phase.RESTORED:
            trial.do(c.BeginStandDown(incident=id))
        for gate in open_gates(trial.incident, trial.ground):
            trial.do(c.CloseGate(incident=id, gate=gate.id, reason="決定"))
        trial.do(c.StandDown(incident=id))


Machine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestMachine = Machine.TestCase
