"""An observation as JSON and back, for the history and the API. Pure; the round trip is exact."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bcp.kit.language import Text
from bcp.kit.units import from_us, to_us
from bcp.watch.confirm import Counter, Look
from bcp.watch.values import Finding, FindingResult, Observation, Outcome, Severity, Status
from bcp.watch.view import Saved

_ROW, _COUNTER = "works_since_us", "counter"
_COUNTED = ("window", "better", "unseen")


def encode(observation: Observation) -> str:
    """One line of JSON."""
    return json.dumps(as_dict(observation), ensure_ascii=False, separators=(",", ":"))


def decode(line: str) -> Observation:
    """The inverse. Raises ValueError for anything `encode` did not write."""
    try:
        return _observation(json.loads(line))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not an observation") from error


def encode_saved(state: Saved) -> str:
    """The last answer of a check, the good row it stands in and what is not confirmed yet."""
    kept = as_dict(state.last)
    if state.works_since is not None:
        kept[_ROW] = to_us(state.works_since)
    counted = {
        name: [[look.status.value, to_us(look.started)] for look in getattr(state.counter, name)]
        for name in (_COUNTED if state.counter is not None else ())
        if getattr(state.counter, name)
    }
    if counted:
        kept[_COUNTER] = counted
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def decode_saved(check: str, status: Status, since: datetime, sentence: Text, line: str) -> Saved:
    """The inverse; an older program wrote less. Raises ValueError."""
    last, kept = decode(line), json.loads(line)
    row = from_us(kept[_ROW]) if isinstance(kept.get(_ROW), int) else None
    try:
        counted = {
            name: tuple(Look(Status(word), from_us(at)) for word, at in kept[_COUNTER][name])
            for name in _COUNTED
            if name in kept.get(_COUNTER, {})
        }
    except (KeyError, TypeError) as error:
        raise ValueError("not a state that was kept") from error
    counter = Counter(status, since, last.outcome.status, **counted) if counted else None
    return Saved(check, status, since, sentence, last, row, counter)


def as_dict(observation: Observation) -> dict[str, Any]:
    """Plain data: times as integer microseconds UTC, durations in seconds."""
    outcome = observation.outcome
    return {
        "check": observation.check,
        "vantage": observation.vantage,
        "started_us": to_us(observation.started),
        "duration": observation.duration,
        "lateness": observation.lateness,
        "status": outcome.status.value,
        "sentence": _pair(outcome.sentence),
        "facts": dict(outcome.facts),
        "findings": [_finding_dict(finding) for finding in outcome.findings],
        "evidence": list(outcome.evidence),
    }


def _pair(text: Text) -> list[str]:
    return [text.ja, text.en]


def _text(pair: list[str]) -> Text:
    ja, en = pair
    return Text(ja, en)


def _finding_dict(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "subject": finding.subject,
        "result": finding.result.value,
        "severity": finding.severity.value,
        "title": _pair(finding.title),
        "observed": finding.observed,
        "expected": finding.expected,
        "remedy": _pair(finding.remedy),
    }


def _observation(raw: Mapping[str, Any]) -> Observation:
    return Observation(
        raw["check"],
        raw["vantage"],
        from_us(raw["started_us"]),
        raw["duration"],
        Outcome(
            Status(raw["status"]),
            _text(raw["sentence"]),
            raw["facts"],
            tuple(_finding(finding) for finding in raw["findings"]),
            tuple(raw["evidence"]),
        ),
        raw["lateness"],
    )


def _finding(raw: Mapping[str, Any]) -> Finding:
    return Finding(
        raw["id"],
        raw["subject"],
        FindingResult(raw["result"]),
        Severity(raw["severity"]),
        _text(raw["title"]),
        raw["observed"],
        raw["expected"],
        _text(raw["remedy"]),
    )
