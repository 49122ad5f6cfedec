"""The shipped rules and routes, whole: Prometheus → Alertmanager → the receiver of another site."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.service_process import free_port, wait_for

CONFIG = Path(__file__).resolve().parents[2] / "config"

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("prometheus-alertmanager") is None, reason="none here"),
]


class Receiver:
    """Keeps what was posted, by path."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        keep = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                keep.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def alerts(self, path: str) -> set[str]:
        """Names of the alerts that came to a path."""
        return {
            alert["labels"]["alertname"]
            for where, body in self.got
            if where == path
            for alert in body["alerts"]
        }


@contextmanager
def running(*command: str, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """Both servers over the shipped files; only addresses and waits are replaced."""
    made, alertmanager, prometheus = Receiver(), free_port(), free_port()
    routes = (CONFIG / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")
    for name in ("toban", "shokuin", "mihari"):
        routes = routes.replace(f"{name}.example.invalid", f"127.0.0.1:{made.port}")
    for slow in ("group_wait: 30s", "group_wait: 10s"):
        routes = routes.replace(slow, "group_wait: 1s")
    (tmp_path / "alertmanager.yml").write_text(routes, encoding="utf-8")
    (tmp_path / "prometheus.yml").write_text(
        f"""global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{CONFIG}/prometheus/rules/*.yml"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]}}]}}
scrape_configs:
  - job_name: ict-bcp
    static_configs: [{{targets: ["127.0.0.1:{free_port()}"]}}]
"""
    )
    with ExitStack() as servers:
        servers.enter_context(
            running(
                "prometheus-alertmanager",
                f"--config.file={tmp_path}/alertmanager.yml",
                f"--storage.path={tmp_path}/am",
                f"--web.listen-address=127.0.0.1:{alertmanager}",
                "--cluster.listen-address=",
                log=tmp_path / "am.log",
            )
        )
        servers.enter_context(
            running(
                "prometheus",
                f"--config.file={tmp_path}/prometheus.yml",
                f"--storage.tsdb.path={tmp_path}/data",
                f"--web.listen-address=127.0.0.1:{prometheus}",
                "--rules.alert.resend-delay=1s",
                log=tmp_path / "prometheus.log",
            )
        )
        yield made
        made.server.shutdown()
        made.server.server_close()


def test_the_heartbeat_reaches_the_watcher_at_another_site_even_while_we_are_down(
    receiver: Receiver,
) -> None:
    wait_for(lambda: "Watchdog" in receiver.alerts("/heartbeat"), 60, lambda: str(receiver.got))

    assert "Watchdog" not in receiver.alerts("/alert")
