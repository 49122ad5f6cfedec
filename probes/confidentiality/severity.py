"""How grave a finding is here: base severity, moved by classification and zone. Pure.

自治体機密性 3A and 3B and everything in マイナンバー利用事務系 raise by one; information that is public
anyway (機密性1, outside that zone) lowers by one. Hygiene stays hygiene: `info` never moves.
"""

from __future__ import annotations

from typing import Literal

from bcp.plan.types import Zone
from bcp.watch.values import Severity

Classification = Literal["3A", "3B", "3C", "2", "1"]
"""自治体機密性."""

_STEPS = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)


def weigh(
    base: Severity,
    classification: Classification | None = None,
    zone: Zone | None = None,
    *,
    ease: int = 0,
) -> Severity:
    """The severity in this place: at most one step up or down, less `ease` steps."""
    if base is Severity.INFO:
        return base
    move = 0
    if classification in ("3A", "3B") or zone is Zone.MYNUMBER:
        move = 1
    elif classification == "1":
        move = -1
    index = _STEPS.index(base) + move
    index = min(index, len(_STEPS) - 1) - max(0, ease)
    return _STEPS[max(0, index)]
