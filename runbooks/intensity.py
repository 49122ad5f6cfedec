"""震度: the JMA seismic intensity somebody read from a meter, radio or television (R-62). Pure.

A feed is optional and may be cut; what a person reports is equal in rank. A number without an
observation is never assumed: no report is no evidence of calm.
"""

from __future__ import annotations

SCALE = ("1", "2", "3", "4", "5-", "5+", "6-", "6+", "7")
"""As in the telegrams of the Japan Meteorological Agency (VXSE53: MaxInt)."""


def name(intensity: str) -> str:
    """6弱 for `6-`."""
    return intensity.replace("-", "弱").replace("+", "強")


def reaches(intensity: str, limit: str | None) -> bool:
    """Whether it meets the criterion of the plan; without a criterion everything does."""
    return limit is None or SCALE.index(intensity) >= SCALE.index(limit)


def stronger(one: str, other: str) -> str:
    """The higher of two; an empty one says nothing."""
    return max(one, other, key=lambda value: SCALE.index(value) if value else -1)


def level_of(intensity: str, limit: str | None, levels: tuple[int, ...]) -> int:
    """The level a report proposes: the highest, or the lowest where the criterion is not met."""
    return levels[-1] if not intensity or reaches(intensity, limit) else levels[0]
