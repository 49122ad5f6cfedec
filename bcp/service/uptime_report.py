"""稼働報告 of a month, a fiscal year or any days: per service and system, as a table, CSV and XLSX."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from bcp.kit.clock import Clock
from bcp.kit.errors import BcpError, UsageError
from bcp.kit.language import text
from bcp.kit.units import JST, duration_ja, jst
from bcp.plan.model import City
from bcp.watch.history import History
from bcp.watch.uptime import KEPT, Period, Seen, Uptime, fiscal_year, month, uptime
from runbooks.export_table import clean, safe

_NEVER = Seen({}, {}, {})
NOTHING = "－"
"""Where there is no figure."""
_KEY = ("種類", "名前", "備考", "観測開始")
"""Columns that are words; 備考 says 参考 where too little was seen for the figure to stand alone."""
COLUMNS = (
    "種類",
    "名前",
    "稼働率 %",
    "観測できた割合 %",
    "備考",
    "停止 回",
    "停止 合計(分)",
    "停止 最長(分)",
    "不明(分)",
    "計画停止(分)",
    "訓練(分)",
    "見ていない(分)",
    "監視前(分)",
    "観測開始",
)
_WIDTHS = (8, 32, 12, 14, 8, 8, 12, 12, 10, 12, 10, 14, 12, 14)


@dataclass(frozen=True, slots=True)
class Line:
    """One service or system."""

    kind: str
    """service or system."""
    id: str
    name: str
    uptime: Uptime


@dataclass(frozen=True, slots=True)
class Report:
    """Everything of one period, as of one instant."""

    organization: str
    period: Period
    at: datetime
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        """稼働報告 2026年11月."""
        named = self.period.name or f"{self.period.first} 〜 {self.period.last}"
        return f"稼働報告 {named}"


async def build(city: City, history: History, clock: Clock, period: Period) -> Report:
    """Read the history; services first, in the order of the plan. Raises `BcpError` where it cannot."""
    now, seen = clock.utc(), await history.reader.seen(period)
    if not history.readable:  # a damaged file is not a time in which nobody looked
        said = text("uptime.unreadable")
        raise BcpError(f"{said.ja} / {said.en}", where=history.path.name)
    parts = [("service", s.id, s.name) for s in city.services]
    parts += [("system", s.id, s.name) for s in city.systems]
    lines = (
        Line(kind, id, name, uptime(period, seen.get(f"{kind}:{id}", _NEVER), now))
        for kind, id, name in parts
    )
    return Report(city.organization.name, period, now, tuple(lines))


def period_of(
    now: datetime,
    month_: str | None = None,
    year: int | None = None,
    first: date | None = None,
    last: date | None = None,
) -> Period:
    """What was asked for; without anything the running month. Raises `UsageError`."""
    today = now.astimezone(JST).date()
    got = month_ or year or f"{first} – {last}"
    try:
        found = _asked(today, month_, year, first, last)
    except ValueError as error:
        raise _unusable("uptime.bad_period", str(got), "2026-11") from error
    if found.first > found.last or found.last - found.first > KEPT:
        raise _unusable("uptime.bad_period", str(got), "2026-11")
    if found.first > today or found.last < today - KEPT:
        raise _unusable("uptime.not_kept", str(got), f"{today - KEPT} – {today}")
    return found


def _asked(
    today: date, month_: str | None, year: int | None, first: date | None, last: date | None
) -> Period:
    if month_:
        number = date.fromisoformat(f"{month_}-01")
        return month(number.year, number.month)
    if year:
        return fiscal_year(year)
    if first or last:
        return Period(first or last or today, last or today)
    return month(today.year, today.month)


def _unusable(key: str, got: str, expected: str) -> UsageError:
    said = text(key)
    return UsageError(f"{said.ja} / {said.en}", got=got, expected=expected)


def percent(share: float | None) -> str:
    """99.95, never rounded up to 100; － where nothing was seen."""
    if share is None:
        return NOTHING
    return "100" if share == 1 else f"{int(share * 10_000) / 100:.2f}"


def length(span: timedelta) -> str:
    """1時間20分; － for none."""
    if span < timedelta(seconds=1):
        return NOTHING
    return (
        duration_ja(max(span, timedelta(minutes=1))) if span >= timedelta(minutes=1) else "1分未満"
    )


def rows(report: Report) -> list[tuple[str, ...]]:
    """Cells of the table, in the order of `COLUMNS`."""
    return [_row(line) for line in report.lines]


def _row(line: Line) -> tuple[str, ...]:
    u = line.uptime
    return (
        {"service": "業務", "system": "システム"}[line.kind],
        line.name,
        percent(u.availability),
        percent(u.coverage),
        "" if u.full or u.availability is None else text("uptime.rough").ja,
        str(u.outages),
        *(_minutes(part) for part in (u.down, u.longest, u.unknown)),
        *(_minutes(part) for part in (u.planned, u.drill, u.blind, u.unwatched)),
        u.since.isoformat() if u.since else "",
    )


def _minutes(span: timedelta) -> str:
    return f"{span / timedelta(minutes=1):.1f}"


def as_csv(report: Report) -> bytes:
    """UTF-8 with BOM and CRLF, formula-safe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow((safe(f"{report.organization} {report.title}"), f"{jst(report.at)} 時点"))
    writer.writerow(COLUMNS)
    writer.writerows([safe(cell) for cell in row] for row in rows(report))
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(report: Report) -> bytes:
    """One sheet, numbers as numbers. Blocking (tens of milliseconds)."""
    import xlsxwriter  # a fortieth of a second that no start needs

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": report.title, "created": report.at.replace(tzinfo=None)})
        bold = book.add_format({"bold": True, "text_wrap": True, "bottom": 1})
        sheet = book.add_worksheet("稼働報告")
        sheet.write_string(
            0, 0, f"{report.organization} {report.title} ({jst(report.at)} 時点)", bold
        )
        for place, (name, width) in enumerate(zip(COLUMNS, _WIDTHS, strict=True)):
            sheet.write_string(1, place, name, bold)
            sheet.set_column(place, place, width)
        for down, row in enumerate(rows(report), 2):
            for place, (name, cell) in enumerate(zip(COLUMNS, row, strict=True)):
                if name in _KEY or cell == NOTHING:
                    sheet.write_string(down, place, clean(cell))
                else:
                    sheet.write_number(down, place, float(cell))
        sheet.freeze_panes(2, 2)
        sheet.autofilter(1, 0, 1 + len(report.lines), len(COLUMNS) - 1)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
    return out.getvalue()


def in_words(report: Report) -> list[str]:
    """A line for each that was ever looked at."""
    lines = [report.title]
    for line in report.lines:
        u = line.uptime
        if u.since is not None:
            rough = "" if u.full else " (参考)"
            lines.append(
                f"  {line.name}: {percent(u.availability)}%{rough} 観測 {percent(u.coverage)}% "
                f"停止 {u.outages}回 {length(u.down)} 計画停止 {length(u.planned)} "
                f"訓練 {length(u.drill)} 見ていない {length(u.blind)}"
            )
    return lines


def as_data(report: Report) -> dict[str, object]:
    """For programs: seconds, shares as fractions."""
    return {
        "title": report.title,
        "organization": report.organization,
        "period": report.period.name,
        "from": report.period.first.isoformat(),
        "to": report.period.last.isoformat(),
        "at": report.at.isoformat(),
        "rows": [
            {
                "kind": line.kind,
                "id": line.id,
                "name": line.name,
                "availability": line.uptime.availability,
                "coverage": line.uptime.coverage,
                "outages": line.uptime.outages,
                **{
                    f"{name}_seconds": getattr(line.uptime, name).total_seconds()
                    for name in _LENGTHS
                },
                "since": line.uptime.since.isoformat() if line.uptime.since else None,
            }
            for line in report.lines
        ],
    }


_LENGTHS = (
    *("elapsed", "up", "down", "unknown", "planned", "drill", "blind", "unwatched"),
    "longest",
)


def from_data(document: Mapping[str, Any]) -> Report:
    """The report again, of what a daemon answered. Raises KeyError or ValueError for anything else."""
    lines = []
    for one in document["rows"]:
        lengths = {name: timedelta(seconds=one[f"{name}_seconds"]) for name in _LENGTHS}
        since = date.fromisoformat(one["since"]) if one["since"] else None
        line = Uptime(**lengths, outages=one["outages"], since=since)
        lines.append(Line(one["kind"], one["id"], one["name"], line))
    first, last = date.fromisoformat(document["from"]), date.fromisoformat(document["to"])
    return Report(
        document["organization"],
        Period(first, last, document["period"]),
        datetime.fromisoformat(document["at"]),
        tuple(lines),
    )
