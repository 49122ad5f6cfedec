"""The report: planned and actual, the same bytes from the same entries."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bcp.kit.errors import UsageError
from runbooks import commands as c
from runbooks.frozen import Frozen, freeze, thaw
from runbooks.report import ERASED, Report, build
from runbooks.report.sheet import report_sheet
from runbooks.report.verdict import verdict
from runbooks.targets import Goal
from tests.runbooks.world import T0, Play, a_book, a_city

M = timedelta(minutes=1)


def played(stage: str = "real") -> Play:
    """A short event with everything a report must tell."""
    play = Play(stage)
    play.declare(capacity="on_site", role=None, by="u-9")
    id = play.incident.id
    play.do(c.Ratify(incident=id))
    play.do(c.StartStep(incident=id, step="AD-01"), by="u-2")
    play.wait(minutes=35)
    play.do(c.FinishStep(incident=id, step="AD-01"), by="u-2")
    play.do(c.FinishStep(incident=id, step="AD-02"), by="u-2")
    verify = {"incident": id, "step": "AD-02", "check": "ad-ldap"}
    play.do(c.VerifyStep(**verify, passed=False, since=play.now))  # type: ignore[arg-type]
    play.wait(minutes=10)
    play.do(c.VerifyStep(**verify, passed=True, since=play.now))  # type: ignore[arg-type]
    play.do(
        c.AttainLevel(incident=id, system="ad", level="L3", since=play.now, checks=("ad-ldap",))
    )
    play.do(c.SkipStep(incident=id, step="JUKI-01", reason="すでに中にいた"), by="u-3")
    play.do(
        c.TakeDecision(incident=id, step="JUKI-02", option="latest", rationale="検証済みだから")
    )
    play.do(
        c.FinishStep(incident=id, step="JUKI-03", paper=True, occurred_at=T0 + 50 * M), by="u-4"
    )
    play.wait(hours=1)
    play.do(c.IssueSheets(incident=id, ids=("S-1",)))
    play.do(
        c.AttainLevel(
            incident=id, system="juki", level="L2", since=play.now, checks=("juki-readonly",)
        )
    )
    play.do(c.Restore(incident=id))
    play.do(c.BeginStandDown(incident=id))
    play.do(c.RevertChange(incident=id, id="JUKI-03", note="閉じて外から確かめた"))
    play.do(c.CloseGate(incident=id, gate="sheets", reason="用紙焼失"))
    play.do(c.MeetGate(incident=id, gate="backup", check="backup/juki/main/1"))
    play.do(c.StandDown(incident=id))
    return play


def report_of(play: Play, upto: int | None = None) -> Report:
    return build(play.entries, play.texts, Frozen(a_city(), a_book()), upto)


def test_the_report_tells_planned_and_actual_gates_contradictions_and_late_entries() -> None:
    text = report_of(played()).markdown
    for said in (
        "実対応・大規模災害・全面発動",
        "〔u-9〕 (現場)",
        "承認済み",
        "AD-01 | 電源を入れる | 20分 |",
        "35分 +15分 見込み超",
        "すでに中にいた",
        "検証済みだから",
        "用紙焼失",
        "権限者の決定で閉じた",
        "AD-02 | 完了と記録・監視は赤 | ad-ldap |",
        "対象外",
        "達成",
    ):
        assert said in text, said
    assert "%" not in text


def test_the_same_entries_give_the_same_bytes_and_later_ones_do_not_change_an_edition() -> None:
    play = played()
    first = report_of(play)
    play.do(c.RecordReport(incident=play.incident.id, digest=first.digest, upto=first.upto))
    assert report_of(play).digest == first.digest
    play.do(c.AddNote(incident=play.incident.id, text="後で分かったこと"))
    assert report_of(play).digest != first.digest
    assert report_of(play, first.upto).digest == first.digest
    assert play.incident.report == first.digest
    play.do(c.Review(incident=play.incident.id))


def test_the_report_is_the_same_from_the_frozen_plan_as_from_the_living_one() -> None:
    play = played()
    thawed = thaw(*freeze(a_city(), a_book()))
    assert build(play.entries, play.texts, thawed).digest == report_of(play).digest


def test_an_erased_text_shows_as_erased() -> None:
    from dataclasses import replace

    play = played()
    entries = [
        replace(entry, commitments=dict.fromkeys(play.texts[entry.seq], "0" * 64))
        for entry in play.entries
    ]
    text = build(entries, {}, Frozen(a_city(), a_book())).markdown
    assert ERASED in text
    assert "用紙焼失" not in text


def test_what_was_typed_in_late_is_counted_with_its_delay() -> None:
    play = played()
    row = next(row for row in report_of(play).steps if row.step == "JUKI-03")
    assert row.late
    assert len(report_of(play).late) == 2  # the step, and the port it opened
    assert report_of(play).late_median == 14 * M


def test_a_drills_report_is_marked_on_its_first_line() -> None:
    text = report_of(played("kunren")).markdown
    assert text.startswith("# 【訓練】事後報告 D20261123-1")


def test_the_report_prints_as_a_sheet_with_its_own_number() -> None:
    sheet = report_sheet(report_of(played()), a_city().organization, date(2026, 11, 24))
    assert len(sheet.code) == 8
    assert sheet.kind == "report"


def test_no_entries_no_report() -> None:
    with pytest.raises(UsageError):
        build([], {}, Frozen(a_city(), a_book()))


def test_a_late_paper_that_proves_a_level_in_time_shows_both_verdicts() -> None:
    play = Play()
    play.declare()
    id = play.incident.id
    play.wait(hours=12)
    seen = {"incident": id, "system": "ad", "level": "L3", "works": True, "note": "窓口で使えた"}
    play.do(c.ObserveLevel(**seen, occurred_at=T0 + 5 * 60 * M))  # type: ignore[arg-type]
    report = report_of(play)
    (row,) = [row for row in report.goals.levels if row.target.system == "ad"]
    assert row.revised
    assert row.goal_then is Goal.OVERDUE
    assert row.target.goal is Goal.ATTAINED
    assert "超過 → 達成(後入力)" in report.markdown
    assert "記録の時点では超過、後入力で達成: 認証" in verdict(report)[2]


def test_slips_of_estimates_lone_acts_and_hand_overs_stay_visible() -> None:
    play = Play()
    play.declare()
    id = play.incident.id
    for hours in (3, 8):
        eta = T0 + hours * 60 * M
        play.do(c.GiveEstimate(incident=id, kind="system", id="ad", eta=eta, source="vendor"))
        play.wait(minutes=30)
    play.do(c.FinishStep(incident=id, step="AD-01"), by="u-2")
    play.do(c.FinishStep(incident=id, step="AD-02"), by="u-2")
    play.do(c.AttestStep(incident=id, step="AD-02", note="見た", alone="一人しかいない"), by="u-2")
    play.do(c.HandOverAlone(incident=id, to="u-5", reason="負傷"), by="u-1")
    report = report_of(play)
    assert [row.slip for row in report.estimates] == [None, 5 * 60 * M]
    assert [row.how for row in report.hand_overs] == ["alone"]
    assert "負傷" in report.hand_overs[0].words
    assert "一人しかいない" in report.markdown


def test_what_a_person_waited_for_is_told_apart_from_what_he_did() -> None:
    play = Play()
    play.declare()
    id = play.incident.id
    play.wait(minutes=10)
    play.do(c.StartStep(incident=id, step="AD-01"), by="u-2")
    play.wait(minutes=5)
    until = play.now + 20 * M
    play.do(c.WaitStep(incident=id, step="AD-01", until=until, waits_for="業者"), by="u-2")
    play.wait(minutes=50)
    play.do(c.StartStep(incident=id, step="AD-01"), by="u-2")
    play.wait(minutes=25)
    play.do(c.FinishStep(incident=id, step="AD-01"), by="u-2")
    row = next(row for row in report_of(play).steps if row.step == "AD-01")
    assert row.queued == 10 * M
    assert row.hands_on == 30 * M
    assert row.waiting == 50 * M
    assert row.overdue == 40 * M  # 10 of work beyond the estimate, 30 beyond the promise
