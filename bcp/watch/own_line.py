"""自分の回線: when no point of reference answers, it is this node that is cut off, not everything else.

`node.references` names checks of places outside this node that stand for its own way out (the gateway, a
name server, a provider). While the last look at every one of them failed, a failure of anything reached
over the network says nothing: it is *unknown*, never failed. One message tells it; what is still down
when the line is back tells itself. What answers all the same is believed: an answer is an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bcp.journal.entry import NewEntry
from bcp.kit.language import text
from bcp.kit.units import from_us, to_us
from bcp.plan.model import City
from bcp.watch.announcing import Announcement
from bcp.watch.check import Check
from bcp.watch.sites import News
from bcp.watch.values import Observation, Pillar, Severity, Status
from bcp.watch.view import CheckView, Suspicion

GRACE = timedelta(minutes=2)
"""So long after the line is back what is still unknown calls nobody: it is being looked at again."""
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def cut_off(references: Collection[str], views: Iterable[CheckView]) -> datetime | None:
    """Since when none of the references answers; None while one does, or one was not looked at."""
    since: list[datetime] = []
    for view in views:
        if view.last is None or view.stale or view.blocked:
            return None
        if view.last.outcome.status is not Status.FAILED:
            return None
        since.append(view.last.started)
    return max(since) if 1 < len(since) == len(references) else None


def over_the_line(check: Check) -> bool:
    """Whether it is judged by what comes over this node's own line."""
    host = check.endpoint_host
    return check.pillar is Pillar.AVAILABILITY and bool(host) and host not in _HERE


class OwnLine:
    """Owner of whether this node is cut off."""

    def __init__(self) -> None:
        self.since: datetime | None = None
        self._until: datetime | None = None
        self._back: datetime | None = None
        """When a reference answered again: what was seen before says nothing yet."""
        self._references: frozenset[str] = frozenset()
        self._news: list[News] = []

    def refresh(self, city: City, views: Iterable[CheckView], now: datetime) -> None:
        """Judge the references anew."""
        self._references = frozenset(city.node.references)
        looks = list(views)
        since = cut_off(self._references, looks)
        if (since is None) is not (self.since is None):
            self._news.append(_news(city, now, over=since is None))
        if since is None and self.since is not None:
            self._back = min(
                (
                    view.last.started
                    for view in looks
                    if view.last is not None and view.last.outcome.status is not Status.FAILED
                ),
                default=now,
            )
        if since is not None:
            self._until = now + GRACE
        elif self._until is not None and not timedelta() < self._until - now <= GRACE:
            self._until = None  # over, or a clock that was set
        self.since = (self.since or since) if since is not None else None

    @property
    def suspicion(self) -> Suspicion | None:
        """What pages and messages say of it."""
        if self.since is None:
            return None
        count = len(self._references)
        return Suspicion(count, count, self.since, text("watch.cut_off", count=count))

    @property
    def silent(self) -> bool:
        """Whether anybody is silenced by it now."""
        return self._until is not None

    def silences(self, view: CheckView) -> bool:
        """Whether nobody is called about it for now: a reference is told by the line.

        What fell with the line, in the look before the cut was seen, waits for a look after it.
        """
        if self._until is None or view.last is None:
            return False
        if view.id not in self._references and not over_the_line(view.check):
            return False
        if self.since is not None or view.status is Status.UNKNOWN:
            return True
        if self._back is None or view.status is not Status.FAILED:
            return False
        return view.last.outcome.status is not Status.FAILED or view.last.started < self._back

    def memo(self) -> dict[str, Any]:
        """What a restart must not forget: that it was told, and what waits to be seen again."""
        times = {"since": self.since, "until": self._until, "back": self._back}
        found: dict[str, Any] = {k: None if at is None else to_us(at) for k, at in times.items()}
        return {**found, "references": sorted(self._references)}

    def restore(self, memo: Mapping[str, Any]) -> None:
        """The inverse of `memo`. Raises TypeError, ValueError, KeyError for what is none."""
        since, until, back = (
            None if memo[name] is None else from_us(int(memo[name]))
            for name in ("since", "until", "back")
        )
        self._references = frozenset(map(str, memo["references"]))
        self.since, self._until, self._back = since, until, back

    def judged(self, observation: Observation, check: Check) -> Observation:
        """The observation, or *unknown* where nothing having been reached says nothing."""
        outcome = observation.outcome
        silent = Status.OK if check.good_when_unreached else Status.FAILED
        if self.since is None or outcome.status is not silent:
            return observation
        if check.id in self._references or not over_the_line(check):
            return observation
        found = outcome.sentence
        sentence = text("watch.behind_the_cut", found=found)
        evidence = (*outcome.evidence, found.ja)
        told = replace(outcome, status=Status.UNKNOWN, sentence=sentence, evidence=evidence)
        return replace(observation, outcome=told)

    def take(self) -> list[News]:
        """What is to be told now, once."""
        news, self._news = self._news, []
        return news


def _news(city: City, now: datetime, *, over: bool) -> News:
    count = len(city.node.references)
    title = text("watch.cut_off_over") if over else text("watch.cut_off", count=count)
    entry = NewEntry("node.line", city.node.id, {"new": "back" if over else "cut"}, None, now)
    message = Announcement(
        kind="daemon",
        severity=Severity.LOW if over else Severity.CRITICAL,
        title=title,
        at=now,
        resolved=over,
    )
    return News(entry, f"line-{to_us(now)}", message)
