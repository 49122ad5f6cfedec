"""The alert rules: checked and tested with promtool, complete, telling what to do first."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.config.dashboard_expressions import ROOT
from tests.config.metrics import SERIES, named

FOLDER = ROOT / "config" / "prometheus"
RULE_FILES = sorted((FOLDER / "rules").glob("*.yml"))
TEST_FILES = sorted((FOLDER / "tests").glob("*.yml"))
RULES = [
    rule
    for path in RULE_FILES
    for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = [pytest.param(rule, id=rule["alert"]) for rule in RULES if "alert" in rule]
SEVERITIES = {"critical", "warning", "info", "none"}
PAGES = {"", "-", "systems", "checks", "backups", "audit", "disaster", "log", "runbooks"} | {
    "announcements"
}


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.live
def test_promtool_finds_no_fault_in_the_rules() -> None:
    run(tool("promtool"), "check", "rules", "--lint=all", "--lint-fatal", *map(str, RULE_FILES))


@pytest.mark.live
def test_every_alert_fires_when_it_should_and_stays_silent_when_it_should() -> None:
    run(tool("promtool"), "test", "rules", *map(str, TEST_FILES))


@pytest.mark.live
def test_prometheus_and_alertmanager_accept_their_sample_settings() -> None:
    run(tool("promtool"), "check", "config", "--syntax-only", "prometheus.yml")
    run(tool("amtool"), "check-config", "../alertmanager/alertmanager.yml")


def test_every_alert_has_a_test_for_firing_and_for_silence() -> None:
    tested = "".join(path.read_text("utf-8") for path in TEST_FILES)

    for name in (rule["alert"] for rule in RULES if "alert" in rule):
        assert f"name: {name} 鳴る\n" in tested
        assert f"name: {name} 鳴らない\n" in tested or name == "Watchdog"


@pytest.mark.parametrize("rule", ALERTS)
def test_an_alert_says_in_japanese_what_to_do_first_and_where(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]

    assert rule["labels"]["severity"] in SEVERITIES
    assert re.search("[぀-ヿ一-鿿]", notes["summary"])
    assert "まず" in notes["description"]
    assert notes["runbook_url"].split("/")[3] in PAGES
    assert "/d/ict-bcp-overview" in notes["dashboard_url"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_names_only_series_that_exist(rule: dict[str, Any]) -> None:
    assert named(rule["expr"]) <= SERIES, named(rule["expr"]) - SERIES


def test_recording_rules_are_named_level_metric_operation() -> None:
    for rule in RULES:
        if "record" in rule:
            assert re.fullmatch(r"[a-z_]+:ict_bcp_[a-z_]+:[a-z0-9_]+", rule["record"])


def test_a_drill_never_raises_an_urgent_alert() -> None:
    for rule in RULES:
        if re.search(r"ict_bcp_(disaster|recovery)_", rule["expr"]):
            drill = 'kind="real"' not in rule["expr"]
            assert not drill or rule["labels"]["severity"] == "info", rule["alert"]


def test_a_dead_prometheus_cannot_announce_a_recovery_of_something_critical() -> None:
    text = (ROOT / "config" / "alertmanager" / "alertmanager.yml").read_text("utf-8")
    settings = yaml.safe_load(text)
    receivers = {item["name"]: item["webhook_configs"] for item in settings["receivers"]}
    routes = {route["matchers"][0]: route["receiver"] for route in settings["route"]["routes"]}

    critical = receivers[routes['severity = "critical"']]
    heartbeat = receivers[routes['alertname = "Watchdog"']]
    assert not any(hook["send_resolved"] for hook in (*critical, *heartbeat))
    assert "解消、または監視の停止" in text
