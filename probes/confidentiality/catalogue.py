"""The catalogue of findings (`findings.yaml`), and how an audit sums up. Pure but for one read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bcp.kit.errors import BcpError
from bcp.kit.language import Text
from bcp.plan.types import Zone
from bcp.watch.values import FactValue, Finding, FindingResult, Outcome, Severity, Status
from probes.confidentiality.severity import Classification, weigh

_FILE = Path(__file__).with_name("findings.yaml")


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the catalogue. `title`, `why` and `remedy` are there once it is implemented."""

    id: str
    severity: Severity
    seen: tuple[str, ...]
    title: Text | None = None
    why: Text | None = None
    remedy: Text | None = None
    meaning: str | None = None

    @property
    def implemented(self) -> bool:
        """It has its texts, so a kind may report it."""
        return None not in (self.title, self.why, self.remedy)


def _text(pair: Sequence[str] | None) -> Text | None:
    return None if pair is None else Text(pair[0], pair[1])


@cache
def rules() -> dict[str, Rule]:
    """Every finding that has a name, by id."""
    data: Any = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return {
        item["id"]: Rule(
            item["id"],
            Severity(item["severity"]),
            tuple(item["seen"]),
            _text(item.get("title")),
            _text(item.get("why")),
            _text(item.get("remedy")),
            item.get("meaning"),
        )
        for item in data["findings"]
    }


@dataclass(frozen=True, slots=True)
class Judge:
    """Makes findings of one target: base severity weighed by classification and zone."""

    classification: Classification | None = None
    zone: Zone | None = None

    def finding(
        self,
        rule_id: str,
        subject: str,
        result: FindingResult,
        observed: str,
        expected: str,
        *,
        ease: int = 0,
    ) -> Finding:
        """One finding; `observed` is redacted by the caller. `ease`: steps that something else
        in the way takes off the severity."""
        rule = rules()[rule_id]
        if rule.title is None or rule.remedy is None:
            raise BcpError("a finding without texts was reported", where=rule_id)
        severity = weigh(rule.severity, self.classification, self.zone, ease=ease)
        return Finding(
            rule_id, subject, result, severity, rule.title, observed, expected, rule.remedy
        )


_GRAVE = (Severity.CRITICAL, Severity.HIGH)
_ORDER = tuple(Severity)


def summary(target: str, findings: Sequence[Finding], evidence: Sequence[str] = ()) -> Outcome:
    """FAILED: a critical or high one fails; DEGRADED: a medium one; UNKNOWN: none of these but
    something could not be looked at (an error is never a pass); else OK."""
    count = dict.fromkeys(FindingResult, 0)
    for finding in findings:
        count[finding.result] += 1
    fails = [f for f in findings if f.result is FindingResult.FAIL]
    blind = count[FindingResult.NOT_CHECKED]
    if any(f.severity in _GRAVE for f in fails):
        status = Status.FAILED
    elif any(f.severity is Severity.MEDIUM for f in fails):
        status = Status.DEGRADED
    elif blind or not findings:
        status = Status.UNKNOWN
    else:
        status = Status.OK
    fails.sort(key=lambda f: (_ORDER.index(f.severity), f.id, f.subject))
    ja = f"{target}: 指摘 {len(fails)}件、未確認 {blind}件"
    en = f"{target}: {len(fails)} findings, {blind} not checked"
    if fails:
        ja += f"。最も重い: {fails[0].title.ja} ({fails[0].subject})"
        en += f"; gravest: {fails[0].title.en} ({fails[0].subject})"
    facts: dict[str, FactValue] = {
        "fail": len(fails),
        "pass": count[FindingResult.PASS],
        "not_checked": blind,
    }
    rank = {FindingResult.FAIL: 0, FindingResult.NOT_CHECKED: 1}
    ordered = sorted(
        findings,
        key=lambda f: (rank.get(f.result, 2), _ORDER.index(f.severity), f.id, f.subject),
    )
    return Outcome(status, Text(ja, en), facts, tuple(ordered), tuple(evidence))


rules()  # read at the start, loudly when broken, and never on the event loop
