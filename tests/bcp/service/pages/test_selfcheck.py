"""自己点検: nothing is good without evidence, and what is missing is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bcp.kit.language import catalogue
from bcp.plan.model import City
from bcp.service.selfcheck import Ground, Line, lines
from tests.bcp.service.pages.sample import Town, Visitor
from tests.runbooks.world import a_book, a_city

NOW = datetime(2026, 11, 27, tzinfo=UTC)
EMPTY = Ground(a_city(), a_book(), NOW, None, {}, {}, frozenset())


def found(ground: Ground) -> dict[str, Line]:
    return {one.id: one for one in lines(ground)}


def test_an_empty_record_shows_nothing_as_good() -> None:
    told = found(EMPTY)
    assert told["drill"].state == "short"
    assert told["review"].state == "unset"
    assert told["backups"].state == "short"
    assert told["paper"].missing == ("本庁舎",)
    assert told["succession"].missing == ("市長", "CIO", "情報基盤担当", "住民情報担当")
    assert told["alternates"].state == "shown"


def test_what_a_provider_states_is_not_confirmed() -> None:
    stated = replace(EMPTY, backed_up={"juki": None, "ad": None})
    assert found(stated)["backups"].state == "unknown"
    proven = replace(EMPTY, backed_up={"juki": True, "ad": True})
    assert found(proven)["backups"].state == "shown"
    one = replace(EMPTY, backed_up={"juki": True, "ad": False})
    assert found(one)["backups"].missing == ("認証",)


def test_a_number_nobody_confirmed_within_a_year_is_not_confirmed() -> None:
    def people(day: date | None) -> City:
        known = tuple(
            p.model_copy(update={"phone": "0", "confirmed_on": day}) for p in EMPTY.city.people
        )
        return EMPTY.city.model_copy(update={"people": known})

    assert found(EMPTY)["contacts"].state == "short"
    assert found(replace(EMPTY, city=people(None)))["contacts"].state == "unknown"
    assert found(replace(EMPTY, city=people(date(2026, 1, 1))))["contacts"].state == "shown"
    assert found(replace(EMPTY, city=people(date(2025, 1, 1))))["contacts"].state == "unknown"


@given(st.integers(0, 800))
def test_a_drill_counts_for_a_year(days: int) -> None:
    told = found(replace(EMPTY, last_drill=NOW - timedelta(days=days)))["drill"]
    assert told.state == ("shown" if days <= 365 else "short")


def test_every_line_has_its_words() -> None:
    for one in lines(EMPTY):
        for key in ("line", "why"):
            assert f"checklist.{key}_{one.id}" in catalogue()


async def test_the_page_is_for_those_who_may_know_weak_points(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("viewer")
    assert (await visitor.get("/checklist"))[0] == 403
    await visitor.sign_in("auditor")
    status, page = await visitor.get("/checklist")
    assert status == 200
    assert "自己点検" in page
    assert "足りないもの" in page
    assert len(page.encode()) < 30_000
