"""Kind `command`: a program of the city's own says whether something works."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from bcp.kit.language import Text
from bcp.kit.process import Completed
from bcp.plan.types import Duration
from bcp.watch.check import Check, Env, Fact
from bcp.watch.values import Outcome, Pillar, Status, unknown
from probes.engine import redact
from probes.engine.trouble import patience

_ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
"""Nothing of the daemon's own environment reaches a child."""
_CAP = 64 << 10
_STOP = 5.5
"""Seconds `kit.process` may need to stop a child after its deadline."""


class CommandCheck(Check):
    """Runs a program (no shell) and reads its exit code."""

    pillar: ClassVar[Pillar] = Pillar.AVAILABILITY
    title: ClassVar[Text] = Text("コマンドによる確認", "A program's exit code")
    reach: ClassVar[Literal["network", "host", "person"]] = "host"
    weight: ClassVar[str] = "heavy"
    facts: ClassVar[Mapping[str, Fact]] = {
        "exit_code": Fact("", Text("終了コード", "exit code")),
        "total": Fact("seconds", Text("全体の時間", "total time")),
    }

    kind: Literal["command"] = "command"
    argv: tuple[str, ...] = Field(min_length=1, max_length=64)
    """Program (absolute path) and arguments; never a shell line, never a secret."""
    cwd: str | None = None
    ok: tuple[int, ...] = (0,)
    degraded: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()
    """Exit codes by meaning; every other code is FAILED. Monitoring plug-ins: degraded [1],
    unknown [3]."""
    every: Duration = timedelta(minutes=5)
    timeout: Duration = timedelta(seconds=30)

    @field_validator("argv")
    @classmethod
    def _absolute(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value[0].startswith("/"):
            raise ValueError("argv の先頭は絶対パス / argv[0] must be an absolute path")
        if any("\0" in word for word in value):
            raise ValueError("argv に NUL は使えません / no NUL in argv")
        return value

    @model_validator(mode="after")
    def _each_code_once(self) -> CommandCheck:
        codes = [*self.ok, *self.degraded, *self.unknown]
        if len(codes) != len(set(codes)):
            raise ValueError("一つの終了コードに二つの意味 / one exit code with two meanings")
        return self

    @property
    def target(self) -> str:
        return Path(self.argv[0]).name

    async def run(self, env: Env) -> Outcome:
        # The child is asked to stop early enough to be gone when the caller's deadline comes.
        deadline = max(patience(self.timeout) - _STOP, self.timeout.total_seconds() * 0.5)
        try:
            # One that ignores SIGINT is killed when our own time is over (cancelling kills).
            async with asyncio.timeout(patience(self.timeout)):
                done = await env.run_process(
                    self.argv,
                    deadline=deadline,
                    env=_ENV,
                    cwd=Path(self.cwd) if self.cwd else None,
                    cap=_CAP,
                )
        except TimeoutError:
            return self._too_long(deadline)
        except OSError as error:
            reason = error.strerror or str(error)
            return unknown(
                f"{self.target}: 起動できません ({reason})",
                f"{self.target}: cannot be started ({reason})",
                f"{error.filename or self.argv[0]}: {reason}",
            )
        return self._judge(done, deadline)

    def _judge(self, done: Completed, deadline: float) -> Outcome:
        evidence = _evidence(done)
        facts = {"exit_code": done.returncode, "total": round(done.duration, 6)}
        name = self.target
        if done.timed_out:
            return self._too_long(deadline, *evidence)
        if done.returncode < 0:
            return unknown(
                f"{name}: シグナル {-done.returncode} で終了",
                f"{name}: ended by signal {-done.returncode}",
                *evidence,
                **facts,
            )
        status = self._status(done.returncode)
        wanted = ", ".join(str(code) for code in self.ok)
        said = f": {evidence[0]}" if evidence else ""
        if status is Status.OK:
            sentence = Text(f"{name}: 正常{said}", f"{name}: good{said}")
        else:
            sentence = Text(
                f"{name}: 終了コード {done.returncode} (期待 {wanted}){said}",
                f"{name}: exit code {done.returncode}, expected {wanted}{said}",
            )
        return Outcome(status, sentence, facts, evidence=evidence)

    def _too_long(self, deadline: float, *evidence: str) -> Outcome:
        return unknown(
            f"{self.target}: {deadline:g}秒で終わらないため止めました",
            f"{self.target}: not finished within {deadline:g} s, stopped",
            *evidence,
        )

    def _status(self, code: int) -> Status:
        if code in self.ok:
            return Status.OK
        if code in self.degraded:
            return Status.DEGRADED
        return Status.UNKNOWN if code in self.unknown else Status.FAILED


def _evidence(done: Completed) -> tuple[str, ...]:
    """First lines of the output, last lines of the errors, redacted as a whole, then cut."""
    said = redact.text(done.stdout.decode("utf-8", "replace")).strip().splitlines()
    wrong = redact.text(done.stderr.decode("utf-8", "replace")).strip().splitlines()
    return tuple(redact.line(line) for line in (*said[:10], *wrong[-10:]))
