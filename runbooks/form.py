"""The form of a runbook: one YAML file, strict, Japanese first (`en:` beside it is optional).

A step is one action with one verb. Which steps may start follows from `needs`:
- `needs` written: after all of them (`needs: []` = at once, in parallel with the others);
- not written: after the step that stands before it in the file (after the arms of a decision:
  after every arm that was taken);
- a step named by an option's `next` or by `on_failure` is off the straight way: it starts only
  when that option was taken or that step failed, and is 対象外 otherwise. What comes after an
  `on_failure` step says so with `needs`, and `next:` leads from it back to the straight way.
Step ids (`JUKI-03`) are spoken over the radio and unique in the whole book, so `needs` may name a
step of another runbook.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, field_validator

from bcp.plan.types import Day, Duration, Id, LevelId, Model
from runbooks.form_parts import (
    Announce,
    Challenge,
    Confirm,
    ContactRef,
    DrillForm,
    Estimate,
    Hours,
    Option,
    Owner,
    Probe,
    Purpose,
    RoleRef,
    SecurityChange,
    Variant,
    Variants,
)

_AS_WRITTEN = Variant()


class StepBase(Model):
    """What every step may say."""

    id: Id
    title: str = Field(min_length=1, max_length=120)
    """One verb, one object, as an order: 「サーバ室の入室可否を確認する」."""
    en: str | None = None
    mode: Literal["read-do", "do-confirm", "challenge-response"] = "read-do"
    challenge: Challenge | None = None
    """What is asked and answered in `challenge-response`; else `expect` is read and confirmed."""
    role: RoleRef | None = None
    """Who does it; not written: the runbook's `owner_role`."""
    owner: Owner = "職員"
    duration: Estimate | None = None
    detail: tuple[str, ...] = ()
    """How, in short lines, for somebody who has never seen the system."""
    type_in: tuple[str, ...] = ()
    """Lines to type exactly as they stand (shown in a fixed-width font)."""
    safety: str | None = None
    expect: str | None = None
    """What one sees when it worked."""
    place: str | None = None
    site: Id | None = None
    people: int = Field(1, ge=1, le=50)
    resources: tuple[str, ...] = ()
    """Single named things it occupies: 「借用ノートPC」."""
    needs: tuple[Id, ...] | None = None
    next: Id | None = None
    on_failure: Id | None = None
    mandatory: bool = False
    """Cannot be skipped without a second person's consent."""
    gate: Literal["done", "verified"] = "done"
    """`verified`: what follows waits for the proof, not for the tick."""
    probe: Probe | None = None
    verify_by: RoleRef | None = None
    """Who may attest by eye (目視) when the probe itself is dead; another person than the doer."""
    attains: LevelId | None = None
    evidence: str | None = None
    """`backup.SET.last_verified`: the snapshot whose time fills the RPO attained."""
    announce: Announce | None = None
    contact: ContactRef | None = None
    attachments: tuple[str, ...] = ()
    paper: bool = True
    security_change: SecurityChange | None = None
    powers_on: bool = False
    """Switches machines on: held until 「電源を入れる前に」 of its site is answered (R-32)."""
    revert: str | None = None
    drill: DrillForm | None = None
    repeat: str | None = Field(None, alias="while")
    """Do it again while this holds, at most `max_attempts` times."""
    max_attempts: int | None = Field(None, ge=1, le=99)
    variants: Variants | None = None
    unconfirmed: bool = False
    """An invented number or name in it: shown as 要確認."""

    def variant(self, hours: Hours) -> Variant:
        """What differs at these hours (nothing for `any`)."""
        if self.variants is None or hours == "any":
            return _AS_WRITTEN
        found = self.variants.in_hours if hours == "in_hours" else self.variants.off_hours
        return found or _AS_WRITTEN


class ActionStep(StepBase):
    """手を動かす."""

    type: Literal["action"]


class CommandStep(StepBase):
    """機械に命じる: a name of the allow-list; a person types `type_in` where no automation runs."""

    type: Literal["command"]
    run: Id | None = None
    confirm: Confirm | None = None
    timeout: Duration | None = None
    reversible: bool | None = None


class DecisionStep(StepBase):
    """決める."""

    type: Literal["decision"]
    question: str
    options: tuple[Option, ...] = Field(min_length=2)

    @field_validator("options")
    @classmethod
    def _distinct(cls, options: tuple[Option, ...]) -> tuple[Option, ...]:
        if len({option.id for option in options}) != len(options):
            raise ValueError("選択肢の id が二重です / two options with one id")
        if sum(option.default for option in options) > 1:
            raise ValueError("default は一つだけ / only one option can be the default")
        return options

    def option(self, id: str) -> Option | None:
        """The option with this id."""
        return next((option for option in self.options if option.id == id), None)


class VerifyStep(StepBase):
    """確かめる: by probe, or by a person who looks."""

    type: Literal["verify"]


class WaitStep(StepBase):
    """待つ: for a vendor, for power; never fails by time, it escalates."""

    type: Literal["wait"]
    waits_for: str
    expected: Duration | None = None


class ApprovalStep(StepBase):
    """承認を得る."""

    type: Literal["approval"]
    approver: RoleRef


class NotifyStep(StepBase):
    """知らせる."""

    type: Literal["notify"]
    audience: str
    message: str | None = None


class RunbookStep(StepBase):
    """別の手順書を行う."""

    type: Literal["runbook"]
    runbook: Id


class MilestoneStep(StepBase):
    """区切り: the only place to pause, breathe and look at the whole."""

    type: Literal["milestone"]


Step = Annotated[
    ActionStep
    | CommandStep
    | DecisionStep
    | VerifyStep
    | WaitStep
    | ApprovalStep
    | NotifyStep
    | RunbookStep
    | MilestoneStep,
    Field(discriminator="type"),
]
"""The closed union of step types; code that looks at `type` ends in `assert_never`."""


class Reviewed(Model):
    """見直し."""

    date: Day
    by: str
    next: Day | None = None


class Runbook(Model):
    """手順書."""

    api_version: Literal["ict-bcp/v1"] = Field(alias="apiVersion")
    kind: Literal["Runbook"]
    id: Id
    title: str
    en: str | None = None
    system: Id | None = None
    """The system it recovers; none for 初動 and the like."""
    services: tuple[Id, ...] = ()
    """業務 whose alternate it is (purpose `alternate`)."""
    purpose: Purpose
    hours: Hours = "any"
    nature: tuple[Literal["disaster", "failure", "cyber"], ...] = ()
    """For which kind of event; empty = all."""
    on_call: bool = False
    """Only when a step of type `runbook` or the commander calls it (庁舎を失った等); a declaration
    does not begin it by itself."""
    version: str
    form: str | None = None
    """様式番号 where it fills one, e.g. `様式10`."""
    owner_role: RoleRef
    reviewed: Reviewed | None = None
    summary: str | None = None
    preconditions: tuple[str, ...] = ()
    """`system.ad >= L3`, `site.honcho.power`, or plain text."""
    stop: str | None = None
    """Where one may stop and call the vendor, in one sentence."""
    roles: dict[str, RoleRef] = Field(default_factory=dict)
    """Short names used in the steps; `vendor:SYSTEM` for a vendor."""
    classification: str | None = None
    steps: tuple[Step, ...] = Field(min_length=1)
    unconfirmed: bool = False

    @field_validator("version", mode="before")
    @classmethod
    def _version_as_written(cls, value: Any) -> Any:
        """`version: 3.1` unquoted is read as a number; write `"3.10"` in quotes."""
        return str(value) if isinstance(value, int | float) else value

    def step(self, id: str) -> Step | None:
        """The step with this id."""
        return next((step for step in self.steps if step.id == id), None)

    def role_of(self, step: Step, hours: Hours = "any") -> str:
        """The role (id, name or `vendor:SYSTEM`) that does a step."""
        name = step.variant(hours).role or step.role or self.owner_role
        return self.roles.get(name, name)

    def role(self, name: str) -> str:
        """What a short name stands for."""
        return self.roles.get(name, name)


RUNBOOK: TypeAdapter[Runbook] = TypeAdapter(Runbook)
