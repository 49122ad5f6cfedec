"""稼働報告 as a page, CSV and XLSX: the same figures, nothing a spreadsheet runs."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bcp.kit.errors import BcpError, UsageError
from bcp.kit.workers import Workers
from bcp.plan.model import City
from bcp.service.uptime_report import (
    COLUMNS,
    Line,
    Report,
    as_csv,
    as_data,
    as_xlsx,
    build,
    from_data,
    percent,
    period_of,
)
from bcp.watch.history import History
from bcp.watch.uptime import Seen, month, uptime
from bcp.watch.values import Status
from tests.bcp.service.pages.sample import Town, Visitor
from tests.fakes import ManualClock

NOW = datetime(2026, 12, 10, tzinfo=UTC)
H = 3_600_000_000


def report() -> Report:
    period = month(2026, 11)
    sums = {Status.OK: 700 * H, Status.FAILED: 10 * H, Status.UNKNOWN: H}
    line = uptime(period, Seen(sums, {Status.FAILED: 4 * H}, {}, (6 * H,), date(2026, 4, 1)), NOW)
    blank = uptime(period, Seen({}, {}, {}), NOW)
    return Report(
        "試験市",
        period,
        NOW,
        (Line("service", "jumin", "=住民票", line), Line("system", "juki", "住民記録", blank)),
    )


def test_the_file_has_the_figures_and_no_formula() -> None:
    text = as_csv(report()).decode("utf-8-sig")
    title, head, first, second = csv.reader(io.StringIO(text))
    assert title[0] == "試験市 稼働報告 2026年11月"
    assert tuple(head) == COLUMNS
    cells = dict(zip(head, first, strict=True))
    assert cells["名前"] == "'=住民票"
    assert cells["稼働率 %"] == "99.15"
    assert cells["停止 合計(分)"] == "360.0"
    assert cells["計画停止(分)"] == "240.0"
    assert second[2] == "－", "never looked at is no figure"
    assert cells["備考"] == ""
    few = replace(report().lines[0].uptime, up=timedelta(hours=99))
    rough = as_csv(replace(report(), lines=(replace(report().lines[0], uptime=few),)))
    assert "参考" in rough.decode("utf-8-sig"), "a figure from little never stands alone"


def test_the_workbook_is_one_and_the_same_bytes_twice() -> None:
    made = as_xlsx(report())
    assert made == as_xlsx(report())
    names = zipfile.ZipFile(io.BytesIO(made)).namelist()
    assert "xl/worksheets/sheet1.xml" in names


@pytest.mark.parametrize("name", ["NaN", "infinity", "2026"])
def test_a_name_is_a_word_even_when_it_reads_as_a_number(name: str) -> None:
    one = report()
    made = as_xlsx(replace(one, lines=(replace(one.lines[0], name=name),)))
    words = zipfile.ZipFile(io.BytesIO(made)).read("xl/sharedStrings.xml").decode()
    assert f"<t>{name}</t>" in words


def test_a_report_comes_back_from_its_data() -> None:
    assert from_data(as_data(report())) == report()


@pytest.mark.parametrize(
    ("share", "said"),
    [(1.0, "100"), (0.99999, "99.99"), (0.5, "50.00"), (None, "－"), (0.0, "0.00")],
)
def test_a_figure_is_never_rounded_up_to_perfect(share: float | None, said: str) -> None:
    assert percent(share) == said


def test_what_is_asked_for() -> None:
    assert period_of(NOW).name == "2026年12月"
    assert period_of(NOW, "2026-02").last == date(2026, 2, 28)
    assert period_of(NOW, None, 2026).first == date(2026, 4, 1)
    assert period_of(NOW, None, None, date(2026, 11, 3)).last == date(2026, 12, 10)
    for bad in (
        {"month_": "2026-13"},
        {"month_": "0001-01"},
        {"month_": "2027-01"},
        {"year": 9999},
        {"year": 2023},
        {"first": date(2026, 2, 2), "last": date(2026, 2, 1)},
        {"first": date(9999, 12, 31), "last": date(9999, 12, 31)},
        {"first": date(1, 1, 1), "last": date(1, 1, 1)},
    ):
        with pytest.raises(UsageError):
            period_of(NOW, **bad)


async def test_the_page_shows_what_was_seen_and_offers_the_files(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("viewer")
    status, page = await visitor.get("/availability")
    assert status == 200
    assert "稼働報告" in page
    assert "計画停止・訓練・見ていない時間は、どちらにも入れません" in page
    assert len(page.encode()) < 30_000
    month_ = made.clock.utc().astimezone().strftime("%Y-%m")
    for ending in ("csv", "xlsx"):
        status, _ = await visitor.get(f"/availability/{ending}?month={month_}")
        assert status == 200
    assert (await visitor.get("/availability?from=nonsense"))[0] == 400
    assert (await visitor.get("/availability?month=2026-99"))[0] == 400


async def test_a_damaged_history_is_no_report(tmp_path: Path) -> None:
    workers = Workers(2)
    file = tmp_path / "history.sqlite"
    file.write_bytes(b"no database at all " * 100)
    plan = City.model_validate(
        {"organization": {"name": "試験市"}, "node": {"zone": "LGWAN接続系"}}
    )
    with pytest.raises(BcpError, match="履歴ファイルを読めない"):
        await build(plan, History(file, ManualClock(), workers), ManualClock(), month(2026, 11))
    fresh = History(tmp_path / "none.sqlite", ManualClock(), workers)
    assert (await build(plan, fresh, ManualClock(), month(2026, 11))).lines == ()
    workers.close()


def test_a_period_of_no_time_has_no_figure() -> None:
    empty = uptime(month(2027, 1), Seen({}, {}, {}, (), date(2026, 1, 1)), NOW)
    assert empty.elapsed == timedelta()
    assert empty.availability is None
    line = replace(empty, up=timedelta(hours=1))
    assert line.coverage is None
