"""What a machine may do for a step: allow-list, second person, alone with a reason, never twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from bcp.journal.entry import Actor
from bcp.kit.errors import Refused
from bcp.plan.automation import Automation
from runbooks import commands as c
from runbooks.context import Context
from runbooks.gates import open_gates
from runbooks.worked import AutoRun, RunState
from tests.runbooks.world import Play, a_book

BOOK = """
apiVersion: ict-bcp/v1
kind: Runbook
id: machine
title: 機械に任せる
system: ad
purpose: recover
version: "1"
owner_role: infra
roles: {lead: juki}
steps:
  - {id: M-01, title: 再起動する, type: command, run: restart, needs: []}
  - {id: M-02, title: 消す, type: command, run: wipe, needs: []}
  - {id: M-04, title: 役割で行う, type: command, run: restart, needs: [], confirm: {by: infra, second: lead}}
  - {id: M-03, title: 一覧にないこと, type: command, run: unheard-of, needs: []}
"""
LIST = tuple(
    Automation.model_validate(line)
    for line in (
        {
            "id": "restart",
            "title": "認証を再起動する",
            "command": ["/bin/echo", "--snapshot={snapshot}"],
            "parameters": {"snapshot": "[0-9a-f]{4}"},
            "timeout": "1m",
            "reversible": True,
            "systems": ["ad"],
            "drill": {"simulate": True},
        },
        {
            "id": "wipe",
            "title": "古いディスクを消す",
            "command": ["/bin/true"],
            "timeout": "1m",
            "destructive": True,
            "retype": "消去",
        },
    )
)
GOOD = {"snapshot": "7f3c"}


class Hand(Play):
    """The small city with an allow-list."""

    def __init__(self, stage: str = "real") -> None:
        super().__init__(stage)
        self.book, self.allowed = a_book(BOOK), LIST
        self.holders: dict[str, frozenset[str]] = {}
        self.declare()

    def context(self, by: str = "u-1") -> Context:
        made = super().context(by)
        capacity = "commander" if by == "u-1" else "staff"
        return replace(made, actor=Actor(by, capacity), allowed=self.allowed, holders=self.holders)

    def say(self, kind: type, by: str = "u-2", **fields: object) -> None:
        self.do(kind(incident=self.incident.id, **fields), by)

    def run(self, id: str = "A1") -> AutoRun:
        return self.incident.automations[id]


def test_a_second_person_confirms_and_the_one_who_asked_cannot() -> None:
    hand = Hand()
    hand.say(c.RequestRun, step="M-01", parameters=GOOD)
    assert hand.run().state is RunState.REQUESTED
    with pytest.raises(Refused, match="別の人"):
        hand.say(c.ConfirmRun, run="A1")
    hand.say(c.ConfirmRun, "u-3", run="A1")
    assert (hand.run().state, hand.run().confirmed_by) == (RunState.CONFIRMED, "u-3")
    with pytest.raises(Refused, match="まだ終わって"):
        hand.say(c.FinishStep, step="M-01")
    hand.say(c.BeginRun, "system", run="A1")
    hand.say(c.EndRun, "system", run="A1", state=RunState.OK, exit=0, seconds=3, output="done")
    hand.say(c.FinishStep, step="M-01")
    assert not hand.run().owes_countersign


def test_alone_with_a_reason_is_countersigned_before_stand_down_or_closed_by_decision() -> None:
    hand = Hand()
    hand.say(c.RequestRun, step="M-01", parameters=GOOD, alone="全員出払っている")
    assert hand.run().state is RunState.CONFIRMED
    hand.say(c.BeginRun, "system", run="A1")
    hand.say(c.EndRun, "system", run="A1", state=RunState.FAILED, exit=1, seconds=3)
    assert "countersign" in {gate.id for gate in open_gates(hand.incident)}
    with pytest.raises(Refused, match="別の人"):
        hand.say(c.CountersignRun, run="A1", note="見た")
    hand.say(c.CountersignRun, "u-3", run="A1", note="ログを見た")
    assert "countersign" not in {gate.id for gate in open_gates(hand.incident)}


def test_what_destroys_is_never_done_alone_and_wants_its_word() -> None:
    hand = Hand()
    with pytest.raises(Refused, match="消去"):
        hand.say(c.RequestRun, step="M-02")
    with pytest.raises(Refused, match="一人では"):
        hand.say(c.RequestRun, step="M-02", retype="消去", alone="誰もいない")
    hand.say(c.RequestRun, step="M-02", retype="消去")
    assert hand.run().state is RunState.REQUESTED


@pytest.mark.parametrize("value", ["", "7f3c; rm -rf /", "--help", "7f3", "7F3C\n", "zzzz"])
def test_a_parameter_that_does_not_fit_whole_is_refused(value: str) -> None:
    hand = Hand()
    with pytest.raises(Refused, match="snapshot"):
        hand.say(c.RequestRun, step="M-01", parameters={"snapshot": value})
    with pytest.raises(Refused, match="other"):
        hand.say(c.RequestRun, step="M-01", parameters={**GOOD, "other": "1"})


def test_only_what_is_on_the_list_runs_and_a_changed_line_must_be_confirmed_anew() -> None:
    hand = Hand()
    with pytest.raises(Refused, match="許可一覧"):
        hand.say(c.RequestRun, step="M-03")
    with pytest.raises(Refused, match="許可一覧"):
        hand.say(c.RequestRun, step="AD-01")
    hand.say(c.RequestRun, step="M-01", parameters=GOOD)
    hand.allowed = (LIST[0].model_copy(update={"command": ("/bin/rm", "{snapshot}")}), LIST[1])
    with pytest.raises(Refused, match="定義"):
        hand.say(c.ConfirmRun, "u-3", run="A1")
    hand.say(c.WithdrawRun, run="A1", reason="変わった")
    assert hand.run().state is RunState.WITHDRAWN


def test_a_drill_runs_only_what_is_named_for_drills() -> None:
    drill = Hand("aki")
    drill.say(c.RequestRun, step="M-01", parameters=GOOD)
    assert drill.run().state is RunState.SIMULATED
    with pytest.raises(Refused, match="訓練"):
        drill.say(c.RequestRun, step="M-02", retype="消去")


def test_an_unknown_end_is_said_and_nothing_begins_twice() -> None:
    hand = Hand()
    hand.say(c.RequestRun, step="M-01", parameters=GOOD, alone="一人")
    hand.say(c.BeginRun, "system", run="A1")
    with pytest.raises(Refused):
        hand.say(c.BeginRun, "system", run="A1")
    hand.say(c.EndRun, "system", run="A1", state=RunState.UNKNOWN)
    assert hand.run().owes_countersign
    with pytest.raises(Refused):
        hand.say(c.BeginRun, "system", run="A1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"command": ["rm", "-rf"]},
        {"command": []},
        {"command": ["/bin/x", "{a}"]},
        {"command": ["/bin/x"], "parameters": {"a": ".*"}},
        {"command": ["/bin/x", "{a}"], "parameters": {"a": "["}},
        {"command": ["/bin/x"], "action": "check"},
        {"command": ["/bin/x"], "timeout": "25h"},
        {"command": ["/bin/x"], "drill": {}},
    ],
)
def test_a_wrong_line_of_the_list_is_refused_when_the_plan_is_read(
    wrong: dict[str, object],
) -> None:
    with pytest.raises(ValidationError):
        Automation.model_validate({"id": "x", "title": "x", "timeout": "1m", **wrong})


def test_the_roles_a_step_names_ask_and_confirm_where_anybody_is_known_to_hold_them() -> None:
    hand = Hand()
    hand.holders = {"u-2": frozenset({"infra"}), "u-3": frozenset({"juki"}), "u-4": frozenset()}
    with pytest.raises(Refused, match="情報基盤担当"):
        hand.say(c.RequestRun, by="u-4", step="M-04", parameters=GOOD)
    hand.say(c.RequestRun, by="u-2", step="M-04", parameters=GOOD)
    with pytest.raises(Refused, match="住民情報担当"):
        hand.say(c.ConfirmRun, by="u-4", run="A1")
    hand.say(c.ConfirmRun, by="u-3", run="A1")
    assert hand.run().state is RunState.CONFIRMED


def test_where_nobodys_role_is_known_nobody_is_kept_from_asking() -> None:
    hand = Hand()
    hand.say(c.RequestRun, by="u-4", step="M-04", parameters=GOOD)
    hand.say(c.ConfirmRun, by="u-5", run="A1")
    assert hand.run().state is RunState.CONFIRMED
