"""The machine's hand: carries out what was confirmed for a step, and says honestly what came of it.

Order of writing is the design: `run_started` is durable before the child starts, `run_ended` after
it ended. Killed in between, the next start finds a run that began and has no end: its result is
*unknown*, is told so, and is never run again by itself. What was confirmed and never begun before a
stop is *not started*. A result that cannot be recorded now is kept and tried again every second.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from bcp.journal.entry import Actor
from bcp.journal.errors import JournalError
from bcp.kit import process
from bcp.kit.errors import BcpError, Refused, Unwritable
from bcp.plan.automation import Automation
from bcp.service.house import House, Progress
from bcp.watch.guard import guarded
from runbooks import commands as c
from runbooks.desk import Desk
from runbooks.state import Incident
from runbooks.worked import AutoRun, RunState

LOG = structlog.get_logger("automation")
MACHINE = Actor("system", "automation")
_POLL = 0.5
_LINES, _LINE = 12, 200
_CAP = 1 << 20
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an act. `output` is shown to people: no secret, nothing personal."""

    ok: bool
    output: str = ""
    exit: int | None = None
    timed_out: bool = False


_BROKE = Result(False, "内部の誤り / internal error")
Key = tuple[str, str, str]
"""Stage, event, run."""
Act = Callable[[House, Mapping[str, str], Progress], Awaitable[Result]]
"""A built-in act: the house, the parameters as confirmed, and where it says how far it is."""


class Hand:
    """One for the daemon. `actions`: the built-in acts that the allow-list may name."""

    def __init__(self, house: House, actions: Mapping[str, Act] | None = None) -> None:
        self._house = house
        self._actions = dict(actions or {})
        self._busy: set[Key] = set()
        self._owed: dict[Key, c.EndRun] = {}

    async def run(self, group: asyncio.TaskGroup) -> None:
        """For ever. What an earlier life left open is closed first, honestly."""
        await self._settle()
        while True:
            for stage, desk in self._house.desks.items():
                for incident, run in _confirmed(desk):
                    key = (stage, incident.id, run.id)
                    if key not in self._busy:
                        self._busy.add(key)
                        group.create_task(self._carry(desk, incident, run), name=f"run {run.id}")
            await self._pay()
            await self._house.clock.sleep_until(self._house.clock.monotonic() + _POLL)

    async def _settle(self) -> None:
        for desk in self._house.desks.values():
            for incident in desk.state.items.values():
                for run in incident.automations.values():
                    left = {
                        RunState.RUNNING: RunState.UNKNOWN,
                        RunState.CONFIRMED: RunState.NOT_STARTED,
                    }.get(run.state)
                    if left is not None:
                        LOG.error("a run was left open by a stop", run=run.id, state=left.value)
                        self._owe(desk, c.EndRun(incident=incident.id, run=run.id, state=left))
        await self._pay()

    async def _carry(self, desk: Desk, incident: Incident, run: AutoRun) -> None:
        key = (desk.stage, incident.id, run.id)
        try:
            begin = c.BeginRun(incident=incident.id, run=run.id)
            await desk.do(begin, MACHINE, f"begin:{incident.id}:{run.id}")
        except (Unwritable, JournalError):
            self._busy.discard(key)  # not begun: tried again when the log can be written
            return
        except Refused as refusal:  # withdrawn, or the list's line was changed since
            end = c.EndRun(incident=incident.id, run=run.id, state=RunState.NOT_STARTED)
            self._owe(desk, replace(end, output=str(refusal)[:400]))
            return
        began = self._house.clock.monotonic()
        progress = self._house.progress[key] = Progress(began)
        line = next(one for one in desk.city.automation if one.id == run.action)
        try:
            act = self._act(line, dict(run.parameters), progress)
            result = await guarded(act, "automation", action=line.id) or _BROKE
        finally:
            self._house.progress.pop(key, None)
        state = RunState.OK if result.ok else RunState.FAILED
        end = c.EndRun(
            incident=incident.id,
            run=run.id,
            state=RunState.TIMED_OUT if result.timed_out else state,
            exit=result.exit,
            seconds=round(self._house.clock.monotonic() - began),
            output=result.output,
        )
        self._owe(desk, end)
        await self._pay()

    async def _act(
        self, line: Automation, parameters: Mapping[str, str], progress: Progress
    ) -> Result:
        """Run it; whatever of the world goes wrong is a result."""
        limit, last = line.timeout.total_seconds(), deque[bytes](maxlen=_LINES)

        def seen(said: bytes) -> None:
            progress.lines += 1
            last.append(said[:_LINE])

        try:
            if line.action is not None:
                return await self._built_in(line.action, parameters, progress, limit)
            done = await process.run(
                line.argv(parameters),
                deadline=limit,
                env={"PATH": _PATH, "LANG": "C.UTF-8"},
                cap=_CAP,
                on_line=seen,
            )
        except OSError as error:
            return Result(False, f"起動できません / cannot be started: {error.strerror}")
        except BcpError as error:
            return Result(False, redacted(str(error)))
        tail = b"\n".join([*last, *done.stderr.splitlines()[-_LINES:]]).decode("utf-8", "replace")
        good = done.returncode == 0 and not done.timed_out
        return Result(good, redacted(tail), done.returncode, done.timed_out)

    async def _built_in(
        self, name: str, parameters: Mapping[str, str], progress: Progress, limit: float
    ) -> Result:
        act = self._actions.get(name)
        if act is None:
            return Result(False, f"この版に {name} はありません / no such action in this version")
        try:
            async with asyncio.timeout(limit):
                done = await act(self._house, parameters, progress)
        except TimeoutError:
            return Result(False, timed_out=True)
        return replace(done, output=redacted(done.output))

    def _owe(self, desk: Desk, end: c.EndRun) -> None:
        self._owed[desk.stage, end.incident, end.run] = end

    async def _pay(self) -> None:
        """Record every result not recorded yet."""
        for key, end in list(self._owed.items()):
            desk = self._house.desks.get(key[0])
            if desk is None:  # the drill was closed meanwhile
                del self._owed[key]
                continue
            with contextlib.suppress(Unwritable, JournalError):
                await desk.do(end, MACHINE, f"end:{end.incident}:{end.run}:{end.state.value}")
                self._owed.pop(key, None)
                self._busy.discard(key)


def _confirmed(desk: Desk) -> list[tuple[Incident, AutoRun]]:
    """What was confirmed and waits to begin, in every event that runs."""
    return [
        (incident, run)
        for incident in desk.active()
        for run in incident.automations.values()
        if run.state is RunState.CONFIRMED
    ]


_SECRET = re.compile(
    r"(?i)\b(pass(?:word|wd|phrase)?|secret|token|api[_-]?key|authorization|bearer)\b"
    r"(\s*[:=]\s*|\s+)\S+"
)
_IN_URL = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_LONG = re.compile(r"\b[A-Za-z0-9+/_-]{80,}={0,2}")
_DIGITS = re.compile(r"(?<!\d)\d{12}(?!\d)")


def redacted(output: str) -> str:
    """The last lines without what looks like a secret or a 個人番号 (12 digits)."""
    lines = [line.rstrip()[:_LINE] for line in output.splitlines() if line.strip()][-_LINES:]
    said = "\n".join(lines)
    said = _SECRET.sub(r"\1\2***", said)
    said = _IN_URL.sub("***", said)
    said = _LONG.sub("***", said)
    return _DIGITS.sub("************", said)
