"""CACAO 2.0: required properties, no reference into nothing, nothing lost that is not told."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bcp.kit.errors import UsageError
from runbooks.book import canonical, shipped
from runbooks.export_cacao import EXTENSION, cacao, playbook_id, read
from runbooks.export_flow import Together, flow, walk
from runbooks.form import Runbook
from tests.config.plans import sample
from tests.runbooks.world import a_book, a_city

CITY = sample("kurihara").city
BOOKS = [pytest.param(one, id=one.id) for one in (*shipped()[0], *a_book())]
IDENTIFIER = re.compile(
    r"[a-z][a-z0-9-]+[a-z0-9]--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
COMMON = {"type", "name", "description", "delay", "timeout", "owner", "step_extensions"}
NEXT = {"on_completion", "on_success", "on_failure"}
STEPS = {
    "start": COMMON | {"on_completion"},
    "end": COMMON,
    "action": COMMON | NEXT | {"commands", "agent", "targets", "in_args", "out_args"},
    "playbook-action": COMMON | NEXT | {"playbook_id", "in_args", "out_args"},
    "parallel": COMMON | NEXT | {"next_steps"},
    "switch-condition": COMMON | NEXT | {"switch", "cases"},
}
"""Property names of section 4 of the specification that may stand in each kind of step."""


def leads(body: dict[str, Any]) -> list[str]:
    named = [body[key] for key in NEXT if key in body]
    return [*named, *body.get("next_steps", ()), *body.get("cases", {}).values()]


@pytest.mark.parametrize("runbook", BOOKS)
def test_a_playbook_has_what_the_specification_requires(runbook: Runbook) -> None:
    document = cacao(runbook, CITY).document
    assert document["type"] == "playbook"
    assert document["spec_version"] == "cacao-2.0"
    for name in ("id", "name", "created_by", "created", "modified", "workflow_start", "workflow"):
        assert document[name], name
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00\.000Z", document["created"])
    for id, body in document["workflow"].items():
        assert IDENTIFIER.fullmatch(id)
        assert id.startswith(body["type"] + "--")
        assert set(body) <= STEPS[body["type"]], body
        completes = {key for key in NEXT if key in body}
        wanted = [{"on_completion"}, {"on_success", "on_failure"}]
        assert completes in ([set()] if body["type"] == "end" else wanted)
        if body["type"] == "action":
            assert body["commands"][0]["type"] == "manual"
            assert body["agent"] in document["agent_definitions"]
        if body["type"] == "parallel":
            assert len(body["next_steps"]) >= 2
        if body["type"] == "switch-condition":
            assert body["switch"].removesuffix(":value") in document["playbook_variables"]
    for name in document.get("playbook_variables", {}):
        assert re.fullmatch(r"__[a-zA-Z_][a-zA-Z0-9_-]{0,199}__", name)


@pytest.mark.parametrize("runbook", BOOKS)
def test_every_step_is_reached_and_every_way_ends(runbook: Runbook) -> None:
    document = cacao(runbook, CITY).document
    seen, todo = set(), [document["workflow_start"]]
    while todo:
        id = todo.pop()
        if id in seen:
            continue
        seen.add(id)
        body = document["workflow"][id]  # a reference into nothing would raise
        todo += leads(body)
    assert seen == set(document["workflow"])
    told = {
        body["step_extensions"][EXTENSION]["id"]
        for body in document["workflow"].values()
        if "step_extensions" in body
    }
    assert told == {step.id for step in runbook.steps}


@pytest.mark.parametrize("runbook", BOOKS)
def test_it_is_the_same_every_time_and_reads_back_equal(runbook: Runbook) -> None:
    made = cacao(runbook, CITY)
    assert cacao(runbook, CITY) == made
    back = read(json.loads(json.dumps(made.document)))
    if not any("連絡先" in why.ja for _step, why in made.losses):
        assert canonical(back) == canonical(runbook)


def test_nobody_is_exported_and_that_is_told() -> None:
    text = """
apiVersion: ict-bcp/v1
kind: Runbook
id: call
title: 電話する
purpose: initial
version: "1"
owner_role: infra
steps:
  - {id: C-01, title: 電話する, type: action, contact: p01}
"""
    (one,) = [book for book in a_book(text) if book.id == "call"]
    made = cacao(one, CITY)
    document = json.dumps(made.document, ensure_ascii=False)
    assert "p01" not in document
    assert not any(person.name in document for person in CITY.people)
    assert [step for step, _why in made.losses] == ["C-01"]


def test_time_never_fails_a_step_of_a_person() -> None:
    document = cacao(
        next(book for book in a_book() if book.id == "juki-recover"), a_city()
    ).document
    assert not any("timeout" in body for body in document["workflow"].values())


def test_a_decision_becomes_a_question_and_a_switch() -> None:
    book = next(book for book in a_book() if book.id == "juki-recover")
    workflow = cacao(book, a_city()).document["workflow"]
    (switch,) = [body for body in workflow.values() if body["type"] == "switch-condition"]
    assert set(switch["cases"]) == {"latest", "older", "default"}
    names = {option: workflow[id]["name"] for option, id in switch["cases"].items()}
    assert names["latest"].startswith("JUKI-03")
    assert names["older"].startswith("JUKI-04")
    assert workflow[switch["on_completion"]]["name"].startswith("JUKI-05")
    first = next(b for b in workflow.values() if b.get("name", "").startswith("JUKI-01"))
    assert workflow[first["on_failure"]]["name"].startswith("JUKI-90")
    assert workflow[first["on_success"]]["name"].startswith("JUKI-02")


def a_graph(*lines: str) -> Runbook:
    steps = "\n".join(f"  - {{title: する, type: action, {line}}}" for line in lines)
    head = "apiVersion: ict-bcp/v1\nkind: Runbook\nid: g\ntitle: 図\npurpose: initial\n"
    text = f'{head}version: "1"\nowner_role: infra\nsteps:\n{steps}\n'
    return next(book for book in a_book(text) if book.id == "g")


def test_what_is_series_parallel_is_said_exactly() -> None:
    runbook = a_graph(
        "id: A, needs: []", "id: B, needs: [A]", "id: C, needs: [A]", "id: D, needs: [C]",
        "id: E, needs: [B, D]",
    )  # fmt: skip
    found = flow(runbook)
    assert found.added == ()
    first, middle, last = found.blocks
    assert isinstance(middle, Together)
    assert [one.step.id for one in walk((first, last))] == ["A", "E"]
    assert [[one.step.id for one in walk(branch)] for branch in middle.branches] == [
        ["B"],
        ["C", "D"],
    ]


def test_what_is_not_is_put_in_line_and_every_added_wait_is_told() -> None:
    runbook = a_graph(
        "id: A, needs: []", "id: B, needs: []", "id: C, needs: [A]", "id: D, needs: [A, B]"
    )
    assert flow(runbook).added == (("C", "B"),)
    ((step, why),) = cacao(runbook, a_city()).losses
    assert step == "C"
    assert "B" in why.ja


def test_a_playbook_of_somebody_else_is_refused_with_what_was_expected() -> None:
    with pytest.raises(UsageError, match=r"cacao-2\.0"):
        read({"type": "playbook", "spec_version": "cacao-2.0"})


def test_the_id_stays_for_every_edition() -> None:
    (one, *_rest) = a_book()
    newer = one.model_copy(update={"version": "9"})
    assert cacao(newer, CITY).document["id"] == playbook_id(one.id, CITY)
    assert cacao(one, a_city()).document["id"] != playbook_id(one.id, CITY)
