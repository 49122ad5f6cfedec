"""The real program in a process of its own: the practice city, or the daemon over a plan."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import aiohttp


def free_port() -> int:
    """A port nobody listens on at 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Service:
    """`ict-bcp demo` or `ict-bcp run`, started and stopped as a person would."""

    data: Path
    arguments: tuple[str, ...]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def practice(cls, data: Path) -> Service:
        """The practice city."""
        return cls(data, ("demo", "--data", str(data)))

    @classmethod
    def over(cls, plan: Path, data: Path) -> Service:
        """The daemon over a plan."""
        return cls(data, ("run", str(plan), "--data", str(data)))

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, within: float = 60.0) -> float:
        """Start and wait until it is ready; gives the seconds that took."""
        begun = time.monotonic()
        self.launch()
        wait_for(self.is_ready, within, self.said)
        return time.monotonic() - begun

    def launch(self) -> None:
        """Start it and wait for nothing."""
        output = (self.data.parent / f"{self.data.name}.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bcp", *self.arguments, "--port", str(self.port)],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        output.close()

    def said(self) -> str:
        """What it printed so far."""
        return (self.data.parent / f"{self.data.name}.log").read_text(errors="replace")[-4000:]

    def is_ready(self) -> bool:
        """Whether `/-/ready` says so."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"it ended with {self.process.returncode}: {self.said()}")
        try:
            with urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def answers(self, path: str) -> int:
        """The status of a page; 0 while nobody listens. Raises when the process has ended."""
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"it ended with {self.process.returncode}: {self.said()}")
        try:
            with urlopen(f"{self.url}{path}", timeout=5) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code
        except OSError:
            return 0

    def kill(self) -> None:
        """SIGKILL to it and all its children."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM, and wait; gives the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self.process is None:
            return 0
        if number == signal.SIGKILL:
            os.killpg(self.process.pid, number)
        elif self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        self.process = None
        return code

    async def call(
        self, path: str, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """An operation through the control socket; POST when there is a body."""
        connector = aiohttp.UnixConnector(str(self.data / "control.sock"))
        async with aiohttp.ClientSession(connector=connector) as session:
            method = "GET" if body is None else "POST"
            async with session.request(method, f"http://daemon{path}", json=body) as answer:
                return answer.status, json.loads(await answer.read())

    async def metrics(self) -> str:
        """The exposition, through the control socket."""
        connector = aiohttp.UnixConnector(str(self.data / "control.sock"))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get("http://daemon/metrics") as answer,
        ):
            return await answer.text()


def wait_for(true: Callable[[], bool], within: float, why: Callable[[], str] = lambda: "") -> None:
    """Look every 50 ms until it is so."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {within} s. {why()}")


def get_json(url: str) -> Any:
    """A JSON document from a local server."""
    with urlopen(Request(url), timeout=10) as answer:
        return json.load(answer)
