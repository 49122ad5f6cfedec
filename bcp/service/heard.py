"""Recording many lines that others did: each is its own act, none is lost because of another."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bcp.journal.entry import Actor
from bcp.kit.errors import BcpError, Refused, Unwritable, UsageError
from bcp.kit.language import Text, text
from runbooks.desk import Desk
from runbooks.heard import Heard
from runbooks.scribe import Line, command


@dataclass(frozen=True, slots=True)
class Told:
    """One line and what became of it."""

    line: Line
    problem: Text | None = None
    kept: bool = False
    again: bool = False
    """It stood in the log already."""
    next_step: str = ""


async def record_all(
    desk: Desk, incident: str, lines: Sequence[Line], how: Heard, actor: Actor, op: str
) -> list[Told]:
    """In the order of the lines. A refused line says why; a log that cannot be written refuses
    the rest, which stays with the scribe."""
    seen: Counter[str] = Counter()
    told: list[Told] = []
    stopped: BcpError | None = None
    for line in lines:
        seen[line.raw] += 1
        if line.problem is not None or stopped is not None:
            why = line.problem or _said(stopped)
            told.append(Told(line, why))
            continue
        try:
            done = await desk.do(
                command(line, incident, how), actor, _op(op, line.raw, seen[line.raw])
            )
        except Unwritable as error:
            stopped = error
            told.append(Told(line, _said(error)))
        except (Refused, UsageError) as error:
            told.append(Told(line, _said(error), next_step=error.next_step or ""))
        else:
            told.append(Told(line, None, True, done.replayed or not done.entries))
    return told


def _op(page: str, raw: str, repetition: int) -> str:
    """The same page, words and repetition: the same act."""
    return hashlib.sha256(f"{page}\n{raw}\n{repetition}".encode()).hexdigest()[:40]


def _said(error: BcpError | None) -> Text:
    if error is None:
        return text("scribe.not_recorded")
    ja, _, en = error.what.partition(" / ")
    return Text(ja, en or ja)
