"""Kind `observed` (目視): a named person saw one function work at a counter."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from bcp.kit.language import Text
from bcp.kit.units import duration_ja, format_duration, jst
from bcp.plan.types import Duration
from bcp.watch.check import Check, Env, Fact
from bcp.watch.values import Outcome, Pillar, Status, unknown

_WORDS = {
    Status.OK: Text("使えることを確認", "seen working"),
    Status.DEGRADED: Text("一部だけ使えることを確認", "seen working in part"),
    Status.FAILED: Text("使えないことを確認", "seen not working"),
    Status.UNKNOWN: Text("確認できなかったと報告", "reported as not to be told"),
}


class ObservedCheck(Check):
    """A person confirms one function at a counter; the word holds for a while, then expires."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("窓口での目視確認", "Confirmed by eye at a counter")
    reach: ClassVar[Literal["network", "host", "person"]] = "person"
    facts: ClassVar[dict[str, Fact]] = {
        "seen_at": Fact("timestamp_seconds", Text("目視の時刻", "when it was seen")),
        "valid_until": Fact("timestamp_seconds", Text("目視の期限", "until when it counts")),
    }

    kind: Literal["observed"] = "observed"
    function: str = Field(min_length=1, max_length=200)
    """What must work, as the counter says it: 住民票の写しを1通発行できる."""
    counter: str = Field(min_length=1, max_length=200)
    """Where: 市民課1番窓口."""
    valid_for: Duration = timedelta(hours=4)
    """After this the word no longer counts: 不明 (目視の期限切れ)."""

    @field_validator("valid_for")
    @classmethod
    def _some_time(cls, value: timedelta) -> timedelta:
        if value <= timedelta():
            raise ValueError("valid_for は0より長く / valid_for must be longer than 0")
        return value

    @property
    def target(self) -> str:
        return f"{self.counter} {self.function}"

    async def run(self, env: Env) -> Outcome:
        said = env.statement(self.id)
        if said is None:
            return unknown(
                f"目視がまだありません: {self.counter}「{self.function}」",
                f"not seen yet: {self.counter}, {self.function}",
            )
        until = said.at + self.valid_for
        facts = {"seen_at": int(said.at.timestamp()), "valid_until": int(until.timestamp())}
        evidence = (f"目視 seen: {jst(said.at)} JST, by {said.by}",)
        now = env.clock.utc()
        if now >= until:
            ago, limit = duration_ja(now - said.at), duration_ja(self.valid_for)
            return unknown(
                f"目視の期限切れ: {self.counter}「{self.function}」 ({ago}前の確認。有効は{limit})",
                f"expired: {self.counter}, {self.function}, seen {jst(said.at)} JST, "
                f"valid for {format_duration(self.valid_for)}",
                *evidence,
                **facts,
            )
        word = _WORDS[said.status]
        sentence = Text(
            f"目視: {self.counter}で「{self.function}」を{word.ja} ({jst(said.at, '%m/%d %H:%M')})",
            f"{word.en}: {self.function} at {self.counter} ({jst(said.at, '%m/%d %H:%M')} JST)",
        )
        return Outcome(said.status, sentence, facts, evidence=evidence)
