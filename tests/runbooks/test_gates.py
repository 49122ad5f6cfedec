"""What holds the stand-down: each gate holds, is met by the fact, or closed by decision; none traps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcp.journal.entry import NewEntry
from bcp.kit.errors import Refused
from bcp.kit.language import text
from runbooks import commands as c
from runbooks.gates import ALWAYS, open_gates
from runbooks.incident import fold
from runbooks.state import Phase
from runbooks.worked import RunState
from tests.runbooks.test_automation import GOOD, Hand
from tests.runbooks.world import recorded


def code(hand: Hand, fact: str) -> None:
    """A sealed code was used (or its envelope replaced): an entry of the doors, not of the event."""
    detail = {"account": "u-9"} if fact == "opened" else {}
    new = NewEntry(f"breakglass.{fact}", "7", detail, None, hand.now)
    hand.state = fold(hand.state, recorded(new, 1000 + len(hand.entries), "system", hand.now))


def alone(hand: Hand) -> None:
    hand.say(c.RequestRun, step="M-01", parameters=GOOD, alone="全員出払っている")
    hand.say(c.BeginRun, "system", run="A1")
    hand.say(c.EndRun, "system", run="A1", state=RunState.OK, exit=0, seconds=3)


def stop(hand: Hand) -> None:
    on = hand.incident.id
    hand.do(c.StopSystem(incident=on, system="juki", kind="voluntary", reason="余震に備える"))


def paper(hand: Hand) -> None:
    hand.say(c.StartAlternate, service="certificates")


def change(hand: Hand) -> None:
    hand.say(c.OpenChange, id="port-1", cia="C", what="開けた")
    hand.say(c.ApproveChange, by="u-3", id="port-1")


OPENS: dict[str, Callable[[Hand], object]] = {
    "changes": change,
    "countersign": alone,
    "sheets": lambda hand: hand.say(c.IssueSheets, ids=("S-1",)),
    "codes": lambda hand: code(hand, "opened"),
    "stops": stop,
    "alternate": paper,
}
MEETS: dict[str, Callable[[Hand], object]] = {
    "changes": lambda hand: hand.say(c.RevertChange, id="port-1", note="閉じた"),
    "countersign": lambda hand: hand.say(c.CountersignRun, by="u-3", run="A1", note="見た"),
    "sheets": lambda hand: hand.say(c.ReturnSheet, id="S-1"),
    "codes": lambda hand: code(hand, "settled"),
    "stops": lambda hand: hand.say(c.EndStop, system="juki"),
    "alternate": lambda hand: hand.say(c.EndAlternate, service="certificates", back_entry=False),
    "backup": lambda hand: hand.say(c.MeetGate, gate="backup", check="backup/juki/main/4"),
}


def ready_to_end(opened: tuple[str, ...]) -> Hand:
    """An event whose stand-down was begun while these things are open."""
    hand = Hand()
    for id in opened:
        OPENS[id](hand)
    hand.say(c.Restore, by="u-1", waived=("juki", "ad"), reason="決定")
    hand.say(c.BeginStandDown, by="u-1")
    return hand


def still(hand: Hand) -> set[str]:
    return {gate.id for gate in open_gates(hand.incident)}


@pytest.mark.parametrize("gate", MEETS)
def test_a_gate_holds_until_the_fact_is_there_and_nothing_else_meets_it(gate: str) -> None:
    hand = ready_to_end((gate,) if gate in OPENS else ())
    assert still(hand) == {gate, "backup"}
    with pytest.raises(Refused, match=text(f"runbooks.gate_{gate}").ja.replace("(", r"\(")[:6]):
        hand.say(c.StandDown, by="u-1")
    if gate != "backup":
        with pytest.raises(Refused):
            hand.say(c.MeetGate, by="u-1", gate=gate)
        MEETS["backup"](hand)
    MEETS[gate](hand)
    assert still(hand) == set()
    hand.say(c.StandDown, by="u-1")
    assert hand.incident.phase is Phase.STOOD_DOWN


@pytest.mark.parametrize("gate", MEETS)
def test_a_gate_is_closed_by_a_decision_with_its_reason_only(gate: str) -> None:
    hand = ready_to_end((gate,) if gate in OPENS else ())
    with pytest.raises(Refused):
        hand.say(c.CloseGate, by="u-1", gate=gate, reason=" ")
    hand.say(c.CloseGate, by="u-1", gate=gate, reason="焼失した")
    assert gate not in still(hand)
    (closed,) = [e for e in hand.entries if e.kind == "incident.gate_closed"]
    assert hand.texts[closed.seq]["reason"] == "焼失した"


@settings(max_examples=40, deadline=None)
@given(
    opened=st.lists(st.sampled_from(sorted(OPENS)), unique=True),
    met=st.sets(st.sampled_from(sorted(MEETS))),
    order=st.permutations(ALWAYS),
)
def test_no_combination_of_gates_traps_a_city(
    opened: list[str], met: set[str], order: list[str]
) -> None:
    hand = ready_to_end(tuple(opened))
    assert still(hand) == {*opened, "backup"}
    for gate in (id for id in order if id in met and id in still(hand)):
        MEETS[gate](hand)
    left = still(hand)
    assert left == {*opened, "backup"} - met
    if left:
        with pytest.raises(Refused) as refused:
            hand.say(c.StandDown, by="u-1")
        said = str(refused.value)
        assert all(text(f"runbooks.gate_{id}").ja in said for id in left)
    for gate in order:
        if gate in still(hand):
            hand.say(c.CloseGate, by="u-1", gate=gate, reason="決定")
    hand.say(c.StandDown, by="u-1")
    assert hand.incident.phase is Phase.STOOD_DOWN
