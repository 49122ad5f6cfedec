"""Kind `heartbeat`: did the job that should call us call us, in time and with success.

The job sends `/start`, a success or `/fail` to the daemon (`bcp.service.heartbeats`); this kind only
judges what was heard. Rules, in words:

- Never heard is unknown. A reported failure is failed until a success comes.
- A run that told its start must tell its end within `max_duration` (without one: `grace`).
- The next success is due one `interval`, or at the next time of `cron`, after the last good run
  *began*, and late when `grace` has passed. Half a minute before a time of `cron` counts as that time.
- What we may have missed while we were not listening is unknown, until the next one is surely missed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import Field, field_validator, model_validator

from bcp.kit.language import Text
from bcp.kit.units import duration_ja, format_duration, jst, jst_short
from bcp.plan.types import Duration
from bcp.watch.check import Check, Confirm, Env, Fact
from bcp.watch.heartbeats import Beat, Heard
from bcp.watch.values import FactValue, Outcome, Pillar, Status, unknown
from probes.engine import secrets
from probes.engine.trouble import Trouble

_EARLY = timedelta(seconds=30)
"""Clocks differ: a sign this little before its time is meant for it."""
_SHORTEST = 20
"""Characters of a token that nobody guesses."""
_START = datetime(2026, 1, 1, tzinfo=UTC)


class HeartbeatCheck(Check):
    """A job elsewhere reports start, success or failure; silence past its time is a failure."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text(
        "定期処理からの合図(開始・成功・失敗)", "Signs of life from a job (start, success, failure)"
    )
    reach: ClassVar[Literal["network", "host", "person"]] = "host"
    facts: ClassVar[Mapping[str, Fact]] = {
        "success_at": Fact("timestamp_seconds", Text("最後の成功", "last success")),
        "due_at": Fact("timestamp_seconds", Text("次の予定", "when the next is due")),
        "took": Fact("seconds", Text("前回かかった時間", "how long the last run took")),
    }

    kind: Literal["heartbeat"] = "heartbeat"
    token_file: str
    """A file with the secret the job shows, one line of at least 20 characters."""
    interval: Duration | None = None
    """The job succeeds at least so often. Or `cron`."""
    cron: str | None = Field(None, max_length=200)
    """Its line in the crontab, five fields; summer time as in Debian's cron."""
    time_zone: str = "Asia/Tokyo"
    """Of `cron`."""
    grace: Duration = timedelta(minutes=10)
    """How late it may be."""
    max_duration: Duration | None = None
    """The longest time from start to success. Default: `grace`. Only for jobs that tell their start."""
    confirm: Confirm = Confirm(failures=1)

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if len(value.split()) != 5:
            raise ValueError("cron は5つの欄で書く (分 時 日 月 曜日) / write five fields")
        try:
            next(CronSim(value, _START))
        except (CronSimError, StopIteration) as error:
            what = str(error) or "never"
            raise ValueError(f"cron として読めません / not a crontab time: {what}") from error
        return value

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, LookupError) as error:
            raise ValueError(f"知らない時間帯です / unknown time zone: {value}") from error
        return value

    @model_validator(mode="after")
    def _one_rhythm(self) -> HeartbeatCheck:
        if (self.interval is None) == (self.cron is None):
            raise ValueError(
                "interval か cron のどちらか一つを書く / write either interval or cron"
            )
        for name in ("interval", "grace", "max_duration"):
            value = getattr(self, name)
            if value is not None and value <= timedelta():
                raise ValueError(f"{name} は0より長く / {name} must be longer than 0")
        return self

    @property
    def target(self) -> str:
        return self.name or self.id

    @property
    def limit(self) -> timedelta:
        """The longest a run may take."""
        return self.max_duration or self.grace

    async def admits(self, env: Env, token: str) -> bool:
        """Whether this is the job's secret; compared in constant time. Raises `Trouble` (ours)."""
        return hmac.compare_digest(token.encode(), (await self._token(env)).encode())

    async def _token(self, env: Env) -> str:
        token = await secrets.read(env, self.token_file)
        if len(token) < _SHORTEST:
            text = Text(
                f"{self.token_file} の合言葉が短すぎます ({_SHORTEST}文字以上)",
                f"the token in {self.token_file} is shorter than {_SHORTEST} characters",
            )
            raise Trouble(text, "answer", ours=True)
        return token

    async def run(self, env: Env) -> Outcome:
        try:
            await self._token(env)
        except Trouble as trouble:  # nobody can call us
            said = trouble.text
            return unknown(f"{self.target}: {said.ja}", f"{self.target}: {said.en}")
        if env.heard is None:
            return unknown(
                f"{self.target}: 合図を受け取るのは常駐プログラムだけです",
                f"{self.target}: only the daemon hears signs of life",
            )
        heard, now = env.heard(self.id), env.clock.utc()
        status, text = self.judged(heard, now)
        sentence = Text(f"{self.target}: {text.ja}", f"{self.target}: {text.en}")
        return Outcome(status, sentence, self._facts(heard.beat))

    def due(self, began: datetime) -> datetime:
        """When the next good run must have come, after one that began then."""
        if self.interval is not None:
            return began + self.interval
        assert self.cron is not None
        reference = began + min(_EARLY, self.grace)
        times = CronSim(self.cron, reference.astimezone(ZoneInfo(self.time_zone)))
        # In UTC: two instants of one zone are compared by their faces, also in the hour that
        # comes twice, and there the first time found may lie before the reference.
        return next(at for at in (time.astimezone(UTC) for time in times) if at > reference)

    def judged(self, heard: Heard, now: datetime) -> tuple[Status, Text]:
        """The verdict; see the module's docstring. Pure."""
        beat = heard.beat
        if beat is None:
            return Status.UNKNOWN, Text(
                f"合図がまだ一度も届いていません (処理から /heartbeat/{self.id} を呼ぶ)",
                f"no sign of life yet (the job calls /heartbeat/{self.id})",
            )
        if beat.ended is not None and not beat.good:
            return Status.FAILED, Text(
                f"失敗の合図がありました ({jst_short(beat.ended, now)})",
                f"reported a failure ({jst(beat.ended)} JST)",
            )
        if beat.begun is not None and now - beat.begun <= self.limit:
            return self._running(beat, beat.begun, now)
        if beat.begun is not None and not _touched(
            heard, beat.begun, beat.begun + self.limit + self.grace
        ):
            return Status.FAILED, Text(
                f"{jst_short(beat.begun, now)} に始まったまま、終わりの合図がありません "
                f"({duration_ja(now - beat.begun)}。限度 {duration_ja(self.limit)})",
                f"began {jst(beat.begun)} JST and has not told its end "
                f"(limit {format_duration(self.limit)})",
            )
        began = beat.started or beat.good_from
        assert began is not None  # something was said, and no failure
        return self._in_time(beat, began, heard, now)

    def _running(self, beat: Beat, begun: datetime, now: datetime) -> tuple[Status, Text]:
        status = Status.OK if beat.good else Status.UNKNOWN  # one that never ended proves nothing
        return status, Text(
            f"実行中 ({jst_short(begun, now)} から {duration_ja(now - begun)})",
            f"running since {jst(begun)} JST",
        )

    def _in_time(
        self, beat: Beat, began: datetime, heard: Heard, now: datetime
    ) -> tuple[Status, Text]:
        missed, lost = self._missed(began, heard, now)
        since = jst_short(beat.good_at, now) if beat.good_at else "-"
        if missed is not None:
            return Status.FAILED, Text(
                f"合図が来ません: {jst_short(missed + self.grace, now)} までのはずが"
                f"{duration_ja(now - missed - self.grace)}過ぎています (最後の成功 {since})",
                f"no sign: due {jst(missed)} JST with {format_duration(self.grace)} of grace",
            )
        if lost or beat.good_at is None:
            return Status.UNKNOWN, Text(
                f"合図が来るはずの間、この監視が止まっていたので分かりません (最後の成功 {since})",
                "cannot tell: nobody was listening when the sign was due",
            )
        if beat.took is not None and beat.took > self.limit.total_seconds():
            took = timedelta(seconds=beat.took)
            return Status.DEGRADED, Text(
                f"終わりましたが長くかかりました ({duration_ja(took)}。限度 {duration_ja(self.limit)})",
                f"ended, but took {format_duration(took)} (limit {format_duration(self.limit)})",
            )
        due = self.due(began)
        return Status.OK, Text(
            f"成功の合図あり ({since})。次は {jst_short(due, now)}、猶予{duration_ja(self.grace)}",
            f"succeeded {jst(beat.good_at)} JST, next due {jst(due)} JST",
        )

    def _missed(self, began: datetime, heard: Heard, now: datetime) -> tuple[datetime | None, bool]:
        """The first time that passed in silence while we listened; whether one may be lost."""
        due, lost = self.due(began), False
        while due + self.grace < now:
            gap = _touched(heard, due - _EARLY, due + self.grace)
            if gap is None:
                return due, lost
            due, lost = self.due(max(due, gap)), True
        return None, lost

    def _facts(self, beat: Beat | None) -> dict[str, FactValue]:
        facts: dict[str, FactValue] = {}
        if beat is not None and beat.good_at is not None and beat.good_from is not None:
            facts["success_at"] = int(beat.good_at.timestamp())
            facts["due_at"] = int(self.due(beat.good_from).timestamp())
        if beat is not None and beat.took is not None:
            facts["took"] = beat.took
        return facts


def _touched(heard: Heard, begin: datetime, end: datetime) -> datetime | None:
    """The end of the last deafness within that time; None when we listened all through."""
    ends = [gap_end for gap_begin, gap_end in heard.deaf if gap_begin < end and gap_end > begin]
    return max(ends, default=None)
