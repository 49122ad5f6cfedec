"""クロノロジー for spreadsheets: nothing a cell could execute, nothing lost on the way."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from bcp.journal.entry import Actor, Entry
from bcp.kit.clock import ClockReading
from runbooks.export_table import COLUMNS, Row, as_csv, as_xlsx, rows

AT = datetime(2026, 11, 23, 1, 2, tzinfo=UTC)
CELL = st.text(st.characters(codec="utf-8"), max_size=20)
TABLE = st.lists(st.tuples(*[CELL] * len(COLUMNS)), max_size=4)


def an_entry(seq: int, kind: str, minute: int, **more: Any) -> Entry:
    return Entry(
        1, "n1", 1, seq, f"op{seq}", "i-1", f"incident.{kind}", AT.replace(minute=minute),
        AT.replace(minute=30), ClockReading(0, True, "boot", 0, suspect=False), Actor("u-1", "staff"),
        more.get("subject", "J-01"), more.get("detail", {}), more.get("commitments", {}),
    )  # fmt: skip


def test_rows_stand_in_the_order_in_which_things_happened_with_names_and_words() -> None:
    entries = [
        an_entry(7, "step_done", 10, detail={"attempt": 1}, commitments={"note": "c1"}),
        an_entry(8, "note_added", 5, commitments={"text": "c2"}),
    ]
    note, done = rows(entries, {8: {"text": "停電"}}, {"u-1": "佐藤"}.__getitem__)
    assert note[:4] == ("8", "2026-11-23 10:05:00", "2026-11-23 10:30:00", "後入力")
    assert (note[5], note[6], note[7]) == ("J-01", "佐藤", "停電")
    assert done[7] == "(消去済み)"
    assert done[8] == "attempt=1"


@given(TABLE, st.booleans())
def test_csv_reads_back_and_no_cell_is_a_formula(table: list[Row], drill: bool) -> None:
    data = as_csv(table, drill=drill)
    assert data.startswith(b"\xef\xbb\xbf")
    found = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert (found.pop(0) == ["【訓練】"]) if drill else True
    assert tuple(found.pop(0)) == COLUMNS
    assert len(found) == len(table)
    for row, wrote in zip(table, found, strict=True):
        for cell, back in zip(row, wrote, strict=True):
            plain = cell.replace("\x00", "")
            assert back in (plain, "'" + plain)
            assert not back.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(TABLE)
def test_every_cell_of_the_workbook_is_text(table: list[Row]) -> None:
    data = as_xlsx(table, title="x", drill=True, made=AT)
    assert data == as_xlsx(table, title="x", drill=True, made=AT)
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    cells = [node for node in sheet.iter() if node.tag.endswith("}c")]
    assert not [node for node in sheet.iter() if node.tag.endswith("}f")]
    assert all(cell.get("t") == "s" for cell in cells if len(cell))


def test_the_workbook_holds_what_was_written() -> None:
    row = tuple(f"=1+{place}" for place in range(len(COLUMNS)))
    data = as_xlsx([row], title="クロノロジー", drill=False, made=AT)
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        strings = ET.fromstring(book.read("xl/sharedStrings.xml"))
    texts = [node.text for node in strings.iter() if node.tag.endswith("}t")]
    assert texts == [*COLUMNS, *row]
