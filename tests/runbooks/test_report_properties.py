"""The report over random accepted commands: it never breaks, and an edition never changes."""

from __future__ import annotations

import json

from hypothesis import settings

from runbooks.frozen import Frozen
from runbooks.report import Around, build
from runbooks.report.facts import report_facts
from tests.runbooks.test_machine_properties import Machine
from tests.runbooks.world import a_book, a_city


class Reported(Machine):
    """At the end of every play the report is made, whole and of an earlier edition."""

    def teardown(self) -> None:
        play, plan = self.play, Frozen(a_city(), a_book())
        id = play.incident.id
        own = [entry for entry in play.entries if entry.incident == id]
        around = Around(tuple(play.entries), dict.fromkeys(play.state.items, plan))
        whole = build(own, play.texts, plan, around=around)
        assert "%" not in whole.markdown
        json.dumps(report_facts(whole), allow_nan=False)
        middle = own[len(own) // 2].seq
        then = [entry for entry in play.entries if entry.seq <= middle]
        before = Around(tuple(then), around.frozen)
        mine = [entry for entry in then if entry.incident == id]
        edition = build(own, play.texts, plan, middle, around)
        assert edition.markdown == build(mine, play.texts, plan, around=before).markdown
        assert report_facts(edition) == report_facts(build(mine, play.texts, plan, middle, before))


Reported.TestCase.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
TestReported = Reported.TestCase
