"""差し込み: what is changed of the runbooks while the event runs, as entries."""

from __future__ import annotations

import pytest

from bcp.kit.errors import Refused
from runbooks import commands as c
from runbooks.amended import amended
from runbooks.frozen import Frozen
from runbooks.incident import fold
from runbooks.incidents import Incidents
from runbooks.progress import Stand, standings
from runbooks.report import build
from tests.runbooks.world import Play


@pytest.fixture
def play() -> Play:
    made = Play()
    made.declare()
    return made


def say(play: Play, kind: type, by: str = "u-1", **fields: object) -> None:
    play.do(kind(incident=play.incident.id, reason="現場の判断", **fields), by)


def seen(play: Play) -> dict[str, Stand]:
    book = amended(play.book, play.incident, play.texts)
    return {id: item.stand for id, item in standings(play.incident, book).items()}


def test_a_step_put_in_waits_and_is_waited_for_and_its_words_are_texts(play: Play) -> None:
    say(play, c.AddStep, runbook="ad-recover", step="AD-X1", title="佐藤さんを呼ぶ", after="AD-01",
        before="AD-02", how="内線1番\n携帯")  # fmt: skip
    assert (seen(play)["AD-X1"], seen(play)["AD-02"]) == (Stand.BLOCKED, Stand.BLOCKED)
    play.do(c.FinishStep(incident=play.incident.id, step="AD-01"))
    assert (seen(play)["AD-X1"], seen(play)["AD-02"]) == (Stand.READY, Stand.BLOCKED)
    play.do(c.FinishStep(incident=play.incident.id, step="AD-X1"))
    assert seen(play)["AD-02"] is Stand.READY
    assert "佐藤" not in str(play.entries[1].detail)
    put_in = amended(play.book, play.incident, play.texts).step("AD-X1")
    assert put_in is not None
    assert put_in[1].title == "佐藤さんを呼ぶ"
    assert put_in[1].detail == ("内線1番", "携帯")
    bare = amended(play.book, play.incident, {})
    assert bare.step("AD-X1")[1].title == "(本文は削除されました)"  # type: ignore[index]


def test_a_step_is_moved_and_its_old_place_closes(play: Play) -> None:
    say(play, c.AddStep, runbook="ad-recover", step="AD-03", title="知らせる", after="AD-02")
    say(play, c.MoveStep, step="AD-01", after="AD-03")
    assert seen(play)["AD-02"] is Stand.READY
    assert seen(play)["AD-01"] is Stand.BLOCKED
    with pytest.raises(Refused, match="循環"):
        say(play, c.MoveStep, step="AD-02", after="AD-01", before="AD-03")


def test_only_what_nobody_has_begun_is_changed(play: Play) -> None:
    play.do(c.StartStep(incident=play.incident.id, step="AD-01"))
    with pytest.raises(Refused, match="始まって"):
        say(play, c.ReplaceStep, step="AD-01", title="発電機を回す")
    say(play, c.ReplaceStep, step="AD-02", title="二台目で確かめる")
    with pytest.raises(Refused, match="もうあります"):
        say(play, c.AddStep, runbook="ad-recover", step="JUKI-01", title="x")
    with pytest.raises(Refused, match="理由"):
        play.do(c.CancelStep(incident=play.incident.id, step="AD-02", reason=" "))


def test_a_runbook_is_spliced_in_between(play: Play) -> None:
    say(
        play, c.SpliceRunbook, runbook="juki-return", into="ad-recover", step="AD-R", before="AD-01"
    )
    assert "juki-return" in play.incident.runbooks
    assert (seen(play)["AD-R"], seen(play)["AD-01"]) == (Stand.READY, Stand.BLOCKED)
    play.do(c.FinishStep(incident=play.incident.id, step="AD-R"))
    assert seen(play)["AD-01"] is Stand.READY


def test_a_runbook_given_up_takes_its_open_steps_out_and_comes_back(play: Play) -> None:
    play.do(c.FinishStep(incident=play.incident.id, step="AD-01"))
    say(play, c.AbandonRunbook, runbook="ad-recover", instead="juki-return")
    assert (seen(play)["AD-01"], seen(play)["AD-02"]) == (Stand.DONE, Stand.CANCELLED)
    with pytest.raises(Refused):
        play.do(c.StartStep(incident=play.incident.id, step="AD-02"))
    say(play, c.ResumeRunbook, runbook="ad-recover")
    assert seen(play)["AD-02"] is Stand.READY


def test_a_cancelled_step_holds_nobody_up_and_can_be_taken_back(play: Play) -> None:
    say(play, c.CancelStep, step="AD-01")
    assert (seen(play)["AD-01"], seen(play)["AD-02"]) == (Stand.CANCELLED, Stand.READY)
    say(play, c.ReopenStep, step="AD-01")
    assert seen(play)["AD-01"] is Stand.READY


def test_amendments_are_entries_and_nothing_else(play: Play) -> None:
    say(play, c.AddStep, runbook="ad-recover", step="AD-X", title="新しい手順", before="AD-01")
    say(play, c.AbandonRunbook, runbook="juki-recover")
    again = Incidents()
    for entry in play.entries:
        again = fold(again, entry)
    assert again == play.state


def test_the_report_knows_the_step_that_was_put_in(play: Play) -> None:
    say(play, c.AddStep, runbook="ad-recover", step="AD-X", title="新しい手順", before="AD-01")
    made = build(play.entries, play.texts, Frozen(play.city, play.book))
    assert "新しい手順" in made.markdown
    assert made.markdown == build(play.entries, play.texts, Frozen(play.city, play.book)).markdown
