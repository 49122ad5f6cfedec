"""Kind `quorum` (複数地点): one thing seen from several places or by several ways, judged together.

Each vantage is a check of the plan that takes its own way: another name server or proxy, a command on
another machine, a heartbeat that a distant job sends. They go on; the quorum alone counts and calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from bcp.kit.language import Text
from bcp.plan.types import CheckId, Duration, Model
from bcp.watch.check import Check, Confirm, Env, Fact
from bcp.watch.quorum import majority, vote
from bcp.watch.values import Outcome, Pillar, Status
from bcp.watch.view import WORKS


class Vantage(Model):
    """One place or way."""

    name: str = Field(min_length=1, max_length=60)
    """As people say it: 庁内から, 支所から."""
    check: CheckId


class QuorumCheck(Check):
    """One thing seen from several vantages: down only when enough of them say so."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text(
        "複数の地点・経路から見た一つのもの(何か所が同じことを言うか)",
        "One thing seen from several vantages: how many agree",
    )
    reach: ClassVar[Literal["network", "host", "person"]] = "host"
    facts: ClassVar[Mapping[str, Fact]] = {
        "reaching": Fact("count", Text("使えると見る地点の数", "vantages that see it work")),
        "failing": Fact("count", Text("停止と見る地点の数", "vantages that see it down")),
        "silent": Fact("count", Text("分からない地点の数", "vantages that cannot tell")),
    }

    kind: Literal["quorum"] = "quorum"
    vantages: tuple[Vantage, ...] = Field(min_length=2, max_length=20)
    quorum: int | None = Field(None, ge=1)
    """So many must agree, on down as on good. Default: more than half of all."""
    every: Duration = timedelta(seconds=10)
    timeout: Duration = timedelta(seconds=5)
    confirm: Confirm = Confirm(failures=1)
    """What it judges is confirmed already."""

    @model_validator(mode="after")
    def _each_once(self) -> QuorumCheck:
        ids, names = self.speaks_for, [one.name for one in self.vantages]
        if len(set(ids)) != len(ids) or len(set(names)) != len(names) or self.id in ids:
            raise ValueError("同じ検査や名前を二度書かない / name each check and place once")
        if self.quorum is not None and self.quorum > len(ids):
            raise ValueError("quorum は地点の数まで / quorum is larger than the number of vantages")
        return self

    @property
    def target(self) -> str:
        return self.name or self.id

    @property
    def speaks_for(self) -> tuple[str, ...]:
        return tuple(one.check for one in self.vantages)

    async def run(self, env: Env) -> Outcome:
        quorum = self.quorum or majority(len(self.vantages))
        said: list[tuple[str, Status, Text]] = []
        for one in self.vantages:
            known = env.known(one.check)
            if known is None:
                said.append((one.name, Status.UNKNOWN, Text("結果なし", "no answer")))
            else:
                said.append((one.name, known.status, known.sentence))
        seen = [status for _name, status, _why in said]
        status = vote(seen, quorum)
        works, down = sum(one in WORKS for one in seen), seen.count(Status.FAILED)
        silent = len(seen) - works - down
        not_well = [(name, why) for name, state, why in said if state is not Status.OK]
        ja = (
            f"{len(seen)}地点のうち使える {works}、停止 {down}、不明 {silent} (判定に必要 {quorum})"
        )
        en = f"of {len(seen)} vantages {works} reach it, {down} do not, {silent} cannot tell (quorum {quorum})"
        if not_well:
            ja += f": {'、'.join(f'{name}({why.ja})' for name, why in not_well)}"
            en += f": {', '.join(f'{name} ({why.en})' for name, why in not_well)}"
        sentence = Text(f"{self.target}: {ja}", f"{self.target}: {en}")
        return Outcome(status, sentence, {"reaching": works, "failing": down, "silent": silent})
