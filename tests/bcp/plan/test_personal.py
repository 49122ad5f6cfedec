"""Personal texts taken out of a plan and put back: nothing is lost, nothing stays behind."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bcp.plan.personal import ERASED, join, split, value_name

PEOPLE: list[dict[str, Any]] = [
    {"id": "p01", "name": "架空 花子", "phone": "0228-00-0001", "mail": "hanako@example.invalid"},
    {
        "id": "p02",
        "name": "佐藤",
        "title": "課長",
        "radio": "栗原1",
        "site": "honcho",
        "unconfirmed": True,
    },
]
PLAN = {
    "people": PEOPLE,
    "disaster": {"criteria": ["架空 花子(0228-00-0001)へ電話する", "課長が決める"]},
    "checks": [{"id": "a/b", "port": 443, "every": None, "odd": "⟦p01/name⟧ と ⟦ と ⟧"}],
}


def test_no_text_of_a_person_stays_and_all_come_back() -> None:
    found = split(PLAN, PEOPLE)

    kept = json.dumps(found.document, ensure_ascii=False)
    for secret in ("架空 花子", "0228-00-0001", "hanako@example.invalid", "佐藤", "栗原1"):
        assert secret not in kept
    assert "課長が決める" in kept, "a title is a common word elsewhere"
    assert '"honcho"' in kept
    assert set(found.values) == {"person/p01", "person/p02"}
    assert join(found.document, found.values) == PLAN


def test_an_erased_person_reads_as_erased_wherever_the_plan_named_him() -> None:
    found = split(PLAN, PEOPLE)
    left = {name: text for name, text in found.values.items() if name != "person/p01"}

    again = join(found.document, left)

    assert again["people"][0] == {"id": "p01", "name": ERASED, "phone": ERASED, "mail": ERASED}
    assert again["people"][1] == PEOPLE[1]
    assert again["disaster"]["criteria"][0] == f"{ERASED}({ERASED})へ電話する"
    assert again["checks"] == PLAN["checks"]


def test_the_same_plan_with_another_number_has_the_same_document() -> None:
    other = [{**PEOPLE[0], "phone": "0228-00-9999"}, PEOPLE[1]]

    one, two = split({"people": PEOPLE}, PEOPLE), split({"people": other}, other)

    assert one.document == two.document
    assert one.values != two.values


def test_a_long_id_still_names_its_value() -> None:
    assert len(value_name("p" * 64)) <= 64
    assert value_name("p" * 64) != value_name("p" * 63)


TEXTS = st.text("⟦⟧/ab01-名前 ", max_size=12)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"id": st.from_regex(r"[a-z][a-z0-9]{0,3}", fullmatch=True)},
        optional={"name": TEXTS, "phone": TEXTS, "mail": TEXTS},
    ),
    max_size=4,
    unique_by=lambda row: row["id"],
)


@given(people=ROWS, others=st.lists(TEXTS))
def test_whatever_is_split_joins_to_the_same(
    people: list[dict[str, str]], others: list[str]
) -> None:
    plan = {"people": people, "others": others}

    found = split(plan, people)

    assert join(json.loads(json.dumps(found.document)), found.values) == plan
