"""`/audit`: what is open, what was not looked at, what was looked at at all. Failures first.

Not checked is counted on the first line: an error while looking is never "no finding".
"""

from __future__ import annotations

from dataclasses import dataclass

from bcp.kit.units import whole
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.respond import Answer, Page, Pages
from bcp.service.pages.visit import Visit
from bcp.watch.values import Finding, FindingResult, Pillar, Severity
from bcp.watch.view import CheckView

_SEVERITY = tuple(Severity)
_PER_PAGE = 60


@dataclass(frozen=True, slots=True)
class Found:
    """A finding and the check that made it."""

    view: CheckView
    finding: Finding


def routes(pages: Pages) -> list[Route]:
    """The page."""
    return [pages.route("GET", "/audit", Permission.READ_FINDINGS, audit)]


async def audit(visit: Visit) -> Answer:
    """Everything confidentiality checks said."""
    views = [
        v for v in visit.house.board.walk(visit.now) if v.check.pillar is Pillar.CONFIDENTIALITY
    ]
    found = [Found(v, f) for v in views for f in v.findings]
    open_ = sorted(
        _of(found, FindingResult.FAIL), key=lambda f: _SEVERITY.index(f.finding.severity)
    )
    counts = {result: len(_of(found, result)) for result in FindingResult}
    silent = [v for v in views if not v.looked]
    start = whole(visit.query.get("from", "")) or 0
    values = {
        "open": open_[start : start + _PER_PAGE],
        "more": start + _PER_PAGE if len(open_) > start + _PER_PAGE else None,
        "by_severity": [
            (s.value, sum(f.finding.severity is s for f in open_))
            for s in _SEVERITY
            if any(f.finding.severity is s for f in open_)
        ],
        "counts": counts,
        "not_checked": _of(found, FindingResult.NOT_CHECKED)[:_PER_PAGE],
        "waived": _of(found, FindingResult.WAIVED)[:_PER_PAGE],
        "silent": silent,
        "looked": len(views) - len(silent),
        "total": len(views),
        "views": views,
    }
    return Page("audit.html", values)


def _of(found: list[Found], result: FindingResult) -> list[Found]:
    return [item for item in found if item.finding.result is result]
