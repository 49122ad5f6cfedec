"""The dashboards: generated, complete, and naming only series that exist."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.config.dashboard_expressions import ROOT, dashboards, expressions
from tests.config.metrics import SERIES, named

BOARDS = dict(dashboards())
PANELS = [
    pytest.param(panel, id=f"{name}-{panel['id']}")
    for name, board in BOARDS.items()
    for panel in board["panels"]
]
JAPANESE = re.compile(r"[぀-ヿ一-鿿]")
KNOWN_VARIABLES = {"datasource", "system", "__rate_interval"}


def test_the_files_are_what_the_generator_writes() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "make_dashboards.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)

    assert done.returncode == 0, f"run scripts/make_dashboards.py: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_is_named_fixed_and_read_only(name: str) -> None:
    board = BOARDS[name]
    variables = {variable["name"] for variable in board["templating"]["list"]}
    ids = [panel["id"] for panel in board["panels"]]

    assert board["uid"] + ".json" == name
    assert "id" not in board
    assert JAPANESE.search(board["title"] + board["description"])
    assert board["editable"] is False
    assert variables <= KNOWN_VARIABLES
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", BOARDS)
def test_no_panel_covers_another(name: str) -> None:
    cells = [panel["gridPos"] for panel in BOARDS[name]["panels"]]

    assert all(cell["x"] + cell["w"] <= 24 for cell in cells)
    for one, other in itertools.combinations(cells, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_is_plain_and_says_in_japanese_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["type"] in {"stat", "timeseries", "table", "text"}
    assert JAPANESE.search(panel["title"])
    assert JAPANESE.search(panel["description"])
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "${datasource}"
    assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
    assert {step["id"] for step in panel.get("transformations", ())} <= {"organize"}


@pytest.mark.parametrize("panel", PANELS)
def test_a_state_is_a_word_and_a_colour(panel: dict[str, Any]) -> None:
    for mapping in panel["fieldConfig"]["defaults"]["mappings"]:
        for shown in mapping["options"].values():
            assert JAPANESE.search(shown["text"])
            assert shown["color"]


@pytest.mark.parametrize("panel", PANELS)
def test_an_expression_uses_known_series_variables_and_no_fixed_window(
    panel: dict[str, Any],
) -> None:
    for target in panel["targets"]:
        expr = target["expr"]
        assert named(expr) <= SERIES, named(expr) - SERIES
        assert set(re.findall(r"\$\{?(\w+)", expr)) <= KNOWN_VARIABLES
        assert not re.search(r"\[\d+[smhd]\]", expr), "use $__rate_interval"


def test_the_helper_leaves_no_variable_behind() -> None:
    found = list(expressions())

    assert len(found) >= 20
    assert not [item for item in found if "$" in item.expr]
    assert {item.needs for item in found} == {None, "disaster", "rules"}


def test_provisioning_fits_the_dashboards_and_the_scrape() -> None:
    folder = ROOT / "config" / "grafana" / "provisioning"
    source = yaml.safe_load((folder / "datasources" / "ict-bcp.yml").read_text("utf-8"))
    boards = yaml.safe_load((folder / "dashboards" / "ict-bcp.yml").read_text("utf-8"))
    prometheus = ROOT / "config" / "prometheus" / "prometheus.yml"
    scrape = yaml.safe_load(prometheus.read_text("utf-8"))["global"]["scrape_interval"]

    assert source["datasources"][0]["type"] == "prometheus"
    assert source["datasources"][0]["jsonData"]["timeInterval"] == scrape
    assert boards["providers"][0]["allowUiUpdates"] is False
    assert boards["providers"][0]["disableDeletion"] is True


@pytest.mark.live
def test_prometheus_can_parse_every_expression(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    rules = [
        {"record": f"dashboard:ict_bcp_expression:{number}", "expr": item.expr}
        for number, item in enumerate(expressions())
    ]
    file = tmp_path / "expressions.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}), "utf-8")

    done = subprocess.run(
        [promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
