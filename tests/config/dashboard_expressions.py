"""Every expression of the shipped dashboards, with Grafana's variables replaced.

The live test sends each of them to a real Prometheus and demands an answer; `needs` says what must
be going on for one to exist (`disaster`: a declared event; `rules`: the alert rules are loaded).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = ROOT / "config" / "grafana" / "dashboards"


@dataclass(frozen=True, slots=True)
class Expression:
    """One query of one panel."""

    dashboard: str
    panel: str
    ref: str
    expr: str
    """Ready for Prometheus's HTTP API."""
    needs: str | None


def dashboards() -> Iterator[tuple[str, dict[str, Any]]]:
    """File name and content of every dashboard."""
    for path in sorted(DASHBOARDS.glob("*.json")):
        yield path.name, json.loads(path.read_text(encoding="utf-8"))


def expressions(window: str = "15s") -> Iterator[Expression]:
    """All of them; `window` stands for `$__rate_interval` (at least four scrapes long)."""
    for name, board in dashboards():
        for panel in board["panels"]:
            for target in panel["targets"]:
                expr = replaced(target["expr"], window)
                needs = _needs(expr)
                yield Expression(name, panel["title"], target["refId"], expr, needs)


def replaced(expression: str, window: str = "15s") -> str:
    """Variables as Grafana would fill them for "all"."""
    return expression.replace("$__rate_interval", window).replace("$system", ".*")


def _needs(expression: str) -> str | None:
    if "ict_bcp_recovery_" in expression:
        return "disaster"
    return "rules" if "ALERTS{" in expression else None
