"""Emergency changes: declared, approved by another, ending, taken back with who, when and how."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bcp.kit.errors import Refused
from runbooks import commands as c
from runbooks.gates import gates, open_gates
from runbooks.ground import UNSHOWABLE, Hold
from runbooks.state import Phase
from tests.runbooks.world import Play

H = timedelta(hours=1)


@pytest.fixture
def play() -> Play:
    made = Play()
    made.declare()
    return made


def opened(play: Play, id: str = "P-1", **more: object) -> str:
    fields = {"cia": "C", "what": "応援職員に利用者を作った", "kind": "account", **more}
    play.do(c.OpenChange(incident=play.incident.id, id=id, **fields), "u-2")  # type: ignore[arg-type]
    return play.incident.id


def held(play: Play) -> dict[str, tuple[str, ...]]:
    return {gate.id: gate.holds for gate in open_gates(play.incident, play.ground)}


def restored(play: Play) -> str:
    id = play.incident.id
    play.do(c.Restore(incident=id, waived=("juki", "ad"), reason="試験"))
    play.do(c.BeginStandDown(incident=id))
    return id


def test_another_person_approves_and_the_one_who_made_it_only_with_a_reason(play: Play) -> None:
    id = opened(play)
    with pytest.raises(Refused, match="別の人"):
        play.do(c.ApproveChange(incident=id, id="P-1"), "u-2")
    assert "P-1" in held(play)["countersign"]
    play.do(c.ApproveChange(incident=id, id="P-1"), "u-3")
    assert "countersign" not in held(play)
    opened(play, "P-2")
    play.do(c.ApproveChange(incident=id, id="P-2", alone="停電で誰とも話せない"), "u-2")
    assert play.incident.changes["P-2"].alone
    assert held(play)["countersign"] == ("P-2",)
    with pytest.raises(Refused, match="追認"):
        play.do(c.CountersignChange(incident=id, id="P-2"), "u-2")
    play.do(c.CountersignChange(incident=id, id="P-2"), "u-3")
    assert "countersign" not in held(play)


def test_every_change_has_an_end_that_can_be_put_off_with_a_reason(play: Play) -> None:
    id = opened(play)
    change = play.incident.changes["P-1"]
    assert change.expires_at == change.since + timedelta(days=1)
    play.wait(hours=25)
    (gate,) = [g for g in gates(play.incident, play.now) if g.id == "changes"]
    assert gate.expired == ("P-1",)
    play.do(c.ExtendChange(incident=id, id="P-1", expires_at=play.now + 4 * H, reason="交代待ち"))
    assert not play.incident.changes["P-1"].expired(play.now)
    for bad in (play.now - H, play.now + timedelta(days=31)):
        with pytest.raises(Refused, match="期限"):
            play.do(c.ExtendChange(incident=id, id="P-1", expires_at=bad, reason="r"))


def test_taking_back_says_how_it_was_checked_and_who_did_it(play: Play) -> None:
    id = opened(play, check="audit/ports")
    with pytest.raises(Refused, match="確かめた"):
        play.do(c.RevertChange(incident=id, id="P-1", note=" "))
    play.do(c.RevertChange(incident=id, id="P-1", note="削除し、入れないことを見た"), "u-4")
    change = play.incident.changes["P-1"]
    assert (change.closed_by, change.how, change.check) == ("u-4", "seen", "audit/ports")
    assert change.closed_at == play.now
    with pytest.raises(Refused):
        play.do(c.RevertChange(incident=id, id="P-1", note="もう一度"))


def test_a_change_of_an_approved_runbook_needs_no_further_approval(play: Play) -> None:
    id = play.incident.id
    play.do(c.FinishStep(incident=id, step="JUKI-01", paper=True))
    play.do(c.TakeDecision(incident=id, step="JUKI-02", option="latest", rationale="検証済み"))
    play.do(c.FinishStep(incident=id, step="JUKI-03", paper=True))
    change = play.incident.changes["JUKI-03"]
    assert (change.step, change.signed) == ("JUKI-03", True)
    assert held(play)["changes"] == ("JUKI-03",)


def test_a_decision_closes_what_was_open_then_and_nothing_opened_later(play: Play) -> None:
    opened(play)
    id = restored(play)
    play.do(c.ApproveChange(incident=id, id="P-1"), "u-3")
    play.do(c.CloseGate(incident=id, gate="changes", reason="業者の帰りを待たずに解除"))
    assert "changes" not in held(play)
    opened(play, "P-2")
    assert held(play)["changes"] == ("P-1", "P-2")
    play.do(c.CloseGate(incident=id, gate="changes", reason="同じ"))
    assert "changes" not in held(play)


def test_evidence_meets_a_gate_and_enters_the_log_with_the_stand_down(play: Play) -> None:
    id = restored(play)
    play.ground = {"backup": (Hold("juki", "no_backup"),), "monitoring": ()}
    assert held(play) == {"backup": ("juki",)}
    with pytest.raises(Refused, match="juki"):
        play.do(c.MeetGate(incident=id, gate="backup", note="取ったはず"))
    with pytest.raises(Refused, match="バックアップ"):
        play.do(c.StandDown(incident=id))
    play.ground = {"backup": (), "monitoring": ()}
    play.do(c.StandDown(incident=id))
    assert play.incident.phase is Phase.STOOD_DOWN
    assert open_gates(play.incident) == (), "without a board the log still says how it was met"
    shown = [e for e in play.entries if e.kind == "incident.gate_met"]
    assert [(e.subject, e.detail["shown"]) for e in shown] == [
        ("backup", True),
        ("monitoring", True),
    ]


def test_what_nothing_can_show_is_stated_in_words(play: Play) -> None:
    id = restored(play)
    play.ground = {"backup": (Hold("juki", UNSHOWABLE),)}
    with pytest.raises(Refused):
        play.do(c.MeetGate(incident=id, gate="backup"))
    play.do(c.MeetGate(incident=id, gate="backup", note="事業者の報告書 11/24 で確認"))
    assert "backup" not in held(play)
    play.ground = {"backup": (Hold("ad", "no_backup"), Hold("juki", UNSHOWABLE))}
    assert "backup" in held(play), "words do not stand against what evidence denies"


def test_flapping_evidence_cannot_reopen_what_the_authority_closed(play: Play) -> None:
    id = restored(play)
    play.ground = {"monitoring": (Hold("a", "red"),), "backup": ()}
    play.do(c.CloseGate(incident=id, gate="monitoring", reason="回線工事は来週"))
    play.ground = {"monitoring": (Hold("b", "red"),), "backup": ()}
    play.do(c.StandDown(incident=id))


def test_a_relapse_asks_every_gate_anew(play: Play) -> None:
    id = restored(play)
    play.do(c.CloseGate(incident=id, gate="backup", reason="後で取る"))
    play.do(c.Relapse(incident=id, reason="余震"))
    assert "backup" in held(play)
