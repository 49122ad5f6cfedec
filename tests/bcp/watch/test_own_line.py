"""This node is cut off: one message, nothing called failed, nothing called good."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.plan.marks import Tree
from bcp.service.rules import proof_faults
from bcp.watch.announcing import Announcement
from bcp.watch.board import Board
from bcp.watch.judge import Judge
from bcp.watch.own_line import OwnLine, cut_off
from bcp.watch.recorder import Recorder
from bcp.watch.values import Mute, Severity, Status
from tests.bcp.watch.helpers import Confidential, Scripted, check, city, running, seen
from tests.bcp.watch.test_recorder import PaperLog
from tests.fakes import START, ManualClock

NODE = {"zone": "LGWAN接続系", "references": ["ref/gateway", "ref/dns"]}
REFERENCES = [
    check("ref/gateway", failures=1, host="192.0.2.1"),
    check("ref/dns", failures=1, host="192.0.2.2"),
]
CHECKS = [
    check("juki/http", failures=1, host="juki.example"),
    check("mail/smtp", failures=1, host="mail.example"),
    check("own/disk", failures=1, host="localhost"),
    check("set/rule", failures=1, host="juki.example", cls=Confidential),
]


async def test_what_cannot_be_reached_is_unknown_and_told_once() -> None:
    clock, heard, log = ManualClock(), list[Announcement](), PaperLog()
    board = Board(clock)
    every = {one.id: one for one in (*REFERENCES, *CHECKS)}
    await board.define(list(every.values()))
    judge = Judge(board, clock, city(node=NODE))
    recorder = Recorder(board, judge, clock, sink=log, announce=heard.append)

    async def answers(**said: Status) -> None:
        for id, one in every.items():
            status = said.get(id.replace("/", "_"), said.get("rest", Status.OK))
            recorder.take(seen(id, status, clock.utc()), one)
        await clock.advance(2)

    async with running(recorder.run):
        await answers()
        down = {"ref_gateway": Status.FAILED, "ref_dns": Status.FAILED}
        await answers(**down)
        for _ in range(3):
            await clock.advance(30)
            await answers(**down, rest=Status.FAILED, mail_smtp=Status.OK)
        state = {id: board.view(id).status for id in every}
        assert state["juki/http"] is Status.UNKNOWN, "a failure behind the cut says nothing"
        assert state["mail/smtp"] is Status.OK, "an answer is an answer"
        assert state["own/disk"] is Status.FAILED, "this machine needs no line"
        assert state["set/rule"] is Status.FAILED, "only availability hangs on the line"
        assert state["ref/gateway"] is Status.FAILED
        assert board.view("juki/http").muted == {Mute.OWN_LINE}
        assert "外につながっていないため分かりません" in board.view("juki/http").sentence.ja
        assert board.self_suspect is not None
        assert "まずこの監視機の回線" in board.self_suspect.sentence.ja
        loud = [one for one in heard if one.severity is Severity.CRITICAL]
        assert [one.title.ja[:20] for one in loud] == [
            "この監視機が外につながっていません(基準の"[:20]
        ]
        assert {one.check for one in heard if one.check} == {"own/disk", "set/rule"}

        before = len(heard)
        await answers(juki_http=Status.FAILED)
        await clock.advance(5)
        assert board.view("juki/http").status is Status.UNKNOWN, (
            "seen just before the line came back"
        )
        assert not any(one.check == "juki/http" for one in heard), "it is being looked at again"
        await answers(juki_http=Status.FAILED)
        await clock.advance(5)
        after = heard[before:]
        assert any("回線が戻りました" in one.title.ja for one in after)
        assert "juki/http" in {one.check for one in after}, (
            "really down: told when the line is back"
        )
        assert "mail/smtp" not in {one.check for one in after}
        assert board.view("juki/http").status is Status.FAILED
        assert board.view("juki/http").muted == frozenset()
    assert [e.detail["new"] for e in log.entries if e.kind == "node.line"] == ["cut", "back"]


class Closed(Scripted):
    """Must not be reached."""

    @property
    def good_when_unreached(self) -> bool:
        return True


@pytest.mark.parametrize("status", list(Status))
async def test_silence_that_was_hoped_for_is_no_evidence_behind_the_cut(status: Status) -> None:
    closed, found = check("old/telnet", cls=Closed, host="old.example"), seen("old/telnet", status)
    line, board = OwnLine(), Board(ManualClock())
    await board.define(REFERENCES)
    assert line.judged(found, closed) is found
    for one in REFERENCES:
        board.apply(seen(one.id, Status.FAILED))
    line.refresh(city(node=NODE), board.views(), START)
    judged = line.judged(found, closed).outcome.status
    assert judged is (Status.UNKNOWN if status is Status.OK else status), "reached is reached"


@given(st.lists(st.sampled_from([*Status, None]), min_size=2, max_size=2))
async def test_it_is_cut_off_only_when_every_reference_was_seen_to_fail(
    said: list[Status | None],
) -> None:
    clock = ManualClock()
    board = Board(clock)
    await board.define(REFERENCES)
    for one, status in zip(REFERENCES, said, strict=True):
        if status is not None:
            board.apply(seen(one.id, status, clock.utc()))
    names = [one.id for one in REFERENCES]
    cut = cut_off(names, [board.view(id) for id in names]) is not None
    assert cut == all(status is Status.FAILED for status in said)
    assert cut_off(names[:1], [board.view(names[0])]) is None, "one alone proves nothing"
    assert cut_off((), ()) is None


def test_one_reference_is_too_few_and_must_exist() -> None:
    def faults(*references: str) -> list[str]:
        plan = city(node={**NODE, "references": list(references)})
        return [one.message for one in proof_faults(plan, {"ref/gateway", "ref/dns"}, Tree())]

    assert faults() == faults("ref/gateway", "ref/dns") == []
    assert "二つ以上" in faults("ref/gateway", "ref/gateway")[0]
    assert "ref/dnss" in faults("ref/gateway", "ref/dnss")[0]
