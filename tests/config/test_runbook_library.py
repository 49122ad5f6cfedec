"""The shipped runbooks: for a tired non-expert, without a trap, and fitting the sample city."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise

import pytest

from bcp.plan.model import System
from runbooks.book import shipped
from runbooks.form import ApprovalStep, DecisionStep, Runbook, VerifyStep
from runbooks.incident import select
from runbooks.lint import lint, rule_of, warn
from runbooks.lint.ground import Ground
from runbooks.lint.times import finishes
from runbooks.progress import OPEN, Stand
from tests.config.dashboard_expressions import ROOT
from tests.config.plans import sample
from tests.config.walk import play, walk

BOOK, FAULTS = shipped()
RUNBOOKS = [pytest.param(runbook, id=runbook.id) for runbook in BOOK]
LIBRARY = ROOT / "runbooks" / "library"
CITY = sample("kurihara").city

SUBJECTS = {
    "initial response in and off hours": "shodo",
    "damage survey": "higai-chosa",
    "power and fuel": "dengen",
    "network to branches and shelters": "ami-fukkyu",
    "directory/DNS/NTP": "ninsho-fukkyu",
    "LGWAN": "lgwan-fukkyu",
    "resident register": "juki-restore",
    "certificates at the counter on paper": "kami-madoguchi",
    "victim support and 罹災証明, intake": "risai-kami",
    "victim support and 罹災証明, system": "risai-fukkyu",
    "tax data": "zei-fukkyu",
    "lists of persons who need support": "yoshiensha-kami",
    "long-term care and disabled persons' data": "kaigo-fukkyu",
    "website and public messaging": "web-oshirase",
    "e-application and counter tablets": "denshi-shinsei",
    "cashless fallback": "genkin-uketsuke",
    "telework": "telework-fukkyu",
    "mail and groupware": "mail-fukkyu",
    "file server from restic": "fairu-fukkyu",
    "stop RPA and batches before restoring": "rpa-teishi",
    "Government Cloud outage": "gcloud-teishi",
    "data-centre loss": "dc-soushitsu",
    "rebuild from nothing on borrowed machines": "zero-kara",
    "ransomware first ten minutes": "ransomware-10min",
    "containment and clean restore": "cyber-fukkyu",
    "headquarters lost: operate from a branch": "honcho-soushitsu",
    "return and stand-down": "kirimodoshi",
}
"""Issue 3, "Library": what is asked for, and the runbook that answers."""


def test_the_library_reads_without_a_fault() -> None:
    assert [str(fault) for fault in FAULTS] == []


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_subject_asked_for_has_its_runbook(subject: str) -> None:
    assert BOOK.get(SUBJECTS[subject]) is not None


def test_there_are_at_least_twenty_four_and_none_without_a_subject() -> None:
    assert {runbook.id for runbook in BOOK} == set(SUBJECTS.values())
    assert len(BOOK) >= 24


def test_the_linter_finds_no_error_and_no_bad_wording_or_secret() -> None:
    city = sample("kurihara")
    made = {f"{s.id}/{kind}" for s in CITY.systems if s.url for kind in ("http", "tls")}
    checks = {check.id for check in city.checks} | made
    sets = {one.id for one in city.backups}
    errors = lint(BOOK, CITY, checks=checks, backups=sets, tree=city.tree)
    warnings = warn(BOOK, CITY, tree=city.tree)

    assert [str(fault) for fault in errors] == []
    assert [str(one) for one in warnings if rule_of(one) in ("W103", "W106", "W111")] == []


def test_the_sample_city_takes_them_all() -> None:
    taken = sample("kurihara").data["runbooks"]["library"]

    assert taken == "all" or set(taken) == {runbook.id for runbook in BOOK}


def test_a_service_that_goes_on_by_a_runbook_names_one_that_names_it_back() -> None:
    named = {s.id: s.alternate_runbook for s in CITY.services if s.alternate_runbook}
    told = {service for runbook in BOOK for service in runbook.services}

    assert set(named) == told
    for service, id in named.items():
        runbook = BOOK.get(id)
        assert runbook is not None
        assert service in runbook.services


def test_a_special_situation_waits_until_it_is_called() -> None:
    begun = select(BOOK, systems=(), nature="disaster", hours="off_hours")
    special = {"honcho-soushitsu", "dc-soushitsu", "zero-kara", "rpa-teishi"}

    assert {runbook.id for runbook in BOOK if runbook.on_call} == special
    assert not special & set(begun)
    assert {"shodo", "higai-chosa", "dengen", "juki-restore", "kami-madoguchi"} <= set(begun)
    called = {step.runbook for r in BOOK for step in r.steps if step.type == "runbook"}
    assert special <= called


# --- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_a_step_is_one_short_order_with_one_verb(runbook: Runbook) -> None:
    for step in runbook.steps:
        assert len(step.title) <= 40, step.id
        assert re.search("[うくぐすつぬぶむる]$", step.title), step.title
        assert not re.search("および|かつ|または.*する$", step.title), step.title
        assert step.en, step.id


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_a_step_says_what_one_sees_when_it_worked_and_how_long_it_takes(runbook: Runbook) -> None:
    for step in runbook.steps:
        if step.type == "milestone":
            continue
        if step.type != "runbook":
            assert step.duration is not None, step.id
            assert step.duration.p90 is not None, step.id
        assert isinstance(step, DecisionStep) or step.expect, step.id


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_a_number_is_spoken_easily_and_belongs_to_one_runbook(runbook: Runbook) -> None:
    prefixes = {step.id.rpartition("-")[0] for step in runbook.steps}

    assert len(prefixes) == 1
    assert all(re.fullmatch(r"[A-Z]{2,6}-\d\d", step.id) for step in runbook.steps)
    others = {s.id.rpartition("-")[0] for r in BOOK if r.id != runbook.id for s in r.steps}
    assert not prefixes & others


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_numbers_rise_along_the_way(runbook: Runbook) -> None:
    way = [step.id for step in runbook.steps if step.id[-2:] < "80"]

    if runbook.id != "gcloud-teishi":  # its two short ways out stand before the end
        assert all(a < b for a, b in pairwise(way))


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_it_says_in_one_glance_what_happens_and_where_one_may_stop(runbook: Runbook) -> None:
    assert runbook.summary
    assert runbook.stop
    assert runbook.form
    assert runbook.en


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_a_command_and_a_proof_say_what_to_do_when_it_fails(runbook: Runbook) -> None:
    for step in runbook.steps:
        if step.type in ("command", "verify"):
            assert step.on_failure, step.id


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_an_emergency_change_says_how_it_is_taken_back(runbook: Runbook) -> None:
    for step in runbook.steps:
        assert (step.security_change is None) == (step.revert is None), step.id


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_what_destroys_or_commands_has_a_form_for_drills(runbook: Runbook) -> None:
    for step in runbook.steps:
        erases = any(re.match(r"rm\b|dd\b|mkfs", line) for line in step.type_in)
        if step.type == "command" or (erases and runbook.id != "juki-restore"):
            assert step.drill is not None, step.id


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_every_number_is_marked(runbook: Runbook) -> None:
    text = _text(runbook)
    lines = [line for line in text.splitlines() if re.search(r"p50:|expires:|reviewed:", line)]

    assert runbook.unconfirmed
    assert [line for line in lines if "要確認" not in line] == []


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_no_telephone_number_address_or_secret_stands_in_it(runbook: Runbook) -> None:
    text = _text(runbook)

    assert not re.search(r"\d{2,4}-\d{2,4}-\d{4}", text)
    assert not re.search(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", text)
    assert not re.search(r"(?i)password\s*[:=]|合言葉は「", text)
    assert not re.search(r"[\w.]+@(?!example)[\w.]+", text)


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_no_more_than_nine_steps_without_a_pause(runbook: Runbook) -> None:
    longest = count = 0
    for step in runbook.steps:
        if step.id[-2:] >= "80":  # what to do when a step fails stands at the end
            break
        count = 0 if step.type in ("milestone", "decision") else count + 1
        longest = max(longest, count)
    assert longest <= 9


# --- purpose ------------------------------------------------------------------------------------


@pytest.mark.parametrize("runbook", [p for p in RUNBOOKS if p.values[0].purpose == "recover"])  # type: ignore[union-attr]
def test_a_recovery_ends_in_a_proof_and_hands_the_work_back_to_its_owner(runbook: Runbook) -> None:
    way = [step for step in runbook.steps if step.id[-2:] < "80"]
    proofs = [i for i, step in enumerate(way) if isinstance(step, VerifyStep) and step.probe]
    backs = [(i, step) for i, step in enumerate(way) if isinstance(step, ApprovalStep)]

    assert proofs
    place, back = backs[-1]
    assert place > proofs[-1]
    assert way[-1].type == "milestone"
    last = way[proofs[-1]]
    assert last.gate == "verified" or last.verify_by
    owners = {"joho-lead"}
    if (system := CITY.system(runbook.system or "")) is not None:
        owners = {_owner(system)}
    elif runbook.id in ("zero-kara", "dc-soushitsu"):
        owners = {"madoguchi"}
    elif runbook.id == "cyber-fukkyu":
        owners = {"ciso"}
    assert runbook.role(back.approver) in owners


def _owner(system: System) -> str:
    """Whose work it is; what the ICT staff run themselves goes back to their head."""
    return "joho-lead" if system.owner_role in ("infra", None) else system.owner_role


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_levels_rise_and_each_is_proven_before_anything_follows(runbook: Runbook) -> None:
    rungs = [step for step in runbook.steps if step.attains]

    assert [s.attains for s in rungs] == sorted(s.attains or "" for s in rungs)
    assert all(step.gate == "verified" and step.probe and step.verify_by for step in rungs)
    system = CITY.system(runbook.system or "")
    for step in rungs:
        assert system is not None
        rung = system.target(step.attains or "")
        assert rung is not None, step.id
        assert step.probe is not None
        assert not rung.proven_by or step.probe.id in rung.proven_by, step.id


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_before_data_is_put_back_somebody_asks_about_an_intrusion(runbook: Runbook) -> None:
    brings = any(step.evidence for step in runbook.steps)
    asked = [s for s in runbook.steps if isinstance(s, DecisionStep) and "不正アクセス" in s.title]

    if brings and runbook.id != "web-oshirase":  # there the page itself is looked at (WEB-03)
        assert asked
        assert runbook.steps.index(asked[0]) <= 2


def test_the_initial_response_puts_life_first_and_powers_up_last() -> None:
    shodo = BOOK.get("shodo")
    assert shodo is not None
    order = [step.id for step in shodo.steps]
    seen = [step.title for step in shodo.steps]

    def place(word: str) -> int:
        return next(i for i, title in enumerate(seen) if word in title)

    assert shodo.steps[0].mandatory
    assert "身の安全" in shodo.steps[0].title
    assert place("安否") < place("指揮する人") < place("サーバ室を外から")
    for word in ("水の跡", "におい", "ラック", "UPS", "空調", "被害チェックシート"):
        assert place(word) < place("電源を入れてよいか")
    assert place("業務継続と代替復旧を始めるか") > place("事業者(保守の会社)へ電話")
    assert order.index("SHODO-40") > order.index("SHODO-21")


@pytest.mark.parametrize(
    "id", ["shodo", "higai-chosa", "dengen", "yoshiensha-kami", "zero-kara", "honcho-soushitsu"]
)
def test_where_people_may_be_hurt_the_first_step_is_about_them(id: str) -> None:
    runbook = BOOK.get(id)
    assert runbook is not None
    assert runbook.steps[0].mandatory
    assert runbook.steps[0].safety


def test_nights_and_holidays_differ_from_office_hours() -> None:
    shodo = BOOK.get("shodo")
    assert shodo is not None
    assert sum(step.variants is not None for step in shodo.steps) >= 4


@pytest.mark.parametrize("name", ["ami-fukkyu", "dengen", "juki-restore", "ransomware-10min"])
def test_whom_one_calls_and_where_the_key_is_differs_at_night(name: str) -> None:
    runbook = BOOK.get(name)
    assert runbook is not None
    changed = [step for step in runbook.steps if step.variants and step.variants.off_hours]
    assert len(changed) >= 3
    for step in changed:
        assert step.variant("in_hours").title is None, "by day the step is as written"


@pytest.mark.parametrize("id", ["juki-restore", "fairu-fukkyu"])
def test_a_restore_pins_a_full_snapshot_and_stays_away_from_the_live_place(id: str) -> None:
    restore = BOOK.get(id)
    assert restore is not None
    typed = [line for step in restore.steps for line in step.type_in]

    assert not any("latest" in line for line in typed)
    assert any("backup custody" in line for line in typed)
    assert all("--target /srv/restore/" in line for line in typed if " restore " in line)
    assert [s.attains for s in restore.steps if s.attains] == ["L2", "L3", "L4"]


def test_the_ransomware_card_unplugs_the_network_and_never_the_power() -> None:
    card = BOOK.get("ransomware-10min")
    assert card is not None
    first = card.steps[0]

    assert "網のケーブルを抜く" in first.title
    assert "電源は切らない" in (first.safety or "")
    assert any("復元も再起動もしない" in step.title for step in card.steps)
    assert any("管理者の名前で入らない" in step.title for step in card.steps)
    assert any("forget" in step.title for step in card.steps)


def test_the_clean_restore_contains_keeps_evidence_and_takes_what_is_older() -> None:
    clean = BOOK.get("cyber-fukkyu")
    assert clean is not None
    order = [step.title for step in clean.steps]

    def place(word: str) -> int:
        return next(i for i, title in enumerate(order) if word in title)

    assert clean.nature == ("cyber",)
    assert place("切り離した線") < place("記録を別の媒体に写して") < place("侵入した時刻")
    assert (
        place("侵入より前の控え") < place("入口になった装置") < place("区画だけを新しい機器に戻す")
    )


def test_the_ransomware_card_is_done_in_about_ten_minutes() -> None:
    card = BOOK.get("ransomware-10min")
    assert card is not None
    ends = finishes(Ground(BOOK, CITY, None, None, None), card)
    urgent = [id for id in ends if card.step(id) and id < "RW-30"]

    assert max(ends[id] for id in urgent) <= timedelta(minutes=10)


# --- walking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [0, 1, 2])
@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_the_machine_of_events_goes_from_the_first_step_to_the_last(
    runbook: Runbook, turn: int
) -> None:
    """Real commands, decided and folded; turn n takes the nth answer of every decision."""
    stands = play(BOOK, CITY, runbook, turn)

    assert [id for id, stand in stands.items() if stand in OPEN] == []
    assert stands[_last(runbook)] is Stand.DONE


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_every_answer_leads_to_the_end_and_every_step_can_come_up(runbook: Runbook) -> None:
    reached: set[str] = set()
    for step in runbook.steps:
        for option in step.options if isinstance(step, DecisionStep) else ():
            way = walk(BOOK, runbook, _into(runbook, step.id) | {step.id: option.id})
            stands = {id: one.stand for id, one in way.items()}
            assert [id for id, stand in stands.items() if stand in OPEN] == [], option.id
            assert stands[_last(runbook)] is Stand.DONE, (step.id, option.id)
            assert stands[step.id] is Stand.DONE
            reached |= {id for id, stand in stands.items() if stand is Stand.DONE}
    if not reached:
        found = walk(BOOK, runbook, {})
        reached = {id for id, one in found.items() if one.stand is Stand.DONE}
    failures = BOOK.graphs[runbook.id].on_failure
    assert {step.id for step in runbook.steps} - reached - failures == set()


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_no_step_that_cannot_be_done_is_a_trap(runbook: Runbook) -> None:
    for step in runbook.steps:
        if step.on_failure is None:  # nothing else opens: it is simply tried again
            continue
        answers = _into(runbook, step.id)
        fails = [s.id for s in runbook.steps if s.on_failure == step.id][:1]
        found = walk(BOOK, runbook, answers, *fails, step.id)
        stands = {id: one.stand for id, one in found.items()}
        stuck = [id for id, stand in stands.items() if stand in OPEN and id != step.id]
        assert stuck == [], step.id
        assert stands[_last(runbook)] is Stand.DONE, step.id
        assert stands[step.on_failure] is Stand.DONE, step.id


def _last(runbook: Runbook) -> str:
    return [step.id for step in runbook.steps if step.type == "milestone"][-1]


def _into(runbook: Runbook, id: str) -> dict[str, str]:
    """Answers by which the step comes up: those of the decisions on the way to it."""
    graph, answers, todo, seen = BOOK.graphs[runbook.id], dict[str, str](), [id], set[str]()
    while todo:
        at = todo.pop()
        if at in seen:
            continue
        seen.add(at)
        for source, what in graph.starters.get(at, ())[:1]:
            if what not in "!+":
                answers.setdefault(source, what)
            todo.append(source)
        needs = graph.needs[at]
        todo += [need for need in needs if need not in graph.on_failure][-1:]
    return answers


def _text(runbook: Runbook) -> str:
    return next(
        text
        for path in LIBRARY.glob("*.yaml")
        if f"\nid: {runbook.id}\n" in (text := path.read_text("utf-8"))
    )


def test_every_announcement_a_step_asks_for_has_its_text_in_the_sample_city() -> None:
    given = sample("kurihara").data["announcements"]["templates"]
    audiences = {one["id"]: one["audiences"] for one in given}
    asked = [step.announce for book in BOOK for step in book.steps if step.announce is not None]
    assert asked
    for one in asked:
        assert one.audience in audiences.get(one.template, ()), one.template
