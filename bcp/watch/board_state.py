"""What the board remembers of one check. Mutable, private to the board."""

from __future__ import annotations

from datetime import datetime, timedelta

from bcp.kit.language import Text, text
from bcp.kit.units import duration_ja, format_duration
from bcp.watch.check import Check
from bcp.watch.confirm import Counter
from bcp.watch.values import Finding, Mute, Observation, Status
from bcp.watch.view import stale_after

COSMETIC = ("name", "every", "timeout", "confirm", "permission", "system", "site")
"""Fields whose change leaves the verdict standing: the same thing is looked at."""


class State:
    """The board's own memory of one check; nobody else holds one."""

    __slots__ = (
        "blind",
        "blocked",
        "check",
        "counter",
        "credited",
        "findings",
        "heard",
        "last",
        "limit",
        "missed",
        "muted",
        "runs",
        "sentence",
        "works_since",
    )

    def __init__(self, check: Check) -> None:
        self.runs = dict.fromkeys(Status, 0)
        self.missed, self.blind = 0, 0.0
        self.muted: dict[Mute, Text] = {}
        self.blocked: Text | None = None
        self.look_at(check)

    def look_at(self, check: Check) -> None:
        """Forget what was known; counters and mutes stay."""
        self.check, self.limit = check, stale_after(check).total_seconds()
        self.counter = Counter()
        self.last: Observation | None = None
        self.findings: tuple[Finding, ...] = ()
        self.sentence = text("watch.never")
        self.heard = 0.0
        """Monotonic time of the last answer."""
        self.works_since: datetime | None = None
        self.credited: datetime | None = None


def same_target(old: Check, new: Check) -> bool:
    """Whether a verdict about `old` also speaks for `new`."""
    if type(old) is not type(new):
        return False
    return old.model_copy(update={name: getattr(new, name) for name in COSMETIC}) == new


def stale_sentence(age: float, last: Status) -> Text:
    """`3分前から結果がありません(最後: 正常)`."""
    minutes = timedelta(seconds=int(age) if age < 60 else int(age) // 60 * 60)
    state = text(f"watch.state_{last}")
    return text(
        "watch.stale",
        age=duration_ja(minutes),
        age_en=format_duration(minutes),
        last=state.ja,
        last_en=state.en,
    )
