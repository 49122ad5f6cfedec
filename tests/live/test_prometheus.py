"""A real Prometheus scrapes the practice city: every expression answers, every rule is healthy."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.config.dashboard_expressions import Expression, expressions
from tests.service_process import Service, free_port, get_json, wait_for

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="no prometheus here"),
]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The practice city with a drill declared, so that recovery series exist."""
    service = Service.practice(tmp_path_factory.mktemp("city") / "data")
    service.start()
    try:
        status, answer = asyncio.run(
            service.call(
                "/api/v1/disaster/declare", {"drill": "live", "level": 3, "reason": "試験"}
            )
        )
        assert status == 200, answer
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="module")
def prometheus(city: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Scraping every second, through the door a scraper uses (a bearer token)."""
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    rules = Path(__file__).resolve().parents[2] / "config" / "prometheus" / "rules"
    token = city.data / "practice" / "secrets" / "metrics-token"
    config = folder / "prometheus.yml"
    config.write_text(
        f"""global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}/*.yml"]
scrape_configs:
  - job_name: ict-bcp
    authorization: {{type: Bearer, credentials_file: {token}}}
    static_configs: [{{targets: ["127.0.0.1:{city.port}"]}}]
  - job_name: prometheus
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: bool(ask(url, 'up{job="ict-bcp"} == 1')), 30)
        # level 4 of the backups is proven within 60 s; then every series of the dashboards exists
        wait_for(lambda: bool(ask(url, 'ict_bcp_backup_good_timestamp_seconds{evidence="4"}')), 90)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def ask(url: str, expression: str) -> list[Any]:
    try:
        answer = get_json(f"{url}/api/v1/query?query={quote(expression)}")
    except OSError:
        return []
    return list(answer["data"]["result"])


def test_every_expression_of_every_dashboard_answers(prometheus: str) -> None:
    silent = {one for one in expressions("15s") if _silent(prometheus, one)}

    def all_speak() -> bool:
        """A rate needs four scrapes, a restore test its time: what is silent is asked again."""
        silent.intersection_update({one for one in silent if _silent(prometheus, one)})
        return not silent

    wait_for(
        all_speak,
        60,
        lambda: "\n".join(f"{one.panel} {one.ref}: {one.expr}" for one in silent),
    )


def _silent(prometheus: str, one: Expression) -> bool:
    numbers = [row["value"][1] for row in ask(prometheus, one.expr)]
    return not numbers or all(number == "NaN" for number in numbers)


def test_every_alert_rule_is_healthy(prometheus: str) -> None:
    def evaluated() -> bool:
        groups = get_json(f"{prometheus}/api/v1/rules")["data"]["groups"]
        return all(rule["lastEvaluation"][:4] != "0001" for g in groups for rule in g["rules"])

    wait_for(evaluated, 20)
    groups = get_json(f"{prometheus}/api/v1/rules")["data"]["groups"]
    sick = [
        (rule["name"], rule.get("lastError"))
        for group in groups
        for rule in group["rules"]
        if rule["health"] != "ok"
    ]

    assert groups
    assert not sick


def test_the_exposition_passes_promtool(city: Service) -> None:
    body = asyncio.run(city.metrics())

    done = subprocess.run(
        ["promtool", "check", "metrics"], input=body.encode(), capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
