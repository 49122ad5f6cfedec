"""The pictures: pure, safe, saying in words what they draw; readable without colour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.service.pages.pictures.bars import KINDS, Cell, bars
from bcp.service.pages.pictures.graph import Node, around, downstream, graph, layers, reduced
from bcp.service.pages.pictures.ladder import Rung, ladder, reached
from bcp.service.pages.pictures.svg import cut
from bcp.service.pages.pictures.timeline import Track, timeline

NOW = datetime(2026, 11, 23, 4, 27, tzinfo=UTC)
HOUR = timedelta(hours=1)


def cells(*kinds: str) -> list[Cell]:
    made = []
    for index, kind in enumerate(kinds):
        seconds = {} if kind == "blind" else {kind: 3600.0}
        made.append(Cell(NOW + HOUR * index, HOUR, seconds))
    return made


def test_each_state_of_a_bar_has_a_shape_of_its_own_not_only_a_colour() -> None:
    shapes = set()
    for kind in KINDS:
        tree = ElementTree.fromstring(bars(cells(kind)).svg)
        shapes.add(tuple((p.get("d"), p.get("stroke-width")) for p in tree))
    assert len(shapes) == len(KINDS)


def test_time_not_observed_is_neither_good_nor_down() -> None:
    assert Cell(NOW, HOUR, {"ok": 600.0}).kind == "blind"
    assert Cell(NOW, HOUR, {"ok": 3000.0}).kind == "ok"
    assert Cell(NOW, HOUR, {"ok": 3590.0, "failed": 5.0}).kind == "brief"
    twin = bars(cells("ok", "blind")).twin
    assert "未観測 1時間" in twin
    assert "停止" not in twin


def test_a_strip_of_a_quiet_day_is_light() -> None:
    assert len(bars(cells(*["ok"] * 24)).svg) < 300
    assert len(bars(cells(*["ok", "failed"] * 45)).svg) < 2500


@given(
    st.lists(
        st.dictionaries(st.sampled_from(KINDS[:-1]), st.floats(0, 3600), max_size=3), max_size=90
    )
)
def test_any_history_draws_well_formed_and_speaks(seconds: list[dict[str, float]]) -> None:
    made = [Cell(NOW + HOUR * i, HOUR, s) for i, s in enumerate(seconds)]
    picture = bars(made, "ja", wide=True)
    ElementTree.fromstring(picture.svg)
    assert picture.twin


NEEDS = {"a": (), "b": ("a",), "c": ("b",), "d": (), "e": ("d", "c")}


def test_what_hangs_on_the_failed_one_is_taken_along_and_nothing_else() -> None:
    assert downstream({"b"}, NEEDS) == {"c", "e"}
    assert downstream({"d"}, NEEDS) == {"e"}
    assert around("b", NEEDS) == {"a", "b", "c"}


def test_an_arrow_that_another_way_already_tells_is_left_out() -> None:
    assert reduced({"a", "b", "c"}, {"b": ("a",), "c": ("a", "b")}) == {
        "a": [],
        "b": ["a"],
        "c": ["b"],
    }


def test_what_is_needed_stands_above_what_needs_it() -> None:
    rows = layers(list(NEEDS), NEEDS)
    place = {id: index for index, row in enumerate(rows) for id in row}
    assert all(place[o] < place[id] for id, wanted in NEEDS.items() for o in wanted)


@given(st.dictionaries(st.integers(0, 12), st.sets(st.integers(0, 12), max_size=4), max_size=12))
def test_any_graph_even_a_circle_is_drawn_once_per_node(raw: dict[int, set[int]]) -> None:
    needs = {str(k): tuple(map(str, v)) for k, v in raw.items()}
    nodes = [Node(id, f"<{id}>", "ok") for id in needs]
    picture = graph(nodes, needs)
    tree = ElementTree.fromstring(picture.svg)
    assert len(tree.findall("a")) == len(nodes)


def test_a_graph_says_what_is_down_and_what_it_takes_with_it() -> None:
    nodes = [Node("a", "基盤", "failed"), Node("b", "窓口", "unknown", hit=True, kind="service")]
    picture = graph(nodes, {"b": ("a",)})
    assert "停止: 基盤" in picture.twin
    assert "影響を受ける: 窓口" in picture.twin
    assert 'href="/services/b"' in picture.svg


def test_the_ladder_counts_what_is_proven_and_names_what_failed() -> None:
    rungs = [Rung(n, "proven", NOW) for n in range(3)] + [Rung(3, "failed", NOW), Rung(4, "stale")]
    picture = ladder(rungs, NOW)
    assert reached(rungs) == 2
    assert picture.twin == "証拠 2: 構造が正しい。ただし 3 データを読めた が失敗"
    assert reached([]) is None
    assert "証拠がありません" in ladder([], NOW).twin


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_time_line_tells_planned_actual_due_and_late(lang: str) -> None:
    onset = NOW - timedelta(hours=4)
    tracks = [
        Track("住民記録", "L2", onset + HOUR, onset + HOUR * 6, onset + HOUR),
        Track("<認証>", "L3", onset + HOUR * 9, None, onset, onset + HOUR * 2),
    ]
    picture = timeline(tracks, onset, NOW, lang)  # type: ignore[arg-type]
    tree = ElementTree.fromstring(picture.svg)
    assert len(tree.findall("rect")) == 3
    assert tracks[0].late(NOW)
    assert not tracks[1].late(NOW)
    assert ("超過" if lang == "ja" else "late") in picture.lines[0]


@given(st.text(max_size=40), st.integers(2, 30))
def test_a_cut_name_fits_and_says_that_it_was_cut(name: str, width: int) -> None:
    short = cut(name, width)
    assert short == name or short.endswith("…")
