"""One minimal bad file per rule, and one good file with no finding."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bcp.plan.loader import parse_files
from bcp.plan.marks import Fault
from bcp.plan.model import City
from runbooks.book import load, shipped
from runbooks.form import Runbook
from runbooks.lint import RULES, lint, meaning

FOLDER = Path(__file__).parent / "lint"
CITY: TypeAdapter[City] = TypeAdapter(City)


def found(text: str, name: str = "x.yaml") -> list[Fault]:
    source = parse_files({name: text.encode()})
    city = CITY.validate_python(source.tree.data)
    book, faults = load(source.runbooks)
    assert not faults, faults
    return lint(book, city, checks={"juki/shokai"}, backups={"juki"}, tree=source.tree)


def of(name: str) -> list[Fault]:
    return found((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")


@pytest.mark.parametrize("rule", RULES)
def test_the_bad_file_of_each_rule_has_that_finding_and_no_other(rule: str) -> None:
    faults = of(rule)
    assert {fault.message[:4] for fault in faults} == {rule}
    assert all(fault.mark.file == f"{rule}.yaml" and fault.mark.line > 1 for fault in faults)
    assert meaning(rule).ja != f"runbooks.rule_{rule}"


def test_the_good_file_has_no_finding() -> None:
    assert of("good") == []


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
    text = (FOLDER / "good.yaml").read_text(encoding="utf-8")
    lost = "  - {id: J-99, title: 忘れられた, type: action}\n  - {id: J-03,"
    assert [f.message[:4] for f in found(text.replace("  - {id: J-03,", lost))] == ["E002"]


def test_every_rule_finds_the_line_in_a_book_of_several_files() -> None:
    book, faults = shipped()
    assert not faults
    for runbook in book:
        for index in range(len(runbook.steps)):
            mark = book.trees[runbook.id].mark(("steps", index, "id"))
            assert mark.file.startswith("library/")


def test_the_form_refuses_what_no_rule_could_mean() -> None:
    text = (FOLDER / "good.yaml").read_text(encoding="utf-8")
    for old, new, message in (
        ("title: 戻す", "titel: 戻す", "did you mean 'title'"),
        ("p50: 1h", "p50: 60", "15m"),
        ("type: verify", "type: verfy", "verify"),
    ):
        source = parse_files({"x.yaml": text.replace(old, new).encode()})
        _book, faults = load(source.runbooks)
        assert any(message in fault.message for fault in faults), (new, faults)


def test_the_schema_of_the_form_is_published() -> None:
    from runbooks.book import schema

    assert set(schema()["properties"]) >= {"apiVersion", "steps", "roles", "purpose"}
    assert isinstance(Runbook.model_json_schema(), dict)
