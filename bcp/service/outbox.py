"""未送信箱: what people did while nobody could be told, recorded afterwards.

An item is one act at a step, made by a page that lost the network or by the carry-out file. It has an
operation id of its own and the time of the act: replayed twice, in any order, it is recorded once.
What the state does not allow is answered item by item and stays with the sender until a person has
decided; nothing is dropped here and nothing overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from pydantic import Field, ValidationError

from bcp.journal.entry import Actor
from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import text
from bcp.kit.units import jst
from bcp.plan.types import Id, Model
from runbooks import commands as c
from runbooks.context import Conflict
from runbooks.desk import Desk
from runbooks.state import Incident

MOST_ITEMS = 500
MOST_BYTES = 1 << 20
Word = Literal["recorded", "already", "agreed", "conflict", "refused"]
KEPT: frozenset[Word] = frozenset({"conflict", "refused"})
"""What stays in the sender's box."""

DOES = frozenset({"start", "finish", "fail", "skip", "wait", "reopen", "attest", "decide", "note"})
"""What may come late. Never a command to a machine: that wants somebody who looks at it now."""


class Item(Model):
    """One line of an outbox."""

    v: Literal[1] = 1
    op: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$")
    at: str | None = Field(None, max_length=40)
    """When it happened, ISO 8601 with offset; None only where it is sent at once."""
    stage: str = Field("real", max_length=64)
    step: Id
    fields: dict[str, str] = Field(max_length=20)
    """The form as filled in; `do` says which button."""
    by: str = Field("", max_length=80)
    """Who did it, as written on a carry-out file."""

    def instant(self) -> datetime | None:
        """The time of the act. Raises `UsageError`."""
        if self.at is None:
            return None
        try:
            found = datetime.fromisoformat(self.at)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise UsageError(
                text("outbox.bad_time").ja, got=self.at, expected="2026-11-23T10:02:00+09:00"
            )
        return found


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an item."""

    op: str
    step: str
    result: Word
    said: str
    """For people: what stands in the log, or why it does not."""

    def as_json(self) -> dict[str, str]:
        """For the script and `--json`."""
        return {"op": self.op, "step": self.step, "result": self.result, "said": self.said}


class Maker(Protocol):
    """Turns an item into a command (the forms of the pages do)."""

    def __call__(self, item: Item, incident: Incident) -> c.Command:
        """Raises `UsageError` for what no form could have said."""
        ...


Called = Callable[[str], str]
"""The name behind a pseudonym."""


def read_lines(data: bytes) -> tuple[Item, ...]:
    """A file of JSON lines. Raises `UsageError` with the number of the line."""
    if len(data) > MOST_BYTES:
        raise UsageError(text("outbox.too_large").ja, expected=f"<= {MOST_BYTES} B")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError("UTF-8 ではありません / not UTF-8", got=str(error.reason)) from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(Item.model_validate_json(line, strict=True))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise UsageError(
                text("outbox.bad_line", line=number).ja,
                where=f"{number}: {where}",
                got=str(first["msg"]),
                expected='{"v":1,"op":…,"at":…,"step":…,"fields":{"do":…}}',
            ) from error
    return fit(found)


def fit(items: Iterable[Item]) -> tuple[Item, ...]:
    """In the order in which things happened. Raises `UsageError` when there are too many."""
    found = tuple(items)
    if len(found) > MOST_ITEMS:
        raise UsageError(
            text("outbox.too_many").ja, got=str(len(found)), expected=f"<= {MOST_ITEMS}"
        )
    return tuple(sorted(found, key=lambda item: (item.instant() is None, item.at or "", item.op)))


async def replay(
    desk: Desk, items: Iterable[Item], make: Maker, actor: Actor, name: Called
) -> list[Result]:
    """Record them one after the other. Raises Unwritable: then nothing more was recorded, and
    sending the whole box again is safe.
    """
    return [await _one(desk, item, make, actor, name) for item in fit(items)]


async def _one(desk: Desk, item: Item, make: Maker, actor: Actor, name: Called) -> Result:
    op = f"outbox/{item.op}"

    def answer(word: Word, said: str) -> Result:
        return Result(item.op, item.step, word, said)

    if item.stage != desk.stage:
        said = text("outbox.other_stage", stage=item.stage, here=desk.stage).ja
        return answer("refused", said)
    incident = event_with(desk, item.step, item.fields.get("incident", ""))
    if incident is None:
        return answer("refused", text("outbox.no_event", step=item.step).ja)
    try:
        made: Any = make(item, incident)
        command = replace(made, occurred_at=item.instant())
        try:
            done = await desk.do(command, actor, op)
        except Conflict:
            raise
        except Refused:
            if item.at is None or not isinstance(command, c.FinishStep) or command.paper:
                raise  # late, it may come before what it waited for is recorded
            done = await desk.do(replace(command, paper=True), actor, op)
    except Conflict as error:
        at = jst(error.at, "%H:%M") if error.at is not None else "?"
        both = text(
            "outbox.conflict",
            step=error.step, recorded=error.recorded, by=name(error.by), at=at, wanted=error.wanted,
        )  # fmt: skip
        return answer("conflict", both.ja)
    except (Refused, UsageError) as error:
        return answer("refused", str(error))
    if done.replayed:
        return answer("already", text("outbox.already", seq=done.entries[0].seq).ja)
    if not done.entries:
        return answer("agreed", text("outbox.agreed").ja)
    return answer("recorded", text("outbox.recorded", seq=done.entries[0].seq).ja)


def event_with(desk: Desk, step: str, asked: str) -> Incident | None:
    """The event an item speaks of: the one it names, else the newest that has the step."""
    if asked:
        return desk.incident(asked)
    events = list(desk.state.items.values())[::-1]
    holders = [one for one in events if any(step in runs for runs in one.runs.values())]
    running = [one for one in events if one.active and one.preempted_at is None]
    own = [one for one in running if _has(desk, one, step)]
    return next(iter((*own, *running, *holders)), None)


def _has(desk: Desk, incident: Incident, step: str) -> bool:
    """By the book of today: which of several events runs the step's runbook."""
    found = desk.book.step(step)
    return found is not None and found[0].id in incident.runbooks


def as_lines(items: Iterable[Item]) -> str:
    """The inverse of `read_lines`."""
    return "".join(
        json.dumps(item.model_dump(), ensure_ascii=False, separators=(",", ":")) + "\n"
        for item in items
    )
