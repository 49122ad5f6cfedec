"""An overdue step goes out by the routes: no name, drills apart, nothing old."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bcp.kit.workers import Workers
from bcp.service.escalating import tell
from bcp.watch.notify import Notifier
from bcp.watch.routes import NotifyRoute
from bcp.watch.ways import payload
from runbooks import commands as c
from tests.fakes import ManualClock
from tests.runbooks.world import Play, a_city


def told(drill: bool, late: timedelta = timedelta()) -> dict[str, list[dict[str, object]]]:
    play = Play()
    id = play.declare().id
    play.do(c.StartStep(incident=id, step="JUKI-01"))
    play.do(c.EscalateStep(incident=id, step="JUKI-01", to="p5", rank=0))
    entries = [replace(e, recorded_at=e.recorded_at + late) for e in play.entries]
    routes = [
        NotifyRoute(id="real", url="http://127.0.0.1:1/"),
        NotifyRoute(id="drill", url="http://127.0.0.1:1/", drill=True),
    ]
    notifier = Notifier(routes, ManualClock(), "n1", Workers())
    tell(notifier, a_city, drill, entries)
    return {
        route.route.id: [payload(message, "n1") for _born, message in route._queue]
        for route in notifier.routes
    }


def test_a_real_escalation_names_the_step_and_never_a_person() -> None:
    sent = told(drill=False)
    assert sent["drill"] == []
    declared, message = sent["real"]
    assert "発動しました" in str(declared["text"])
    assert "JUKI-01" in str(message["text"])
    assert "JUKI-01" in str(message["text_en"])
    assert message["severity"] == "high"
    assert message["drill"] is False
    whole = str([declared, message])
    assert not any(word in whole for word in ("p5", "職員5", "職員", "u-1"))


def test_a_drills_escalation_goes_to_drill_routes_only_and_is_marked() -> None:
    sent = told(drill=True)
    assert sent["real"] == []
    _declared, message = sent["drill"]
    assert str(message["text"]).startswith("【訓練】")
    assert message["drill"] is True


def test_what_was_typed_in_from_paper_is_old_news() -> None:
    assert told(drill=False, late=timedelta(hours=2)) == {"real": [], "drill": []}


def test_what_is_told_again_says_what_to_do_and_names_the_site() -> None:
    play = Play()
    id = play.declare().id
    play.do(c.Remind(incident=id, what="unanswered", id="1", rank=2))
    play.do(c.Remind(incident=id, what="ratification", id=id, rank=1))
    play.do(c.Remind(incident=id, what="change", id="ch-1", rank=1))
    play.do(c.Remind(incident=id, what="breach", id="br-1/final", rank=1))
    for rank in (1, 2, 3):
        play.do(c.Remind(incident=id, what="power", id="honcho:9", rank=rank))
    notifier = Notifier(
        [NotifyRoute(id="r", url="http://127.0.0.1:1/")], ManualClock(), "n1", Workers()
    )
    tell(notifier, a_city, False, play.entries)
    (route,) = notifier.routes
    sent = [payload(message, "n1") for _born, message in route._queue][1:]
    texts = [str(one["text"]) for one in sent]
    assert "代行順位 2" in texts[0]
    assert "事後承認" in texts[1]
    assert "ch-1" in texts[2]
    assert "br-1/final" in texts[3]
    assert all("本庁舎" in one for one in texts[4:])
    assert [one["severity"] for one in sent] == ["critical", *["high"] * 4, *["critical"] * 2]
