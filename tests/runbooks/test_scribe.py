"""One line for each thing heard by phone: tolerant of how it is written, plain about what is wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bcp.kit.units import JST
from runbooks import commands as c
from runbooks.heard import Heard
from runbooks.scribe import ACTS, Line, command, read
from tests.runbooks.world import Play, a_book, a_city

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=JST)
CITY, BOOK = a_city(), a_book()


def one(line: str) -> Line:
    (found,) = read(line, NOW, CITY, BOOK)
    return found


def at(day: int, hour: int, minute: int) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=JST)


@pytest.mark.parametrize(
    ("line", "act", "when", "who", "note"),
    [
        ("JUKI-01 済 04:10 職員4 ラックは無事", "done", at(24, 4, 10), "職員4", "ラックは無事"),
        ("ＪＵＫＩ－０１　完了　０４：１０", "done", at(24, 4, 10), "", ""),
        ("juki01 着手 0410", "start", at(24, 4, 10), "", ""),
        ("JUKI-01 開始 4:10頃 情報基盤担当", "start", at(24, 4, 10), "情報基盤担当", ""),
        ("JUKI-01 済 昨日23:50 p4", "done", at(23, 23, 50), "p4", ""),
        ("JUKI-01 済 23:50", "done", at(23, 23, 50), "", ""),
        ("JUKI-01 済 11/23 4時10分", "done", at(23, 4, 10), "", ""),
        ("JUKI-01 04:10 済", "done", at(24, 4, 10), "", ""),
        ("JUKI-01 済04:10", "done", at(24, 4, 10), "", ""),
        (
            "JUKI-01 できない 04:10 職員4 余震で入れない",
            "failed",
            at(24, 4, 10),
            "職員4",
            "余震で入れない",
        ),
        ("JUKI-01 不可 ドアが開かない", "failed", None, "", "ドアが開かない"),
        ("JUKI-01 飛ばす 04:10 別の入口を使った", "skip", at(24, 4, 10), "", "別の入口を使った"),
        ("JUKI-01 済 04:10 担当2", "done", at(24, 4, 10), "担当2", ""),
        (
            "JUKI-01 済 04:10 応援の山田さん 問題なし",
            "done",
            at(24, 4, 10),
            "応援の山田さん",
            "問題なし",
        ),
    ],
)
def test_a_line_is_understood_however_it_is_written(
    line: str, act: str, when: datetime | None, who: str, note: str
) -> None:
    found = one(line)
    assert found.problem is None, found.problem
    assert (found.step, found.act, found.at) == ("JUKI-01", act, when)
    assert (found.who, found.note) == (who, note)


def test_waiting_says_until_when_and_a_decision_names_its_option() -> None:
    waiting = one("JUKI-01 待ち 04:10 08:00まで ベンダー")
    assert (waiting.until, waiting.note) == (at(24, 8, 0), "ベンダー")
    assert one("JUKI-01 wait 04:10 ~08:00 vendor").until == at(24, 8, 0)
    for said in ("latest", "1", "最新の検証済み"):
        decided = one(f"JUKI-02 {said} 04:10")
        assert (decided.act, decided.option) == ("decide", "latest")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("なにか 済 04:10", "番号"),
        ("JUKI-01 04:10", "済"),
        ("JUKI-01 済 25:10", "04:10"),
        ("JUKI-01 待ち 04:10", "06:00まで"),
        ("JUKI-01 できない 04:10", "理由"),
        ("JUKI-02 決定 04:10", "選択肢"),
        ("JUKI-01 済 昨日", "昨日23:50"),
    ],
)
def test_what_is_wrong_is_said_with_what_was_expected(line: str, hint: str) -> None:
    problem = one(line).problem
    assert problem is not None
    assert hint in problem.ja


def test_lines_are_counted_as_the_scribe_counts_and_comments_pass() -> None:
    found = read("# 04時の無線\n\nJUKI-01 済\n???\n", NOW, CITY, BOOK)
    assert [line.number for line in found] == [3, 4]
    assert [line.good for line in found] == [True, False]


@example(",、")
@given(st.text(max_size=200))
def test_no_line_breaks_the_reader(text: str) -> None:
    for line in read(text, NOW, CITY, BOOK):
        assert line.good or str(line.problem.ja if line.problem else "")


@given(
    st.sampled_from(sorted(word for word, act in ACTS.items() if act in ("done", "start"))),
    st.integers(0, 23),
    st.integers(0, 59),
)
def test_a_time_without_a_day_is_the_last_time_it_was_so_late(
    word: str, hour: int, minute: int
) -> None:
    found = one(f"JUKI-01 {word} {hour}:{minute:02d}")
    assert found.at is not None
    assert found.at <= NOW + timedelta(minutes=10)
    assert found.at > NOW - timedelta(days=1)


def test_the_entry_keeps_who_did_it_who_typed_it_and_how_exact_the_time_is() -> None:
    play = Play()
    incident = play.declare()
    play.wait(hours=3)
    (line,) = read("JUKI-01 済 10:40頃 職員4 入れた", play.now, play.city, play.book)
    play.do(command(line, incident.id, Heard("phone")), by="u-9")
    entry = play.entries[-1]
    assert entry.kind == "incident.step_done"
    assert entry.detail["mode"] == "phone"
    assert entry.detail["did"] == "p4"
    assert entry.detail["about"] is True
    assert entry.actor.id == "u-9"
    assert entry.occurred_at.astimezone(JST).strftime("%H:%M") == "10:40"
    assert entry.recorded_at == play.now
    assert play.texts[entry.seq] == {"note": "入れた", "doer": "職員4"}
    assert "職員4" not in str(entry.detail)
    assert play.incident.runs["juki-recover"]["JUKI-01"].late


def test_a_step_heard_before_the_one_it_waits_for_is_taken() -> None:
    play = Play()
    incident = play.declare()
    (line,) = read("JUKI-05 済 10:15", play.now, play.city, play.book)
    play.do(command(line, incident.id, Heard("phone")))
    assert play.entries[-1].subject == "JUKI-05"


def test_a_live_tick_carries_no_such_mark() -> None:
    play = Play()
    incident = play.declare()
    play.do(c.FinishStep(incident=incident.id, step="AD-01"))
    assert "mode" not in play.entries[-1].detail
