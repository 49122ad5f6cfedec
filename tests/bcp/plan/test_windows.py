"""計画停止 windows: once, again and again, each in its own zone; clipped right, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.plan.windows import Window, concerns, stops_of

H = timedelta(hours=1)


def window(**fields: Any) -> Window:
    return Window.model_validate({"id": "w", "name": "更新", "systems": ["juki"], **fields})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_window_written_once_is_on_from_its_begin_to_its_end_in_its_own_zone() -> None:
    one = window(**{"from": "2026-12-05T22:00", "until": "2026-12-06T02:00"})
    begin, end = at("2026-12-05T13:00"), at("2026-12-05T17:00")  # JST is 9 hours ahead
    assert list(one.spans(begin - H, end + H)) == [(begin, end)]
    assert one.active(begin) == end
    assert one.active(end - timedelta(seconds=1)) == end
    assert one.active(end) is None
    assert one.active(begin - timedelta(seconds=1)) is None


def test_a_recurring_one_is_on_each_time_and_within_its_days_only() -> None:
    one = window(cron="0 2 * * 0", duration="3h", first="2026-12-06", last="2026-12-13")
    found = list(one.spans(at("2026-11-01T00:00"), at("2027-01-31T00:00")))
    assert [start.isoformat() for start, _end in found] == [
        "2026-12-05T17:00:00+00:00",
        "2026-12-12T17:00:00+00:00",
    ]
    assert one.active(at("2026-12-05T19:59")) == at("2026-12-05T20:00")


def test_summer_time_moves_the_begin_and_never_the_length() -> None:
    one = window(cron="30 2 * * *", duration="2h", time_zone="Europe/Berlin")
    found = list(one.spans(at("2026-03-27T00:00"), at("2026-03-31T00:00")))
    assert all(end - start == 2 * H for start, end in found)
    assert len(found) == 4, "the night without half past two still has its window"
    autumn = list(one.spans(at("2026-10-24T12:00"), at("2026-10-26T12:00")))
    assert all(end - start == 2 * H for start, end in autumn)


@given(
    minutes=st.integers(0, 365 * 24 * 60),
    hours=st.integers(1, 400),
    length=st.integers(1, 72),
    cron=st.sampled_from(["0 2 * * 0", "15 22 1 * *", "*/30 * * * *", "0 0 29 2 *"]),
)
def test_what_is_stopped_lies_within_the_time_asked_for_and_nothing_on_is_missed(
    minutes: int, hours: int, length: int, cron: str
) -> None:
    start = at("2026-01-01T00:00") + timedelta(minutes=minutes)
    end = start + hours * H
    one = window(cron=cron, duration=f"{length}h")
    found = stops_of([one], start, end, system="juki")
    assert all(start <= s.start < s.end <= end for s in found)
    for instant in (start, start + (end - start) / 2, end - timedelta(seconds=1)):
        on = any(s.start <= instant < s.end for s in found)
        assert on == (one.active(instant) is not None)


def test_a_window_speaks_of_its_systems_sites_and_checks_only() -> None:
    one = window(sites=["honcho"], checks=["x/http"], cron="0 2 * * 0", duration="1h")
    assert concerns(one, "a", "juki", None, ())
    assert concerns(one, "x/http", "other", None, ())
    assert concerns(one, "a", "other", "honcho", ())
    assert concerns(one, "a", "other", None, ("honcho",))
    assert not concerns(one, "a", "other", "branch", ("honcho",)), "the check looks elsewhere"
    assert not concerns(one, "a", None, None, ())


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"from": "2026-12-05T22:00"},
        {"from": "2026-12-05T22:00", "until": "2026-12-05T21:00"},
        {"from": "2026-12-05T22:00", "until": "2027-12-05T21:00"},
        {"from": "2026-12-05T22:00+09:00", "until": "2026-12-06T01:00+09:00"},
        {"from": "tomorrow", "until": "2026-12-06T01:00"},
        {"cron": "0 2 * *", "duration": "1h"},
        {"cron": "0 2 31 2 *", "duration": "1h"},
        {"cron": "0 2 * * 0"},
        {"cron": "0 2 * * 0", "duration": "15d"},
        {
            "from": "2026-12-05T22:00",
            "until": "2026-12-06T01:00",
            "cron": "0 2 * * 0",
            "duration": "1h",
        },
        {"from": "2026-12-05T22:00", "until": "2026-12-06T01:00", "last": "2026-12-31"},
        {"cron": "0 2 * * 0", "duration": "1h", "time_zone": "Asia/Kurihara"},
        {"cron": "0 2 * * 0", "duration": "1h", "systems": []},
    ],
)
def test_a_window_that_says_nothing_or_two_things_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        window(**fields)
