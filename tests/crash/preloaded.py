"""The daemon forked from a process that has its modules loaded: what a kill costs is not importing.

Everything after the import is the program as a person starts it: command line, lock, log, doors.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from bcp.service.cli import main
from tests.service_process import Service


def children() -> ForkServerContext:
    """A clean server process with all modules of the daemon loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.preloaded", "bcp.service.cli.commands_run"])
    return context


def run(arguments: tuple[str, ...], log: str) -> None:
    """In the child: a process group of its own, output into the file, then the program."""
    os.setsid()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(out, number)
    os.close(out)
    main(arguments)


class Forked:
    """The part of `subprocess.Popen` that `Service` uses."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid: int = process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("daemon", timeout)
        return self._process.exitcode


@dataclass
class PreloadedService(Service):
    """`ict-bcp run` without the second that importing takes."""

    @classmethod
    def over(cls, plan: Path, data: Path) -> PreloadedService:
        return cls(data, ("run", str(plan), "--data", str(data)))

    def launch(self) -> None:
        arguments = (*self.arguments, "--port", str(self.port))
        log = str(self.data.parent / f"{self.data.name}.log")
        process = children().Process(target=run, args=(arguments, log))
        process.start()
        self.process = Forked(process)  # type: ignore[assignment]
