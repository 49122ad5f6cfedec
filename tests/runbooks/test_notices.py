"""What a step that is done asks to be said stays due until it is said, or left out by decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bcp.journal.entry import Entry
from bcp.journal.entry import NewEntry as New
from bcp.kit.units import to_us
from runbooks import commands as c
from runbooks.notices import forms, speech
from runbooks.notices.state import APPROVED, SKIPPED, WITHDRAWN, Notices, due, fold
from runbooks.progress import standings
from tests.runbooks.world import Play, a_book, recorded

SAID = """
apiVersion: ict-bcp/v1
kind: Runbook
id: said
title: 知らせる手順
system: ad
purpose: recover
version: "1"
owner_role: infra
steps:
  - id: N-01
    title: 窓口に知らせる
    type: action
    needs: []
    announce: {audience: staff, template: ad-back}
  - {id: N-02, title: 机を片付ける, type: action, needs: []}
"""


class Saying(Play):
    """The small city with the runbook of this file, and what was announced."""

    def __init__(self) -> None:
        super().__init__()
        self.book, self.notices = a_book(SAID), Notices()
        self.declare()

    def done(self, step: str) -> None:
        """Begun and finished."""
        self.do(c.StartStep(incident=self.incident.id, step=step))
        self.do(c.FinishStep(incident=self.incident.id, step=step))

    def say(self, kind: str, subject: str, **detail: object) -> Entry:
        """One entry of the announcements."""
        new = New(kind, subject, detail, self.incident.id, self.now)  # type: ignore[arg-type]
        entry = recorded(new, 1000, "u-1", self.now)
        self.notices = fold(self.notices, entry)
        return entry

    def due(self) -> list[tuple[str, str, str]]:
        """未発信 now."""
        steps = standings(self.incident, self.book).values()
        return [(d.step, d.audience, d.template) for d in due(self.notices, self.incident, steps)]


def test_a_step_asks_only_when_it_is_done_and_until_it_was_said() -> None:
    play = Saying()
    assert play.due() == []
    play.done("N-02")
    assert play.due() == [], "it asks for nothing"
    play.done("N-01")
    assert play.due() == [("N-01", "staff", "ad-back")]
    play.say(APPROVED, "a-1", audience="staff")
    assert play.due(), "another announcement does not answer it"
    play.say(APPROVED, "a-2", audience="staff", step="N-01")
    assert play.due() == []


def test_left_out_by_decision_it_is_not_asked_again() -> None:
    play = Saying()
    play.done("N-01")
    play.say(SKIPPED, "N-01")
    assert play.due() == []


@pytest.mark.parametrize("how", ["update", "withdrawal"])
def test_a_promise_is_overdue_until_it_is_kept_or_taken_back(how: str) -> None:
    play = Saying()
    until = play.now + timedelta(hours=1)
    play.say(APPROVED, "a-1", next_update_us=to_us(until))
    assert play.notices.overdue(until) == ()
    late = until + timedelta(seconds=1)
    assert [one.id for one in play.notices.overdue(late)] == ["a-1"]
    if how == "update":
        play.say(APPROVED, "a-2", replaces="a-1", how="update")
    else:
        play.say(WITHDRAWN, "a-1")
    assert play.notices.overdue(late) == ()
    assert play.notices.items["a-1"].kept_at is not None


def test_times_and_telephone_numbers_are_read_as_people_say_them() -> None:
    assert speech.spoken("14:30から") == "午後2時30分から"
    assert speech.spoken("０９：００") == "午前9時"
    assert speech.unreadable("→ 50%") == ("→", "%")
    assert speech.unreadable("住民票、3時。") == ()


def test_a_promise_for_another_day_names_the_day_when_read_aloud() -> None:
    at = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)  # 22:00 in Japan
    late, tomorrow = at + timedelta(minutes=90), at + timedelta(hours=11)
    said = forms.Said("a-1", "窓口を閉めています", "紙で受けます。", next_update=late, at=at)
    assert "次は、午後11時30分ごろ" in forms.radio(said, "栗原市").text
    said = replace(said, next_update=tomorrow)
    for script in (forms.radio(said, "栗原市"), forms.phone(said, "栗原市")):
        assert "次は、11月25日の、午前9時ごろ" in script.text
        assert script.usable
    drill = forms.radio(replace(said, drill="aki"), "栗原市")
    assert drill.text.count("これは、訓練です") == 2
