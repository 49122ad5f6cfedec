"""What the history answers: recent results, bars, daily digests. Reads in worker threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from bcp.kit.clock import Clock
from bcp.kit.units import to_us
from bcp.kit.workers import Workers
from bcp.watch import history_sql as sql
from bcp.watch import spans
from bcp.watch.codec import decode
from bcp.watch.spans import Bar, Digest, Unit
from bcp.watch.uptime import DRILL, PLANNED, Period, Seen, per_day
from bcp.watch.values import Observation, Status
from bcp.watch.view import Span

Rows = Callable[[str, tuple[object, ...]], list[tuple[Any, ...]]]
"""Run a query, blocking; no rows when the file cannot be read."""


class Lookback:
    """Reads what the history wrote. A file that cannot be read has nothing to show."""

    def __init__(self, rows: Rows, clock: Clock, workers: Workers) -> None:
        self._rows, self._clock, self._workers = rows, clock, workers

    async def recent(self, check: str, limit: int = 50, *, bad: bool = False) -> list[Observation]:
        """The last results of a check, newest first; `bad`: only those that were not good."""
        return await self._workers.thread(self._recent, check, limit, bad)

    async def bars(
        self, subjects: Sequence[str], unit: Unit, count: int, tails: Sequence[Span] = ()
    ) -> dict[str, tuple[Bar, ...]]:
        """Bars of the last `count` hours or days, oldest first.

        A subject is the id of a check, `system:ID` or `service:ID`. `tails` are running spans not
        written yet (`Board.open_span`).
        """
        return await self._workers.thread(self._bars, subjects, unit, count, tails)

    async def digest(self, day: date) -> Digest:
        """What the samples of one day of the city come to."""
        return await self._workers.thread(self._digest, day)

    async def seen(self, period: Period) -> dict[str, Seen]:
        """What is known of every system and service within a period."""
        return await self._workers.thread(self._seen, period)

    def _seen(self, period: Period) -> dict[str, Seen]:
        sums: dict[str, dict[Status, int]] = {}
        days = (period.first.isoformat(), period.last.isoformat())
        for subject, status, micros in per_day(self._rows(sql.SUMS, days), self._clock.utc()):
            of = sums.setdefault(subject, {})
            of[status] = of.get(status, 0) + micros
        first = {
            subject: date.fromisoformat(day) for subject, day in self._rows(sql.FIRST_DAYS, ())
        }
        outages: dict[str, list[int]] = {}
        between = (to_us(period.start), to_us(period.end))
        for subject, start, micros in self._rows(sql.OUTAGES, between):
            part = min(start + micros, between[1]) - max(start, between[0])
            outages.setdefault(subject, []).append(part)
        return {
            subject: Seen(
                sums.get(subject, {}),
                sums.get(f"{PLANNED}/{subject}", {}),
                sums.get(f"{DRILL}/{subject}", {}),
                tuple(outages.get(subject, ())),
                day,
            )
            for subject, day in first.items()
            if subject.startswith(("system:", "service:"))
        }

    def _recent(self, check: str, limit: int, bad: bool) -> list[Observation]:
        query = "SELECT body FROM results WHERE check_id = ? AND bad >= ? ORDER BY id DESC LIMIT ?"
        return [decode(body) for (body,) in self._rows(query, (check, int(bad), limit))]

    def _bars(
        self, subjects: Sequence[str], unit: Unit, count: int, tails: Sequence[Span]
    ) -> dict[str, tuple[Bar, ...]]:
        now = self._clock.utc()
        running = {tail.subject: tail for tail in tails}
        read = self._hours if unit == "hour" else self._days
        first = spans.starts(unit, count, now)[0]
        return {
            name: spans.bars(unit, count, now, read(name, first), running.get(name))
            for name in subjects
        }

    def _hours(self, subject: str, first: datetime) -> dict[tuple[datetime, Status], int]:
        query = "SELECT hour, status, us FROM hours WHERE subject = ? AND hour >= ?"
        rows = self._rows(query, (subject, spans.hour_of(first)))
        return {(spans.hour_start(hour), Status(status)): us for hour, status, us in rows}

    def _days(self, subject: str, first: datetime) -> dict[tuple[datetime, Status], int]:
        query = "SELECT day, status, us FROM days WHERE subject = ? AND day >= ?"
        rows = self._rows(query, (subject, spans.day_of(first).isoformat()))
        return {
            (spans.day_start(date.fromisoformat(day)), Status(status)): us
            for day, status, us in rows
        }

    def _digest(self, day: date) -> Digest:
        query = "SELECT subject, status, us FROM days WHERE day = ?"
        rows = self._rows(query, (day.isoformat(),))
        return spans.digest_of(day, ((s, Status(status), us) for s, status, us in rows))
