"""One minimal bad file per rule, and one good file with no finding."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from bcp.kit.language import text
from bcp.plan.loader import parse_files
from bcp.plan.marks import Fault
from bcp.plan.model import City
from runbooks.book import digest, load, shipped
from runbooks.form import Runbook
from runbooks.lint import ERRORS, RULES, Copies, Facts, lint, meaning, rule_of, unchecked, warn
from runbooks.lint.wording import is_my_number, secrets_in

FOLDER = Path(__file__).parent / "lint"
CITY: TypeAdapter[City] = TypeAdapter(City)
TODAY = date(2026, 11, 25)
NOW = datetime(2026, 11, 25, 1, tzinfo=UTC)
GOOD_STEPS = ("J-01", "J-03", "J-04")


def facts(**other: Any) -> Facts:
    """A world in which everything is in order, unless told otherwise."""
    given: dict[str, Any] = {
        "today": TODAY,
        "now": NOW,
        "copies": {"juki": Copies("juki", timedelta(days=1), ("honcho", "shisho"))},
        "verified": {"juki": NOW - timedelta(hours=9)},
        "drilled": {"juki-recover": date(2026, 9, 1)},
        "observed": dict.fromkeys(GOOD_STEPS, 1),
        "reviews": {},
        "printed": {},
    }
    return Facts(**(given | other))


def looked(content: str, name: str = "x.yaml", **other: Any) -> tuple[list[Fault], list[Fault]]:
    """(errors, warnings) of a plan in one file; its first edition is the one on paper."""
    source = parse_files({name: content.encode()})
    city = CITY.validate_python(source.tree.data)
    book, faults = load(source.runbooks)
    assert not faults, faults
    (one,) = [r for r in book if r.id == "juki-recover"] or [next(iter(book))]
    paper = digest(one.model_copy(update={"version": "1"}))
    known = facts(**({"printed": {"juki-recover": paper}} | other))
    errors = lint(
        book, city, checks={"juki/shokai"}, backups={"juki"}, tree=source.tree, facts=known
    )
    return errors, warn(book, city, tree=source.tree, facts=known)


def found(content: str, name: str = "x.yaml") -> list[Fault]:
    return looked(content, name)[0]


def read(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")


def of(name: str) -> list[Fault]:
    return found(read(name), f"{name}.yaml")


@pytest.mark.parametrize("rule", RULES)
def test_the_bad_file_of_each_rule_has_that_finding_and_no_other(rule: str) -> None:
    errors, warnings = looked(read(rule), f"{rule}.yaml")
    faults = errors if rule in ERRORS else [*errors, *warnings]
    assert {rule_of(fault) for fault in faults} == {rule}
    assert all(fault.mark.file == f"{rule}.yaml" and fault.mark.line > 1 for fault in faults)
    assert meaning(rule).ja != f"runbooks.rule_{rule}"
    assert all("lint." not in fault.message and " → " in fault.message for fault in faults)


@pytest.mark.parametrize("rule", RULES)
def test_every_fault_says_what_to_do_in_both_languages(rule: str) -> None:
    assert text(f"lint.todo_{rule}").ja != text(f"lint.todo_{rule}").en


def test_the_good_file_has_no_finding() -> None:
    assert looked(read("good")) == ([], [])


def test_without_facts_nothing_is_claimed_and_the_rules_are_named() -> None:
    source = parse_files({"x.yaml": read("good").encode()})
    book, _faults = load(source.runbooks)
    city = CITY.validate_python(source.tree.data)

    assert lint(book, city) == []
    assert warn(book, city) == []
    assert unchecked(Facts()) == ("E008", "W102", "W105", "W107", "W108", "W109")
    assert unchecked(facts()) == ()


@pytest.mark.parametrize(
    ("rule", "word", "other"),
    [
        ("E008", "古い", {"verified": {"juki": NOW - timedelta(hours=25)}}),
        ("W102", "一度も", {"drilled": {}}),
        ("W102", "1年", {"drilled": {"juki-recover": date(2025, 11, 1)}}),
        (
            "W102",
            "3 回",
            {"reviews": {"juki-recover": tuple((date(y, 4, 1), "a") for y in (4, 5, 6))}},
        ),
        ("W105", "180日", {"today": date(2027, 4, 1)}),
        ("W107", "一度も", {"printed": {}}),
        ("W108", "本庁舎", {"copies": {"juki": Copies("juki", None, ("honcho", "honcho"))}}),
        ("W109", "J-01", {"observed": {"J-03": 2, "J-04": 1}}),
    ],
)
def test_what_the_log_knows_makes_findings(rule: str, word: str, other: dict[str, Any]) -> None:
    errors, warnings = looked(read("good"), **other)
    assert {rule_of(fault) for fault in (*errors, *warnings)} == {rule}
    if rule != "W108":
        assert any(word in fault.message for fault in (*errors, *warnings))


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"verified": {"juki": None}}, "no proof known is not an old proof"),
        ({"copies": {"juki": Copies("juki", timedelta(days=2), (None,))}, "rule": "E008"}, ""),
        (
            {"copies": {"juki": Copies("juki", None, ("honcho", None))}},
            "an unknown interval, an unknown place",
        ),
        (
            {
                "copies": {
                    "juki": Copies("juki", timedelta(hours=1), ("honcho", "shisho")),
                    "archive": Copies("juki", timedelta(days=30), ("honcho", "shisho")),
                }
            },
            "a second, slower set harms nothing",
        ),
        (
            {"reviews": {"juki-recover": ((date(2024, 4, 1), "a"), (date(2025, 4, 1), "b"))}},
            "changed",
        ),
    ],
)
def test_no_fault_is_claimed_on_what_is_not_known(other: dict[str, Any], why: str) -> None:
    rule = other.pop("rule", None)
    errors, warnings = looked(read("good"), **other)
    assert {rule_of(fault) for fault in (*errors, *warnings)} == ({rule} if rule else set()), why


def test_destruction_needs_a_second_person_only_where_it_runs_by_itself() -> None:
    by_hand = "type: command, reversible: false, verify_by"
    assert found(read("good").replace("type: command, verify_by", by_hand)) == []
    run = "type: command, run: x, timeout: 1h, reversible: false, confirm: {by: infra}, verify_by"
    told = found(read("good").replace("type: command, verify_by", run))
    (first, _second) = [fault for fault in told if rule_of(fault) == "E009"]
    assert "一人で" in first.message
    both = run.replace("{by: infra}", "{by: infra, second: infra}")
    told = found(read("good").replace("type: command, verify_by", both))
    assert {rule_of(fault) for fault in told} == {"E003"}


def test_the_shipped_runbooks_have_no_secret_and_no_error_of_their_own() -> None:
    book, _faults = shipped()
    city = CITY.validate_python(parse_files({"x.yaml": read("good").encode()}).tree.data)
    told = {rule_of(fault) for fault in (*lint(book, city), *warn(book, city))}
    assert not told & {"E001", "E002", "E009", "E010", "W111"}


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ("課長の携帯 090-1234-5678 へ電話する", ("phone",)),
        ("09012345678", ("phone",)),
        ("(0228)22-1122", ("phone",)),
        ("パスワードは Kurihara2026 です", ("password",)),
        ("password: hunter22", ("password",)),
        ("mysql --password=hunter22", ("password",)),
        ("http://admin:hunter2@nas/", ("password",)),
        ("-----BEGIN RSA PRIVATE KEY-----", ("key",)),
        ("taro.yamada@city.lg.jp に送る", ("mail",)),
        ("個人番号 1234 5678 9018 を見る", ("number",)),
        ("生年月日: 1980年4月1日", ("born",)),
        # and what is no secret
        ("パスワードは封筒 A-3 の中", ()),
        ("パスワードを変える", ()),
        ("合言葉: 封筒12番を開ける", ()),
        ("restic --password-file /run/credentials/x --repo /srv", ()),
        ("RESTIC_PASSWORD=$(cat /run/x)", ()),
        ("ssh root@db1.city.local", ()),
        ("root@192.0.2.1", ()),
        ("問い合わせ 0120-123-456", ()),
        ("000-0000-0001 (見本)", ()),
        ("2026-11-23 10:02", ()),
        ("JUKI-03 から AD-0123-4567 まで", ()),
        ("sha256 7f3c1234567890123456789012345678", ()),
        ("受付番号 1234-5678-9012", ()),
        ("192.168.100.200", ()),
        ("03-RW-01-0001", ()),
    ],
)
def test_secrets_are_told_from_what_only_looks_like_one(line: str, kinds: tuple[str, ...]) -> None:
    assert secrets_in(line) == kinds


def test_the_check_digit_of_an_individual_number_is_looked_at() -> None:
    assert is_my_number("123456789018")
    assert not any(is_my_number(f"12345678901{digit}") for digit in "012345679")


def test_a_secret_is_never_repeated_in_the_finding() -> None:
    _errors, (fault,) = looked(read("good").replace("title: 始める", "title: password=hunter22"))
    assert "hunter22" not in str(fault)


def test_a_bad_day_is_drawn_the_same_every_time() -> None:
    assert looked(read("W101")) == looked(read("W101"))


def test_a_cycle_is_printed() -> None:
    (fault,) = of("E001")
    assert "J-01 → J-02 → J-01" in fault.message or "J-02 → J-01 → J-02" in fault.message


def test_a_join_that_can_never_be_met_names_both_sides() -> None:
    (fault,) = of("E002")
    assert "J-02 が待つ J-03" in fault.message


def test_a_wrong_name_is_placed_and_guessed() -> None:
    (fault,) = of("E003")
    assert fault.path == "steps.4.probe.id"
    assert "もしかして 'juki/shokai'" in fault.message


def test_a_step_that_only_follows_a_decision_that_leads_elsewhere_is_told() -> None:
    good = read("good")
    lost = "  - {id: J-99, title: 忘れられた, type: action}\n  - {id: J-03,"
    assert [f.message[:4] for f in found(good.replace("  - {id: J-03,", lost))] == ["E002"]


def test_every_rule_finds_the_line_in_a_book_of_several_files() -> None:
    book, faults = shipped()
    assert not faults
    for runbook in book:
        for index in range(len(runbook.steps)):
            mark = book.trees[runbook.id].mark(("steps", index, "id"))
            assert mark.file.startswith("library/")


def test_the_form_refuses_what_no_rule_could_mean() -> None:
    good = read("good")
    for old, new, message in (
        ("title: 戻す", "titel: 戻す", "did you mean 'title'"),
        ("p50: 1h", "p50: 60", "15m"),
        ("type: verify", "type: verfy", "verify"),
    ):
        source = parse_files({"x.yaml": good.replace(old, new).encode()})
        _book, faults = load(source.runbooks)
        assert any(message in fault.message for fault in faults), (new, faults)


def test_the_schema_of_the_form_is_published() -> None:
    from runbooks.book import schema

    assert set(schema()["properties"]) >= {"apiVersion", "steps", "roles", "purpose"}
    assert isinstance(Runbook.model_json_schema(), dict)


def test_a_name_that_is_not_on_the_allow_list_is_a_fault_with_the_names_that_are() -> None:
    faults = found(read("E009").replace("run: restore-juki", "run: restore-jukl", 1))
    told = [fault for fault in faults if rule_of(fault) == "E003"]
    assert [fault.path for fault in told] == ["steps.2.run"]
    assert "restore-juki" in told[0].message


def test_a_drill_may_only_name_what_the_allow_list_has() -> None:
    step = "run: restore-juki, drill: {run: pretend}"
    faults = found(read("E009").replace("run: restore-juki", step, 1))
    assert "steps.2.drill.run" in [f.path for f in faults if rule_of(f) == "E003"]


def test_two_people_reading_aloud_need_a_question_to_read() -> None:
    bare = read("good").replace(
        "id: J-03, title: 戻す,", "id: J-03, mode: challenge-response, title: 戻す,"
    )
    assert [(rule_of(f), f.path) for f in found(bare)] == [("E003", "steps.2.mode")]
    asked = bare.replace(
        "mode: challenge-response,", "mode: challenge-response, challenge: {ask: 同じか},"
    )
    assert found(asked) == []
