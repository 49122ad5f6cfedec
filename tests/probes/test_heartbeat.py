"""Kind `heartbeat`: what is judged of the signs of life, and of the times nobody listened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.watch.check import Env
from bcp.watch.heartbeats import Beat, Gap, Heard, Word, after
from bcp.watch.values import Status
from probes import kinds
from probes.availability.heartbeat import HeartbeatCheck
from tests.probes.conftest import Look

T0 = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def made(**fields: Any) -> HeartbeatCheck:
    base = {"id": "job", "kind": "heartbeat", "token_file": "/nonexistent"}
    found = kinds()["heartbeat"].model_validate({**base, **fields})
    assert isinstance(found, HeartbeatCheck)
    return found


def said(*words: tuple[Word, timedelta]) -> Beat:
    beat = Beat()
    for word, at in words:
        beat = after(beat, word, T0 + at)
    return beat


HOURLY = made(interval="1h", grace="10m")
LONG = made(interval="1h", grace="10m", max_duration="2h")
Story = Sequence[tuple[Word, timedelta]]
STORIES: dict[str, tuple[HeartbeatCheck, Story, timedelta, Status, str]] = {
    "fresh": (HOURLY, [("success", 0 * HOUR)], HOUR, Status.OK, "成功の合図あり"),
    "in grace": (HOURLY, [("success", 0 * HOUR)], 69 * MINUTE, Status.OK, "次は"),
    "late": (HOURLY, [("success", 0 * HOUR)], 71 * MINUTE, Status.FAILED, "合図が来ません"),
    "failed": (HOURLY, [("success", 0 * HOUR), ("fail", HOUR)], HOUR, Status.FAILED, "失敗の合図"),
    "failed at first": (HOURLY, [("fail", 0 * HOUR)], MINUTE, Status.FAILED, "失敗の合図"),
    "again": (HOURLY, [("fail", 0 * HOUR), ("success", MINUTE)], HOUR, Status.OK, "成功"),
    "tries again": (HOURLY, [("fail", 0 * HOUR), ("start", MINUTE)], HOUR, Status.FAILED, "失敗"),
    "first run": (HOURLY, [("start", 0 * HOUR)], 9 * MINUTE, Status.UNKNOWN, "実行中"),
    "never ends": (HOURLY, [("start", 0 * HOUR)], 11 * MINUTE, Status.FAILED, "終わりの合図がありません"),
    "runs": (LONG, [("success", 0 * HOUR), ("start", HOUR)], 2 * HOUR, Status.OK, "実行中"),
    "runs for ever": (
        LONG, [("success", 0 * HOUR), ("start", HOUR)], 181 * MINUTE, Status.FAILED, "終わりの合図",
    ),
    "starts again and again": (
        LONG,
        [("success", 0 * HOUR), *(("start", n * HOUR) for n in range(1, 5))],
        4 * HOUR, Status.FAILED, "終わりの合図",
    ),
    "took long": (
        LONG, [("start", 0 * HOUR), ("success", 130 * MINUTE)], 69 * MINUTE, Status.DEGRADED, "長く",
    ),
    "counts from its start": (
        LONG, [("start", 0 * HOUR), ("success", 90 * MINUTE)], 100 * MINUTE, Status.FAILED, "来ません",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_what_was_said_is_judged(name: str) -> None:
    check, words, at, status, text = STORIES[name]

    found, sentence = check.judged(Heard(said(*words)), T0 + at)

    assert (found, text in sentence.ja) == (status, True), sentence


def test_never_heard_is_unknown_however_long_it_takes() -> None:
    found, sentence = HOURLY.judged(Heard(None), T0 + 400 * DAY)

    assert found is Status.UNKNOWN
    assert "一度も届いていません" in sentence.ja


GAPS: dict[str, tuple[Gap, timedelta, Status]] = {
    "over when it was due": ((T0 + 50 * MINUTE, T0 + 65 * MINUTE), 71 * MINUTE, Status.UNKNOWN),
    "until the next is missed": ((T0 + 50 * MINUTE, T0 + 65 * MINUTE), 3 * HOUR, Status.FAILED),
    "long before": ((T0 + 10 * MINUTE, T0 + 20 * MINUTE), 71 * MINUTE, Status.FAILED),
    "long after": ((T0 + 80 * MINUTE, T0 + 90 * MINUTE), 91 * MINUTE, Status.FAILED),
}


@pytest.mark.parametrize("name", GAPS)
def test_what_may_have_been_missed_while_deaf_is_unknown(name: str) -> None:
    gap, at, status = GAPS[name]

    found, _sentence = HOURLY.judged(Heard(said(("success", 0 * HOUR)), (gap,)), T0 + at)

    assert found is status


def test_an_end_that_was_lost_while_deaf_is_not_called_hung() -> None:
    beat = said(("success", 0 * HOUR), ("start", HOUR))
    gap = (T0 + HOUR + MINUTE, T0 + HOUR + 2 * MINUTE)

    listening, _ = HOURLY.judged(Heard(beat), T0 + HOUR + 30 * MINUTE)
    deaf, _ = HOURLY.judged(Heard(beat, (gap,)), T0 + HOUR + 30 * MINUTE)
    later, _ = HOURLY.judged(Heard(beat, (gap,)), T0 + 3 * HOUR)

    assert (listening, deaf, later) == (Status.FAILED, Status.OK, Status.FAILED)


def _due(cron: str, zone: str, began: str) -> str:
    check = made(cron=cron, time_zone=zone)
    return check.due(datetime.fromisoformat(began).astimezone(UTC)).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("cron", "zone", "began", "due"),
    [
        ("0 1 * * *", "Asia/Tokyo", "2026-11-23T01:00:05+09:00", "2026-11-23T16:00+00:00"),
        # a clock that is twenty seconds ahead of ours does not owe us a second sign
        ("0 1 * * *", "Asia/Tokyo", "2026-11-23T00:59:40+09:00", "2026-11-23T16:00+00:00"),
        ("0 1 * * *", "Asia/Tokyo", "2026-11-23T00:59:00+09:00", "2026-11-22T16:00+00:00"),
        ("0 8 * * MON-FRI", "Asia/Tokyo", "2026-11-27T08:00:00+09:00", "2026-11-29T23:00+00:00"),
        # the clocks go forward at 02:00: Debian's cron makes up for it at once
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T02:30:00+01:00", "2026-03-29T01:00+00:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-29T03:00:01+02:00", "2026-03-30T00:30+00:00"),
        # and back at 03:00: the hour that comes twice runs a daily job once
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-26T01:30+00:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T02:10:00+01:00", "2026-10-26T01:30+00:00"),
        ("*/30 * * * *", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-25T01:00+00:00"),
    ],
)  # fmt: skip
def test_the_next_time_of_a_crontab(cron: str, zone: str, began: str, due: str) -> None:
    assert _due(cron, zone, began) == due


@given(
    st.sampled_from(["30 2 * * *", "*/7 * * * *", "0 0 29 2 *", "5 1-3 * * SUN", "0 */6 * * *"]),
    st.sampled_from(["Asia/Tokyo", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_the_next_time_always_lies_ahead(cron: str, zone: str, began: datetime) -> None:
    due = made(cron=cron, time_zone=zone).due(began)

    assert due > began
    assert due.second == 0


WORDS = st.sampled_from(["start", "success", "fail", "restart"])
PAUSES = st.integers(0, 200)


@given(st.lists(st.tuples(WORDS, PAUSES), max_size=12), st.integers(0, 1000))
def test_no_order_of_signs_and_restarts_makes_a_silent_job_look_well(
    story: list[tuple[str, int]], last: int
) -> None:
    now, beat, gaps, silent_since = T0, None, list[Gap](), None
    for word, pause in story:
        now += timedelta(minutes=pause)
        if word == "restart":
            gaps.append((now, now + MINUTE))
            now += MINUTE
        else:
            beat = after(beat or Beat(), word, now)  # type: ignore[arg-type]
            silent_since = now
    now += timedelta(minutes=last)

    status, _ = HOURLY.judged(Heard(beat, tuple(gaps)), now)

    if silent_since is None:
        assert status is Status.UNKNOWN
    if status is Status.OK:
        assert beat is not None
        assert beat.good, "a failure that was told stays one"
        assert silent_since is not None
        assert now - silent_since <= HOUR + 10 * MINUTE
    if not gaps and silent_since is not None and now - silent_since > HOUR + 10 * MINUTE:
        assert status is Status.FAILED


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"interval": "1h", "cron": "0 1 * * *"},
        {"cron": "0 1 * *"},
        {"cron": "0 0 1 * * *"},
        {"cron": "@daily"},
        {"cron": "0 25 * * *"},
        {"cron": "0 0 31 2 *"},
        {"cron": "0 1 * * *", "time_zone": "Asia/Kurihara"},
        {"cron": "0 1 * * *", "time_zone": "/etc/passwd"},
        {"interval": "0s"},
        {"interval": "1h", "grace": "0s"},
        {"interval": "1h", "max_duration": "0s"},
    ],
)
def test_a_rhythm_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        made(**fields)


@pytest.mark.parametrize("name", ["README.md", "README.en.md"])
def test_the_example_of_the_readme_is_one(repo_root: Path, name: str) -> None:
    text = (repo_root / name).read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if "kind: heartbeat" in line]
    (fields,) = yaml.safe_load(line)

    assert made(**fields).limit == 4 * HOUR


async def test_without_a_usable_secret_nobody_can_call_and_that_is_unknown(
    look: Look, env: Env, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    absent = await look("heartbeat", token_file=str(token), interval="1h")
    token.write_text("short\n")
    short = await look("heartbeat", token_file=str(token), interval="1h")
    token.write_text("kurikoma-kurikoma-1234\n")
    alone = await look("heartbeat", token_file=str(token), interval="1h")

    assert {one.status for one in (absent, short, alone)} == {Status.UNKNOWN}
    assert "読めません" in absent.sentence.ja
    assert "短すぎ" in short.sentence.ja
    assert "常駐プログラムだけ" in alone.sentence.ja
    assert await made(interval="1h", token_file=str(token)).admits(env, "kurikoma-kurikoma-1234")
    assert not await made(interval="1h", token_file=str(token)).admits(env, "")
