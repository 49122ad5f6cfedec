"""The command changes hands by two entries, or alone with a reason; reports are numbered and kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bcp.journal.entry import Actor, Entry, NewEntry
from bcp.kit.clock import ClockReading
from bcp.kit.errors import Refused
from bcp.plan.loader import parse_files
from bcp.plan.model import City, Node, Organization, Service, System, Target
from bcp.plan.types import Zone
from runbooks import commands as c
from runbooks.attention import papers, teams, wanted
from runbooks.book import load
from runbooks.context import Context
from runbooks.desk import Situation, situation
from runbooks.frozen import Frozen
from runbooks.handoversheet import Muted, Shift, handover_sheet
from runbooks.incident import decide, fold
from runbooks.incidents import Incidents
from runbooks.outlook import Ground, outlooks, service_outlook
from runbooks.sitrep import situation_report
from runbooks.state import Incident
from runbooks.told import read
from tests.fakes import ManualClock

NOW = ManualClock().utc()
BOOK = """
apiVersion: ict-bcp/v1
kind: Runbook
id: juki-modosu
title: 住民記録を戻す
system: juki
purpose: recover
version: "1"
owner_role: infra
steps:
  - {id: JUKI-01, title: 電源を入れる, type: action, duration: {p50: 10m, p90: 20m}}
  - {id: JUKI-02, title: 業者の回答を待つ, type: wait, waits_for: 部品, expected: 1h}
  - {id: JUKI-03, title: 画面を確かめる, type: action, duration: {p50: 30m, p90: 1h}}
"""


class World:
    """One event; every command goes through `decide` and `fold`."""

    def __init__(self) -> None:
        level = Target(level="L2", name="参照", rto_disaster=timedelta(hours=4), proven_by=("x",))
        juki = System(id="juki", name="住民記録", zone=Zone.LGWAN, targets=(level,))
        lone = System(id="lone", name="孤立", zone=Zone.LGWAN, targets=(level,))
        service = Service.model_validate(
            {"id": "juminhyo", "name": "住民票の交付", "class": "A", "alternate": "紙で受ける",
             "needs": [{"system": "juki", "level": "L2"}]}
        )  # fmt: skip
        self.city = City(
            organization=Organization(name="見本市"), systems=(juki, lone), services=(service,),
            node=Node(zone=Zone.INTERNET),
        )  # fmt: skip
        self.book, faults = load(parse_files({"a.yaml": BOOK.encode()}).runbooks)
        assert not faults
        self.state, self.entries, self.now = Incidents(), list[Entry](), NOW
        self.do(c.Declare(level=3, onset=NOW, reason="停電", capacity="on_site"), "u-1")

    def do(self, command: c.Command, who: str, capacity: str = "staff") -> tuple[Entry, ...]:
        context = Context(Actor(who, capacity), "real", self.city, self.book)
        made = [self._recorded(new, context.actor) for new in self._decide(command, context)]
        for entry in made:
            self.state = fold(self.state, entry)
            self.entries.append(entry)
        return tuple(made)

    def _decide(self, command: c.Command, context: Context) -> tuple[NewEntry, ...]:
        return decide(self.state, command, self.now, context)

    def _recorded(self, new: NewEntry, actor: Actor) -> Entry:
        return Entry(
            schema=1, node="n", epoch=1, seq=len(self.entries) + 1, op=f"op-{len(self.entries)}",
            incident=new.incident, kind=new.kind, occurred_at=new.occurred_at, recorded_at=self.now,
            clock=ClockReading(0, True, "boot", 0, suspect=False), actor=actor,
            subject=new.subject, detail=new.detail, commitments={},
        )  # fmt: skip

    @property
    def incident(self) -> Incident:
        found = self.state.latest
        assert found is not None
        return found

    @property
    def on(self) -> str:
        return str(self.incident.id)

    def seen(self) -> Situation:
        return situation(self.incident, Frozen(self.city, self.book), {}, self.now)


@pytest.fixture
def world() -> World:
    return World()


def offer(world: World, to: str = "u-2") -> None:
    world.do(c.OfferHandOver(incident=world.on, to=to, summary="水道を先に"), "u-1")


def test_the_command_passes_on_the_receivers_confirmation_and_not_before(world: World) -> None:
    offer(world)
    assert world.incident.commander == "u-1"
    standing = world.incident.offer
    assert standing is not None
    assert standing.to == "u-2"
    assert "confirm" in [one.kind for one in wanted(world.seen())]
    world.do(c.ConfirmHandOver(incident=world.on), "u-2")
    assert world.incident.commander == "u-2"
    assert world.incident.offer is None
    assert world.incident.hand_overs[-1].how == "both"
    assert world.do(c.ConfirmHandOver(incident=world.on), "u-2") == ()


def test_only_the_commander_offers_and_only_the_receiver_confirms(world: World) -> None:
    with pytest.raises(Refused) as refused:
        world.do(c.OfferHandOver(incident=world.on, to="u-3", summary="x"), "u-2")
    assert refused.value.next_step, "every refusal says what is allowed"
    offer(world)
    with pytest.raises(Refused):
        world.do(c.ConfirmHandOver(incident=world.on), "u-3", "commander")
    stale = c.ConfirmHandOver(incident=world.on, offer=999)
    with pytest.raises(Refused):
        world.do(stale, "u-2")
    assert world.incident.commander == "u-1"


def test_alone_needs_a_reason_and_stays_marked(world: World) -> None:
    alone = c.HandOverAlone(incident=world.on, to="u-9", reason=" ")
    with pytest.raises(Refused):
        world.do(alone, "u-9", "commander")
    with pytest.raises(Refused):
        world.do(c.HandOverAlone(incident=world.on, to="u-8", reason="負傷"), "u-8", "staff")
    world.do(c.HandOverAlone(incident=world.on, to="u-9", reason="負傷"), "u-9", "commander")
    assert world.incident.commander == "u-9"
    assert world.incident.hand_overs[-1].how == "alone"


def test_an_offer_withdrawn_leaves_the_command_where_it_is(world: World) -> None:
    offer(world)
    world.do(c.WithdrawHandOver(incident=world.on, reason="交代を延ばす"), "u-2")
    assert world.incident.offer is None
    assert world.incident.commander == "u-1"
    with pytest.raises(Refused):
        world.do(c.ConfirmHandOver(incident=world.on), "u-2")


def test_an_entry_of_the_older_program_still_hands_over(world: World) -> None:
    old = NewEntry("incident.hand_over", world.on, {"to": "u-5", "from": "u-1"}, world.on, NOW)
    world.state = fold(world.state, world._recorded(old, Actor("u-1", "staff")))
    assert world.incident.commander == "u-5"
    assert world.incident.hand_overs[-1].how == "told"


def test_reports_are_numbered_one_after_the_other(world: World) -> None:
    world.do(c.IssueSituation(incident=world.on, number=1, digest="ab" * 32), "u-1")
    with pytest.raises(Refused):
        world.do(c.IssueSituation(incident=world.on, number=1, digest="cd" * 32), "u-1")
    world.do(c.IssueSituation(incident=world.on, number=2, digest="cd" * 32), "u-1")
    assert [one.number for one in world.incident.situations] == [1, 2]


def test_a_range_has_a_ground_and_no_range_is_said_too(world: World) -> None:
    found = outlooks(world.seen())
    assert found["lone"].ground is Ground.NONE
    juki = found["juki"]
    assert juki.soonest == NOW + timedelta(hours=1, minutes=40)
    assert juki.latest == NOW + timedelta(hours=2, minutes=20)
    assert juki.ground is Ground.ESTIMATE
    service = service_outlook(world.seen().services[0], found)
    assert service is not None
    assert service.latest == juki.latest


def test_a_promise_is_named_as_the_ground_and_a_broken_one_too(world: World) -> None:
    world.do(c.StartStep(incident=world.on, step="JUKI-01"), "u-1")
    world.do(c.FinishStep(incident=world.on, step="JUKI-01"), "u-1")
    until = NOW + timedelta(hours=2)
    world.do(c.WaitStep(incident=world.on, step="JUKI-02", until=until, waits_for="部品"), "u-1")
    assert outlooks(world.seen())["juki"].ground is Ground.PROMISE
    assert outlooks(world.seen())["juki"].promised == until
    world.now = until + timedelta(minutes=1)
    assert outlooks(world.seen())["juki"].ground is Ground.OVERDUE


def test_the_papers_come_back_from_their_bytes_and_name_people_by_pseudonym(world: World) -> None:
    seen = world.seen()
    told = situation_report(seen, 1, world.entries, 7, None)
    sheet = handover_sheet(
        seen, [Muted("x", "保守中")], [Shift("u-1", NOW, NOW + timedelta(hours=3), 12)], (7, "ab")
    )
    for paper in (told, sheet):
        again = read(paper.data())
        assert again == paper
        assert again.digest == paper.digest
        assert "〔u-1〕" in paper.text()
        assert "統括 太郎" in paper.named(lambda _id: "統括 太郎").text()
    assert "%" not in told.text(), "a percentage never goes to a meeting"
    assert "推定(実績なし)" in told.text()
    assert "記録の先頭: 7 件・ab" in sheet.text()


def test_people_in_use_and_papers_are_counted(world: World) -> None:
    world.do(c.StartStep(incident=world.on, step="JUKI-01"), "u-1")
    world.do(c.IssueSheets(incident=world.on, ids=("k-1", "k-2")), "u-1")
    (team,) = teams(world.seen())
    assert (team.busy, team.ready) == (1, 0)
    assert papers(world.seen()).sheets == ("k-1", "k-2")
