"""証拠報告書: what is proven of the backups of a system, or of the city, on paper and as a workbook. Pure.

Three things never stand in one table: what was measured (実測), what is only stated (申告), and what
nobody has checked (未確認). An empty third table is the only good news.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backups import figures
from backups.digits import Digit, ground_of
from backups.figures import CopyStatus, SetStatus
from backups.model import AttestedSet
from backups.room import BackupRoom
from backups.standing import Rung
from backups.systems import Protection, protection
from bcp.kit.language import text
from bcp.kit.units import duration_ja, from_us, jst, to_us
from bcp.plan.model import City, System
from bcp.watch.values import Status
from runbooks.paper.sheet import Block, Heading, Note, Sheet, Table
from runbooks.paper.sheets import Press

_MARKS = {
    Status.OK: "○ 実測",
    Status.DEGRADED: "△ 条件つき",
    Status.FAILED: "× 不良",
    Status.UNKNOWN: "？ 未確認",
}
_DIGITS = {True: "○", False: "×", None: "？"}
_NONE = "—"


@dataclass(frozen=True, slots=True)
class Part:
    """One table of the report."""

    title: str
    columns: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str
    """What is said when it has no rows."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything of one edition."""

    title: str
    at: datetime
    parts: tuple[Part, ...]


def build(
    city: City,
    room: BackupRoom,
    now: datetime,
    called: Callable[[str], str],
    system: System | None = None,
) -> Report:
    """The report of one system, or of all. Sync and quick; `called` gives names behind pseudonyms."""
    ground = ground_of(city, now)
    systems = [system] if system is not None else list(city.systems)
    wanted = {one.id for one in systems}
    status = figures.status(room, ground)
    sets = [one for one in status.sets if system is None or one.set.system in wanted]
    claims = [one for one in status.attested if system is None or one.system in wanted]
    held = [(one, protection(one, room, now, ground)) for one in systems]
    name = system.name if system is not None else city.organization.name
    return Report(
        f"バックアップの証拠報告書 {name}",
        now,
        (
            _summary(held),
            _measured(sets, city),
            _stated(claims, room, called),
            _unchecked(held, sets, claims, room, city),
        ),
    )


def _summary(held: Iterable[tuple[System, Protection | None]]) -> Part:
    rows = tuple(
        (
            one.name,
            duration_ja(found.limit) if found.limit else "未設定",
            jst(found.newest) if found.newest else _NONE,
            _MARKS[found.status],
            found.sentence.ja,
            "、".join(_digit(digit) for digit in found.digits),
        )
        for one, found in held
        if found is not None
    )
    columns = ("システム", "目標復旧時点", "戻せる時点", "判定", "説明", "3-2-1-1-0")
    return Part(
        "1. システムごとの結論(実測だけから)",
        columns,
        (4, 3, 4, 3, 6, 6),
        rows,
        "実測の控えがありません。",
    )


def _digit(digit: Digit) -> str:
    name = text(f"backups.digit_name_{digit.name}").ja
    since = f"({jst(digit.at, '%m/%d %H:%M')} に確認)" if digit.at is not None else ""
    return f"{_DIGITS[digit.holds]}{name} {digit.shown}/{digit.wanted}{since}"


def _measured(sets: Iterable[SetStatus], city: City) -> Part:
    rows = tuple(
        _rung(one, copy, rung, city)
        for one in sets
        for copy in one.copies
        for rung in copy.rungs
        if _was_measured(rung)
    )
    columns = ("控え", "置き場所", "段階", "結果", "確かめた日時", "その控えの日時", "有効期限")
    return Part(
        "2. 実測(この装置が確かめたこと)",
        columns,
        (5, 3, 4, 3, 4, 4, 4),
        rows,
        "実測はまだありません。",
    )


def _was_measured(rung: Rung) -> bool:
    """That a job said it ended well (rung 0) is its word; that it did not is a fact."""
    if rung.evidence is None or rung.status is Status.UNKNOWN:
        return False
    return rung.level > 0 or rung.status is Status.FAILED


def _rung(one: SetStatus, copy: CopyStatus, rung: Rung, city: City) -> tuple[str, ...]:
    site = city.site(copy.repository.site) if copy.repository.site else None
    return (
        f"{one.set.name or one.set.id} → {copy.repository.id}",
        site.name if site else "未設定",
        f"{rung.level} {text(f'backups.rung_{rung.level}').ja}",
        _MARKS[rung.status],
        _at(rung.at),
        _at(rung.snapshot_time),
        _at(rung.expires),
    )


def _stated(claims: Iterable[AttestedSet], room: BackupRoom, called: Callable[[str], str]) -> Part:
    rows = []
    for one in claims:
        said = room.attestation(one.id)
        if said is not None:
            period = f"{jst(said.begin, '%Y-%m-%d')}〜{jst(said.end, '%Y-%m-%d')}"
            due = said.end + one.report_within
            rows.append(
                (
                    one.name or one.id,
                    one.provider,
                    period,
                    _at(said.copy_time),
                    called(said.by),
                    said.digest[:16],
                    jst(due, "%Y-%m-%d"),
                )
            )
    columns = (
        "控え",
        "事業者",
        "報告の期間",
        "報告にある控え",
        "受理した人",
        "報告の指紋",
        "次の期限",
    )
    empty = "受理した報告はありません。"
    return Part("3. 申告(実測ではありません)", columns, (5, 3, 5, 4, 3, 4, 3), tuple(rows), empty)


def _unchecked(
    held: Sequence[tuple[System, Protection | None]],
    sets: Iterable[SetStatus],
    claims: Sequence[AttestedSet],
    room: BackupRoom,
    city: City,
) -> Part:
    rows: list[tuple[str, str, str]] = []
    for one in sets:
        for copy in one.copies:
            name = f"{one.set.name or one.set.id} → {copy.repository.id}"
            rows += [
                (name, f"{rung.level} {text(f'backups.rung_{rung.level}').ja}", rung.sentence.ja)
                for rung in copy.rungs
                if rung.status is Status.UNKNOWN
                and (rung.level <= 4 or one.set.required_level == 5)
            ]
    for claim in claims:
        if room.attestation(claim.id) is None:
            rows.append(
                (claim.name or claim.id, "申告", f"{claim.provider} の報告を受理していません")
            )
    claimed = {claim.system for claim in claims}
    rows += [
        (system.name, "控え", "バックアップが計画にありません")
        for system, found in held
        if found is None and system.id not in claimed
    ]
    columns = ("対象", "確かめていないこと", "理由")
    return Part(
        "4. 未確認(良いとも悪いとも言えない)", columns, (5, 4, 9), tuple(rows), "ありません。"
    )


def _at(instant: datetime | None) -> str:
    return jst(instant) if instant is not None else _NONE


def as_data(report: Report) -> dict[str, Any]:
    """For programs."""
    parts = [
        {
            "title": p.title,
            "columns": p.columns,
            "widths": p.widths,
            "rows": p.rows,
            "empty": p.empty,
        }
        for p in report.parts
    ]
    return {"title": report.title, "at_us": to_us(report.at), "parts": parts}


def from_data(data: Mapping[str, Any]) -> Report:
    """What `as_data` made."""
    parts = (
        Part(
            part["title"],
            tuple(part["columns"]),
            tuple(part["widths"]),
            tuple(tuple(row) for row in part["rows"]),
            part["empty"],
        )
        for part in data["parts"]
    )
    return Report(data["title"], from_us(data["at_us"]), tuple(parts))


def in_words(report: Report) -> list[str]:
    """For a terminal: what is not checked stands apart from what is good."""
    lines = [f"{report.title} {jst(report.at)} JST"]
    for part in report.parts:
        lines += ["", part.title]
        lines += ["  " + " | ".join(row) for row in part.rows] or [f"  {part.empty}"]
    return lines


def sheet(report: Report, press: Press) -> Sheet:
    """For A4 and the page."""
    blocks: list[Block] = [
        Note(
            f"{jst(report.at)} JST 時点。判定は、元のデータと一致した復元など、実測だけから行います。"
        )
    ]
    for part in report.parts:
        blocks.append(Heading(part.title))
        blocks.append(
            Table(part.columns, part.widths, part.rows) if part.rows else Note(part.empty)
        )
    return press.sheet("backup-evidence", "report", report.title, "", tuple(blocks))


def as_xlsx(report: Report) -> bytes:
    """A workbook, one sheet a table. Blocking (tens of milliseconds)."""
    import xlsxwriter  # a fortieth of a second that no start needs

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": report.title, "created": report.at.replace(tzinfo=None)})
        bold = book.add_format({"bold": True, "text_wrap": True, "bottom": 1})
        wrap = book.add_format({"text_wrap": True, "valign": "top"})
        for part in report.parts:
            page = book.add_worksheet(part.title.split("(")[0][3:][:31])
            page.write_string(0, 0, f"{report.title} {jst(report.at)} JST", bold)
            page.write_string(1, 0, part.title, bold)
            for place, (name, width) in enumerate(zip(part.columns, part.widths, strict=True)):
                page.write_string(2, place, name, bold)
                page.set_column(place, place, 5 * width)
            for down, row in enumerate(part.rows or ((part.empty,),), 3):
                for place, cell in enumerate(row):
                    page.write_string(down, place, cell, wrap)
            page.freeze_panes(3, 0)
            page.set_landscape()
            page.set_paper(9)
            page.fit_to_pages(1, 0)
    return out.getvalue()
