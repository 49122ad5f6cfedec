"""The report for programs: every row of every topic, instants in UTC, durations in seconds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from runbooks.report.verdict import verdict
from runbooks.report.whole import FORMAT, Report

_OF_EVENT = (
    "id",
    "stage",
    "kind",
    "drill",
    "nature",
    "level",
    "onset",
    "declared_at",
    "declared_by",
    "capacity",
    "rank",
    "tried",
    "ratification",
    "ratified_at",
    "phase",
    "phase_since",
    "links",
    "suggestion",
    "onsets",
    "marks",
    "ended",
    "waivers",
    "plan",
    "frozen",
    "seq",
    "version",
    "preempted_at",
    "changes",
    "automations",
    "settled",
    "stops",
    "situations",
    "notes",
)


def report_facts(report: Report) -> dict[str, Any]:
    """One JSON document; the same bytes from the same entries once sorted."""
    event = {name: plain(getattr(report.incident, name)) for name in _OF_EVENT}
    rest = {
        field.name: plain(getattr(report, field.name))
        for field in fields(report)
        if field.name != "incident"
    }
    return {
        "format": FORMAT,
        "drill_mark": None if report.incident.real else "【訓練】",
        "verdict_lines": list(verdict(report)),
        "event": event,
        **rest,
        "not_executed": list(report.not_executed),
    }


def plain(value: Any) -> Any:
    """Values as JSON: dataclasses by field and by what they derive."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return round(value.total_seconds())
    if is_dataclass(value) and not isinstance(value, type):
        named = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        return named | {name: plain(getattr(value, name)) for name in _derived(type(value))}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        return [
            plain(one) for one in (sorted(value) if isinstance(value, set | frozenset) else value)
        ]
    return value


_SAID = frozenset({"over", "left_out", "revised", "rpo_met", "delay", "late"})


def _derived(kind: type) -> list[str]:
    found = (name for name, one in vars(kind).items() if isinstance(one, property))
    return sorted(name for name in found if name in _SAID)
