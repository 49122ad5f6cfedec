"""クロノロジー as a table: every entry of an event, for a spreadsheet. CSV and XLSX, safe to open.

A cell that a spreadsheet would take for a formula (it begins with = + - @, a tab or a line break) is
written with an apostrophe before it in CSV; in XLSX every cell is text. CSV is UTF-8 with BOM and
CRLF, which is what Excel in Japanese opens without a question.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import datetime

from bcp.journal.entry import Entry
from bcp.kit.language import catalogue, text
from bcp.kit.units import JST
from runbooks.folding import PREFIX
from runbooks.report import ERASED, Texts
from runbooks.state import LATE_SECONDS

COLUMNS = ("番号", "起きた時刻", "記録した時刻", "後入力", "こと", "対象", "人", "内容", "詳細")
_WIDTHS = (8, 18, 18, 8, 18, 18, 18, 60, 40)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_HIDDEN = frozenset({"frozen", "plan", "digest"})
Row = tuple[str, ...]


def rows(entries: Sequence[Entry], texts: Texts, called: Callable[[str], str]) -> tuple[Row, ...]:
    """One row per entry, in the order in which things happened."""
    ordered = sorted(entries, key=lambda entry: (entry.occurred_at, entry.seq))
    return tuple(_row(entry, texts, called) for entry in ordered)


def _row(entry: Entry, texts: Texts, called: Callable[[str], str]) -> Row:
    late = (entry.recorded_at - entry.occurred_at).total_seconds() > LATE_SECONDS
    word = entry.kind.removeprefix(PREFIX)
    key = f"runbooks.kindword_{word}"
    known = texts.get(entry.seq, {})
    said = [known.get(name, ERASED) for name in sorted(entry.commitments)]
    detail = [
        f"{name}={value}"
        for name, value in sorted(entry.detail.items())
        if name not in _HIDDEN and value not in (None, "", [], {})
    ]
    return (
        str(entry.seq),
        _time(entry.occurred_at),
        _time(entry.recorded_at),
        "後入力" if late else "",
        text(key).ja if key in catalogue() else entry.kind,
        entry.subject,
        called(entry.actor.id),
        " / ".join(said),
        " ".join(detail)[:500],
    )


def _time(instant: datetime) -> str:
    return instant.astimezone(JST).strftime("%Y-%m-%d %H:%M:%S")


def as_csv(table: Sequence[Row], *, drill: bool) -> bytes:
    """The table as CSV; a drill says so in its first line."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    if drill:
        writer.writerow(("【訓練】",))
    writer.writerow(COLUMNS)
    writer.writerows([safe(cell) for cell in row] for row in table)
    return out.getvalue().encode("utf-8-sig")


def safe(cell: str) -> str:
    """A cell of CSV that no spreadsheet takes for a formula."""
    plain = cell.replace("\x00", "")
    return f"'{plain}" if plain.startswith(_FORMULA) else plain


def as_xlsx(table: Sequence[Row], *, title: str, drill: bool, made: datetime) -> bytes:
    """The table as a workbook with one sheet: filter, frozen head, A4 across. `made` is written into
    it, so the same table gives the same bytes.
    """
    import xlsxwriter  # a fortieth of a second that no start needs

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": title, "created": made.replace(tzinfo=None)})
        sheet = book.add_worksheet("クロノロジー")
        bold = book.add_format({"bold": True, "text_wrap": True, "bottom": 1})
        wrap = book.add_format({"text_wrap": True, "valign": "top"})
        head = 0
        if drill:
            sheet.write_string(0, 0, "【訓練】", bold)
            head = 1
        for place, (name, width) in enumerate(zip(COLUMNS, _WIDTHS, strict=True)):
            sheet.write_string(head, place, name, bold)
            sheet.set_column(place, place, width)
        for down, row in enumerate(table, head + 1):
            for place, cell in enumerate(row):
                sheet.write_string(down, place, clean(cell), wrap)
        sheet.freeze_panes(head + 1, 0)
        if table:
            sheet.autofilter(head, 0, head + len(table), len(COLUMNS) - 1)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(head)
        sheet.set_footer(("&C【訓練】 " if drill else "&C") + "&P / &N")
    return out.getvalue()


def clean(cell: str) -> str:
    """Without what XML cannot hold."""
    return "".join(letter for letter in cell if letter >= " " or letter in "\n\t")[:32767]
