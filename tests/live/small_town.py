"""One service that can go away, one receiver of notifications, one plan over both: all real."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.service_process import Service, wait_for

PLAN = """
organization: {{name: 試験市}}
node: {{id: town, zone: インターネット接続系}}
systems:
  - {{id: juki, name: 住民記録, zone: インターネット接続系}}
checks:
  - {{id: juki/port, kind: tcp, system: juki, host: 127.0.0.1, port: {port}, every: 500ms,
     timeout: 400ms, confirm: {{failures: 2, retry: 200ms}}}}
  - {{id: juki/seen, kind: observed, system: juki, function: 照会, counter: 窓口, valid_for: 1h,
     every: 1s, timeout: 1s}}
notify:
  - {{id: hook, kind: webhook, url: "http://127.0.0.1:{hook}/", min_severity: info}}
"""


class Target:
    """A TCP service on a port of its own that can be stopped and started again."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self.port = 0
        self.up()

    def up(self) -> None:
        """Listen (the kernel answers; nobody needs to accept)."""
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", self.port))
        made.listen(1024)
        self.port = made.getsockname()[1]
        self._socket = made

    def down(self) -> None:
        """Refuse."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Receiver:
    """Takes notifications and remembers them."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                messages.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def told(self, state: str, since: int = 0) -> list[dict[str, Any]]:
        """Messages of this state after the first `since` ones."""
        return [message for message in self.messages[since:] if message["state"] == state]


class Town:
    """The whole."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.target, self.receiver = Target(), Receiver()
        self.plan = folder / "plan"
        self.plan.mkdir()
        self.write_plan()
        self.service = Service.over(self.plan, data)

    def write_plan(self, more: str = "") -> None:
        text = PLAN.format(port=self.target.port, hook=self.receiver.port)
        (self.plan / "plan.yaml").write_text(text + more)

    def start(self) -> None:
        """Start; ready or not, it must answer."""
        self.service.launch()
        wait_for(self.alive, 60, self.service.said)

    def alive(self) -> bool:
        return self.service.answers("/-/healthy") == 200

    def ready(self) -> int:
        return self.service.answers("/-/ready")

    def call(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        return asyncio.run(self.service.call(path, body))

    def metric(self, name: str) -> float | None:
        for line in asyncio.run(self.service.metrics()).splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return None

    def state(self, check: str = "juki/port") -> str:
        status, answer = self.call("/api/v1/status")
        assert status == 200, answer
        return next(str(row["status"]) for row in answer["checks"] if row["check"] == check)

    def entries(self, kind: str | None = None) -> list[dict[str, Any]]:
        query = f"?last=1000&kind={kind}" if kind else "?last=1000"
        status, answer = self.call(f"/api/v1/log/show{query}")
        assert status == 200, answer
        return list(answer["entries"])

    def close(self) -> None:
        self.service.stop()
        self.target.down()
        self.receiver.close()


def get(url: str) -> tuple[int, str]:
    """Status and text."""
    try:
        with urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def disk(place: Path, size: str) -> Iterator[Path]:
    """A small file system of its own; skips where none can be mounted."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def remount(place: Path, mode: str) -> None:
    """`ro` or `rw`."""
    subprocess.run(["mount", "-o", f"remount,{mode}", str(place)], check=True)


def fill(place: Path) -> Path:
    """A file that takes all the space that is left."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return filler
