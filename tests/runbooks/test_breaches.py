"""The duty to report personal data: its clock runs from becoming aware, sent reports stop it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bcp.kit.errors import Refused
from runbooks import commands as c
from runbooks.breaches import next_due
from runbooks.incident import fold
from tests.runbooks.world import Play


@pytest.fixture
def play() -> Play:
    made = Play()
    made.declare()
    return made


def opened(play: Play, **more: object) -> str:
    fields = {"harm": "loss", "what": "住民票の画像が消えた", "system": "juki", **more}
    play.do(c.OpenBreach(incident=play.incident.id, **fields))  # type: ignore[arg-type]
    return play.incident.id


def test_the_days_are_counted_from_becoming_aware(play: Play) -> None:
    assert next_due(play.incident.breaches) is None
    aware = play.now - timedelta(hours=3)
    id = opened(play, aware_at=aware)
    opened(play, harm="leak", malicious=True)
    one, two = play.incident.breaches.values()
    assert (one.id, two.id) == ("P1", "P2")
    assert one.due("preliminary") == aware + timedelta(days=5)
    assert one.due("final") == aware + timedelta(days=30)
    assert two.due("final") == two.aware_at + timedelta(days=60)
    first = next_due(play.incident.breaches)
    assert first is not None
    assert (first[1].id, first[2]) == ("P1", "preliminary")
    play.do(c.ReportBreach(incident=id, id="P1", stage="preliminary", note="委員会 第12号"))
    play.do(c.ReportBreach(incident=id, id="P1", stage="preliminary", note="もう一度"))
    assert play.incident.breaches["P1"].owed == ("final",)
    play.do(c.DropBreach(incident=id, id="P2", reason="暗号化されていた"))
    first = next_due(play.incident.breaches)
    assert first is not None
    assert (first[1].id, first[2]) == ("P1", "final")


def test_a_report_in_the_first_logs_is_still_read(play: Play) -> None:
    id = opened(play)
    before = play.state
    play.do(c.ReportBreach(incident=id, id="P1", stage="preliminary", note="第12号"))
    old = replace(play.entries[-1], detail={"stage": "preliminary"})
    play.state = fold(before, old)
    assert play.incident.breaches["P1"].owed == ("final",)


def test_what_makes_no_sense_is_refused_with_a_sentence(play: Play) -> None:
    id = opened(play)
    with pytest.raises(Refused, match="後です"):
        opened(play, aware_at=play.now + timedelta(hours=1))
    for command in (
        c.OpenBreach(incident=id, harm="leak", what=" "),
        c.OpenBreach(incident=id, harm="theft", what="x"),  # type: ignore[arg-type]
        c.OpenBreach(incident=id, harm="leak", what="x", system="nowhere"),
        c.ReportBreach(incident=id, id="P9", stage="final", note="x"),
        c.ReportBreach(incident=id, id="P1", stage="final", note=""),
        c.DropBreach(incident=id, id="P1", reason=""),
    ):
        with pytest.raises(Refused):
            play.do(command)
    play.do(c.DropBreach(incident=id, id="P1", reason="個人情報ではない"))
    with pytest.raises(Refused):
        play.do(c.ReportBreach(incident=id, id="P1", stage="final", note="x"))


def test_the_clock_runs_on_after_stand_down(play: Play) -> None:
    id = opened(play)
    play.do(c.Cancel(incident=id, reason="誤報"))
    play.do(c.ReportBreach(incident=id, id="P1", stage="preliminary", note="委員会へ"))
    assert play.incident.breaches["P1"].owed == ("final",)
