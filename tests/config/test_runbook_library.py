"""The shipped runbooks: for a tired non-expert, without a trap, and fitting the sample city."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from runbooks.book import shipped
from runbooks.form import DecisionStep, Runbook, Step
from runbooks.lint import lint
from runbooks.lint.times import finishes
from runbooks.progress import OPEN, Stand
from tests.config.dashboard_expressions import ROOT
from tests.config.plans import sample
from tests.config.walk import walk

BOOK, FAULTS = shipped()
RUNBOOKS = [pytest.param(runbook, id=runbook.id) for runbook in BOOK]
STEPS = [pytest.param(r, s, id=s.id) for r in BOOK for s in r.steps]
LIBRARY = ROOT / "runbooks" / "library"


def test_the_three_runbooks_read_without_a_fault() -> None:
    assert [str(fault) for fault in FAULTS] == []
    assert {runbook.id for runbook in BOOK} >= {"shodo", "juki-restore", "ransomware-10min"}


def test_the_linter_finds_nothing_in_the_sample_city() -> None:
    city = sample("kurihara")
    made = {f"{s.id}/{kind}" for s in city.city.systems if s.url for kind in ("http", "tls")}
    checks = {check.id for check in city.checks} | made
    sets = {one.id for one in city.backups}
    found = lint(BOOK, city.city, checks=checks, backups=sets, tree=city.tree)

    assert [str(fault) for fault in found] == []


def test_the_sample_city_takes_them_all() -> None:
    taken = sample("kurihara").data["runbooks"]["library"]

    assert taken == "all" or set(taken) == {runbook.id for runbook in BOOK}


@pytest.mark.parametrize(("runbook", "step"), STEPS)
def test_a_step_is_one_short_order_with_one_verb(runbook: Runbook, step: Step) -> None:
    assert len(step.title) <= 40
    assert re.search("[うくぐすつぬぶむる]$", step.title), step.title
    assert not re.search("および|かつ|または.*する$", step.title)
    assert step.en


@pytest.mark.parametrize(("runbook", "step"), STEPS)
def test_a_step_says_what_one_sees_when_it_worked_and_how_long_it_takes(
    runbook: Runbook, step: Step
) -> None:
    if step.type == "milestone":
        return
    if step.type != "runbook":
        assert step.duration is not None
        assert step.duration.p90 is not None
    assert isinstance(step, DecisionStep) or step.expect


@pytest.mark.parametrize(("runbook", "step"), STEPS)
def test_a_command_and_a_proof_say_what_to_do_when_it_fails(runbook: Runbook, step: Step) -> None:
    if step.type in ("command", "verify"):
        assert step.on_failure, step.id


@pytest.mark.parametrize(("runbook", "step"), STEPS)
def test_an_emergency_change_says_how_it_is_taken_back(runbook: Runbook, step: Step) -> None:
    assert (step.security_change is None) == (step.revert is None)


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_every_number_is_marked(runbook: Runbook) -> None:
    text = next(
        path.read_text("utf-8")
        for path in LIBRARY.glob("*.yaml")
        if f"\nid: {runbook.id}\n" in path.read_text("utf-8")
    )
    lines = [line for line in text.splitlines() if re.search(r"p50:|expires:|reviewed:", line)]

    assert runbook.unconfirmed
    assert [line for line in lines if "要確認" not in line] == []


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_no_more_than_nine_steps_without_a_pause(runbook: Runbook) -> None:
    longest = count = 0
    for step in runbook.steps:
        if step.id[-2:] >= "80":  # what to do when a step fails stands at the end
            break
        count = 0 if step.type in ("milestone", "decision") else count + 1
        longest = max(longest, count)
    assert longest <= 9


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
    assert order.index("SHODO-40") > order.index("SHODO-20")


def test_nights_and_holidays_differ_from_office_hours() -> None:
    shodo = BOOK.get("shodo")
    assert shodo is not None
    assert sum(step.variants is not None for step in shodo.steps) >= 4


def test_the_restore_pins_a_full_snapshot_and_stays_away_from_the_live_place() -> None:
    restore = BOOK.get("juki-restore")
    assert restore is not None
    typed = [line for step in restore.steps for line in step.type_in]

    assert not any("latest" in line for line in typed)
    assert any("backup custody" in line for line in typed)
    assert all("--target /srv/restore/" in line for line in typed if " restore " in line)
    assert [s.attains for s in restore.steps if s.attains] == ["L2", "L3", "L4"]
    assert all(step.gate == "verified" for step in restore.steps if step.attains)


def test_the_ransomware_card_unplugs_the_network_and_never_the_power() -> None:
    card = BOOK.get("ransomware-10min")
    assert card is not None
    first = card.steps[0]

    assert "網のケーブルを抜く" in first.title
    assert "電源は切らない" in (first.safety or "")
    assert any("復元も再起動もしない" in step.title for step in card.steps)
    assert any("管理者の名前で入らない" in step.title for step in card.steps)
    assert any("forget" in step.title for step in card.steps)


def test_the_ransomware_card_is_done_in_about_ten_minutes() -> None:
    from runbooks.lint.ground import Ground

    card = BOOK.get("ransomware-10min")
    assert card is not None
    ends = finishes(Ground(BOOK, sample("kurihara").city, None, None, None), card)
    urgent = [id for id in ends if card.step(id) and id < "RW-30"]

    assert max(ends[id] for id in urgent) <= timedelta(minutes=10)


WAYS = [
    pytest.param(runbook, {step.id: option.id}, id=f"{step.id}-{option.id}")
    for runbook in BOOK
    for step in runbook.steps
    if isinstance(step, DecisionStep)
    for option in step.options
]


@pytest.mark.parametrize(("runbook", "answers"), WAYS)
def test_every_answer_leads_to_the_end(runbook: Runbook, answers: dict[str, str]) -> None:
    stands = {id: one.stand for id, one in walk(BOOK, runbook, answers).items()}

    assert [id for id, stand in stands.items() if stand in OPEN] == []
    assert stands[_last(runbook)] is Stand.DONE


@pytest.mark.parametrize(("runbook", "step"), STEPS)
def test_no_step_that_cannot_be_done_is_a_trap(runbook: Runbook, step: Step) -> None:
    answers = _answers_that_reach(runbook, step.id)
    stands = {id: one.stand for id, one in walk(BOOK, runbook, answers, step.id).items()}

    stuck = [id for id, stand in stands.items() if stand in OPEN and id != step.id]
    assert stuck == []
    assert stands[_last(runbook)] is Stand.DONE


def _last(runbook: Runbook) -> str:
    return [step.id for step in runbook.steps if step.type == "milestone"][-1]


def _answers_that_reach(runbook: Runbook, id: str) -> dict[str, str]:
    for step in runbook.steps:
        for option in step.options if isinstance(step, DecisionStep) else ():
            answers = {step.id: option.id}
            if walk(BOOK, runbook, answers)[id].stand is Stand.DONE:
                return answers
    return {}
