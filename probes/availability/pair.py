"""Kind `pair` (本番・待機): two members of which one serves, judged together from their own checks.

Each member names checks that say it could serve (`ready`: certificate, name, version, age of the replica)
and, where only one may serve at a time, the check that is good only on the one that does (`active`).
The members' checks go on; they count and call people through the pair alone. In words:

- Both active is failed at once, whatever works: what is written on one is missing on the other.
- One serves and the other could: good. One of the two is down, or could not take over: degraded.
- Neither is up, or neither serves: failed. What the members' checks cannot tell is unknown.
- During a switch the looks at the two are not of one moment. Both active, and neither active, is believed
  only when each was looked at again after the other changed; until then the newer change is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from bcp.kit.language import Text
from bcp.plan.types import CheckId, Duration, Model
from bcp.watch.check import Check, Confirm, Env, Fact, Known
from bcp.watch.values import Outcome, Pillar, Status
from bcp.watch.view import WORKS


class Member(Model):
    """One of the two."""

    name: str = Field(min_length=1, max_length=60)
    """As people say it: 本番機, 待機機."""
    ready: tuple[CheckId, ...] = Field(min_length=1)
    """All good or degraded: it could serve."""
    active: CheckId | None = None
    """Good only on the one that serves now."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is known of a member. None: cannot be told."""

    name: str
    up: bool | None
    why: Text | None = None
    """What keeps it from being up, or known."""
    active: bool | None = None
    since: datetime | None = None
    """Since when it is active, or not."""
    looked: datetime | None = None
    """The last look at that."""


def judged(first: Part, second: Part, *, single: bool) -> tuple[Status, Text]:
    """The verdict over two; `single`: only one may serve at a time. Pure."""
    if single:
        serving = _serving(first, second)
        if serving == (True, True):
            return Status.FAILED, Text(
                f"{first.name}と{second.name}が同時に稼働しています。書き込みが食い違います",
                f"both are active: {first.name} and {second.name}; what is written diverges",
            )
        if serving == (False, False):
            return Status.FAILED, Text(
                f"{first.name}も{second.name}も稼働していません",
                f"neither is active: {first.name}, {second.name}",
            )
        if None in serving:
            return Status.UNKNOWN, Text(
                "どちらが稼働中か分かりません", "cannot tell which is active"
            )
        if serving == (False, True):
            first, second = second, first
    return _strength(first, second, single=single)


def _serving(first: Part, second: Part) -> tuple[bool | None, bool | None]:
    """Who serves, as far as looks of two moments can tell."""
    if first.active is None or first.active is not second.active:
        return first.active, second.active
    early, late = sorted((first, second), key=_changed)
    if early.looked is not None and late.since is not None and early.looked >= late.since:
        return first.active, second.active
    # The other one was not looked at since: it has given way, or taken over, but nobody saw it yet.
    if not first.active:
        return None, None
    return (True, False) if late is first else (False, True)


def _changed(part: Part) -> float:
    return part.since.timestamp() if part.since is not None else float("-inf")


def _strength(first: Part, second: Part, *, single: bool) -> tuple[Status, Text]:
    """How many of the two are up; `first` serves."""
    down = [part for part in (first, second) if part.up is False]
    unsure = [part for part in (first, second) if part.up is None]
    if len(down) == 2:
        return Status.FAILED, _named("両方とも使えません", "both are down", down)
    if down:
        if unsure:
            return Status.UNKNOWN, _named(
                "片方は停止、もう片方は不明", "one down, one unknown", unsure
            )
        if single and down == [second]:
            ja, en = f"{first.name}で稼働中、待機側は引き継げません", f"{first.name} serves alone"
            return Status.DEGRADED, _named(ja, en, down)
        return Status.DEGRADED, _named("片方だけで動いています", "one of two is up", down)
    if unsure:
        return Status.UNKNOWN, _named("確かめられない側があります", "cannot tell", unsure)
    if single:
        return Status.OK, Text(
            f"{first.name}で稼働中。{second.name}は引き継げます",
            f"{first.name} serves, {second.name} could take over",
        )
    return Status.OK, Text(
        f"{first.name}と{second.name}の両方が使えます", f"{first.name} and {second.name} are up"
    )


def _named(ja: str, en: str, parts: list[Part]) -> Text:
    because = [part.why for part in parts if part.why is not None]
    return Text(
        f"{ja}: {'、'.join(one.ja for one in because)}",
        f"{en}: {', '.join(one.en for one in because)}",
    )


class PairCheck(Check):
    """Two members judged together: both active is failed, one of two up is degraded."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text(
        "本番・待機の組(待機側が引き継げるか、両系同時稼働)",
        "A pair: could the standby take over, are both active",
    )
    reach: ClassVar[Literal["network", "host", "person"]] = "host"
    facts: ClassVar[Mapping[str, Fact]] = {
        "up": Fact("count", Text("使える側の数", "members that are up")),
        "active": Fact("count", Text("稼働中の側の数", "members that are active")),
    }

    kind: Literal["pair"] = "pair"
    members: tuple[Member, Member]
    """The one that usually serves first."""
    every: Duration = timedelta(seconds=10)
    timeout: Duration = timedelta(seconds=5)
    confirm: Confirm = Confirm(failures=1)
    """What it judges is confirmed already."""

    @model_validator(mode="after")
    def _told_apart(self) -> PairCheck:
        first, second = self.members
        if first.name == second.name:
            raise ValueError("二つの名前を変える / the two need different names")
        if (first.active is None) is not (second.active is None):
            raise ValueError(
                "active は両方に書くか、どちらにも書かない / active: on both or on none"
            )
        ids = self.speaks_for
        if len(set(ids)) != len(ids) or self.id in ids:
            raise ValueError("同じ検査を二度書かない / name each check once")
        return self

    @property
    def target(self) -> str:
        return self.name or self.id

    @property
    def speaks_for(self) -> tuple[str, ...]:
        return tuple(
            id for one in self.members for id in (*one.ready, one.active) if id is not None
        )

    async def run(self, env: Env) -> Outcome:
        first, second = (_part(one, env) for one in self.members)
        single = self.members[0].active is not None
        status, said = judged(first, second, single=single)
        facts = {"up": (first.up is True) + (second.up is True)}
        if single and status is not Status.UNKNOWN:
            facts["active"] = sum(one is True for one in _serving(first, second))
        sentence = Text(f"{self.target}: {said.ja}", f"{self.target}: {said.en}")
        return Outcome(status, sentence, facts)


def _part(member: Member, env: Env) -> Part:
    up: bool | None = True
    why: Text | None = None
    for id in member.ready:
        known = env.known(id)
        if known is not None and known.status in WORKS:
            continue
        bad = known is not None and known.status is Status.FAILED
        if up is True or (bad and up is None):
            said = known.sentence if known is not None else Text("結果なし", "no answer")
            up = False if bad else None
            why = Text(f"{member.name} {id} ({said.ja})", f"{member.name} {id} ({said.en})")
    role = env.known(member.active) if member.active is not None else None
    if role is None or role.status is Status.UNKNOWN:
        return Part(member.name, up, why)
    return Part(member.name, up, why, *_role(role))


def _role(role: Known) -> tuple[bool, datetime, datetime]:
    return role.status in WORKS, role.since, role.looked
