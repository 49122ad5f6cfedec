"""The strict reader: every fault at once, at its place, with a guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bcp.kit.units import format_duration, from_us, parse_duration, to_us, wareki
from bcp.plan.crosscheck import cross_check
from bcp.plan.loader import Source, parse_files, validate
from bcp.plan.model import City

CITY = TypeAdapter(City)
HEAD = "organization: {name: 試験市}\nnode: {zone: LGWAN接続系}\n"


def source(text: str, **more: str) -> Source:
    return parse_files({"plan.yaml": text.encode(), **{k: v.encode() for k, v in more.items()}})


def faults(text: str) -> list[str]:
    read = source(text)
    answer = validate(CITY, read.tree)
    city, found = answer
    if city is not None:
        found += cross_check(city, read.tree)
    return [str(fault) for fault in [*read.faults, *found]]


def test_an_unknown_key_is_named_with_its_place_and_a_guess() -> None:
    found = faults(HEAD + "sites:\n  - {id: hq, nam: 本庁, kind: branch}\n")

    assert any(f.startswith("plan.yaml:4:14: sites.0.nam:") and "'name'" in f for f in found)
    assert any("sites.0.name" in f and "missing" in f for f in found)


def test_a_duplicate_key_is_refused_and_the_first_place_is_named() -> None:
    assert "plan.yaml:1:1" in faults("node: {zone: LGWAN接続系}\nnode: {zone: LGWAN接続系}\n")[0]


@pytest.mark.parametrize("word", ["no", "on", "yes", "10:30", "0123", "1_000", "0x1f", "1e3"])
def test_yaml_1_1_surprises_stay_text(word: str) -> None:
    data = source(f"a: {word}\n").tree.data

    assert data == {"a": word}


@pytest.mark.parametrize(
    "bad",
    ["a: &x 1\nb: *x\n", "a: !!python/object:os.system x\n", "a: [1, 2\n", "a: \x01\n", "- 1\n"],
)
def test_what_is_not_plain_yaml_is_one_clear_fault(bad: str) -> None:
    assert source(bad).faults or isinstance(source(bad).tree.data, dict)
    assert all(fault.mark.line >= 1 for fault in source(bad).faults)


def test_all_faults_come_in_one_run() -> None:
    rows = "".join(f"  - {{id: s{i}, name: x, zone: LGWAN接続系, hostt: h}}\n" for i in range(50))

    assert len(faults(HEAD + "systems:\n" + rows)) == 50


def test_a_list_may_stand_in_several_files_and_keeps_its_places() -> None:
    read = source(
        HEAD + "sites: [{id: a, name: A, kind: branch}]\n",
        **{"b.yaml": "sites:\n  - {id: b, name: B, kind: brunch}\n"},
    )
    answer = validate(CITY, read.tree)
    city, found = answer
    assert city is None

    assert [str(fault.mark) for fault in found] == ["b.yaml:2:22"]


def test_a_reference_to_nothing_a_cycle_and_a_late_dependency_are_faults() -> None:
    found = faults(
        HEAD
        + """systems:
  - id: juki
    name: 住民記録
    zone: LGWAN接続系
    depends_on: [{system: add, level: L3}, {system: net, level: L1}]
    targets: [{level: L1, name: 照会, rto_disaster: 3h}]
  - id: net
    name: 網
    zone: LGWAN接続系
    depends_on: [{system: juki}]
    targets: [{level: L1, name: 接続, rto_disaster: 6h}]
"""
    )

    assert any("'add'" in f for f in found)
    assert any("循環" in f and "juki" in f and "net" in f for f in found)
    assert any("6h" in f and "3h" in f for f in found)


@given(st.integers(min_value=0, max_value=10**12))
def test_a_duration_reads_back_as_it_was_written(milliseconds: int) -> None:
    text = format_duration(parse_duration(f"{milliseconds}ms"))

    assert parse_duration(text) == parse_duration(f"{milliseconds}ms")


@given(st.integers(min_value=-(10**15), max_value=2 * 10**15))
def test_an_instant_reads_back_exactly(microseconds: int) -> None:
    assert to_us(from_us(microseconds)) == microseconds


def test_the_first_year_of_an_era_is_gannen() -> None:
    days = [from_us(0).date().replace(2019, 5, 1), from_us(0).date().replace(2019, 4, 30)]

    assert [wareki(day) for day in days] == ["令和元年5月1日", "平成31年4月30日"]


@pytest.mark.parametrize(
    "bomb", ["[" * 300_000, "- " * 300_000, "? " * 30_000, "a: " + "{a: " * 9000]
)
def test_a_plan_nested_without_end_is_one_fault_and_no_crash(bomb: str) -> None:
    found = faults(bomb)
    assert any("nested too deeply" in line for line in found)


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 400 + ".5"])
def test_a_number_without_end_is_a_fault_and_no_crash(number: str) -> None:
    assert faults(HEAD + f"disaster: {{ratify_within: {number}}}\n")


def test_a_window_names_what_there_is() -> None:
    found = faults(MINIMAL_WINDOWS.format(systems="[jukki]", sites="[]"))
    assert any("windows.0.systems.0" in one and "juki" in one for one in found), found


MINIMAL_WINDOWS = """
organization: {{name: 試験市}}
node: {{zone: インターネット接続系}}
systems: [{{id: juki, name: 住民記録, zone: インターネット接続系}}]
windows:
  - {{id: w, name: 更新, systems: {systems}, sites: {sites}, cron: "0 2 * * 0", duration: 1h}}
"""
