"""The small parts of a runbook: estimates, probes, announcements, options."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bcp.plan.types import CheckId, Duration, Id, Model

Owner = Literal["職員", "要ベンダー", "要上位判断"]
"""Who can do a step: staff; only with the vendor; only after a decision from above."""

Purpose = Literal["initial", "alternate", "recover", "return"]
"""初動, 代替, 復旧, 切戻し."""

Hours = Literal["any", "in_hours", "off_hours"]

RoleRef = Annotated[str, Field(min_length=1, max_length=64)]
"""A short name of the runbook's `roles`, or the id or name of a role of the plan."""

ContactRef = Annotated[str, Field(min_length=1, max_length=80)]
"""Whom to call: id of a person or role, name of a role, or `vendor:SYSTEM`."""


class Estimate(Model):
    """How long it takes a person who has not done it before: median and one in ten."""

    p50: Duration
    p90: Duration | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Estimate:
        if self.p90 is not None and self.p90 < self.p50:
            raise ValueError("p90 は p50 より短くできません / p90 is shorter than p50")
        return self


class Probe(Model):
    """The check that proves the step: `id` of the plan's checks, good for `hold` without a break."""

    id: CheckId
    hold: Duration = timedelta(minutes=1)


class Announce(Model):
    """A text approved beforehand that becomes due when the step is done."""

    audience: Literal["staff", "residents", "press", "shelters", "vendors"]
    template: Id


class Confirm(Model):
    """Before something irreversible: who, the second person, the word to type again."""

    by: RoleRef
    second: RoleRef | None = None
    retype: str | None = None


class DrillForm(Model):
    """What a drill does instead: another allow-listed name, or only pretend."""

    run: Id | None = None
    simulate: bool = False
    text: str | None = None


class Challenge(Model):
    """One line of a challenge-response: one reads `ask` aloud, the other answers what he sees.

    `answer`: the only answer with which one goes on; without it any answer is recorded.
    """

    ask: str = Field(min_length=1, max_length=200)
    answer: str | None = None
    choices: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _answerable(self) -> Challenge:
        if self.answer is not None and self.choices and self.answer not in self.choices:
            raise ValueError("answer は choices の一つ / the answer must be one of the choices")
        return self


class SecurityChange(Model):
    """A relaxation of security that must be taken back (C, I or A is weakened)."""

    cia: Literal["C", "I", "A"]
    expires: Duration
    what: str | None = None


class Variant(Model):
    """What differs in or off office hours; what is not written stays as in the step."""

    title: str | None = None
    role: RoleRef | None = None
    contact: ContactRef | None = None
    place: str | None = None
    expect: str | None = None
    skip: bool = False


class Variants(Model):
    """勤務時間内 / 勤務時間外."""

    in_hours: Variant | None = None
    off_hours: Variant | None = None


class Option(Model):
    """One answer of a decision. `approval` = role whose consent it needs."""

    id: Id
    label: str
    next: Id | None = None
    approval: RoleRef | None = None
    default: bool = False
