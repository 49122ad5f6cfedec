"""Whether a book is kept: W102 reviewed and drilled, W107 printed, W109 durations observed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from bcp.plan.marks import Fault, Path_
from runbooks.form import Runbook
from runbooks.lint.ground import Ground

PERIOD = timedelta(days=365)
"""A review without a `next`, and a drill, count for a year (R: 年1回以上の訓練と見直し)."""
BUMPS = 3


def w102(ground: Ground) -> list[Fault]:
    """Review overdue or never, only its date moved on, not drilled within the period."""
    today = ground.facts.today
    return [fault for runbook in ground.book for fault in _kept(ground, runbook, today)]


def _kept(ground: Ground, runbook: Runbook, today: date | None) -> Iterator[Fault]:
    path: Path_ = ("reviewed",)
    if runbook.reviewed is None:
        yield ground.at("W102", runbook, ("id",), "never_reviewed")
    elif today is not None:
        due = runbook.reviewed.next or runbook.reviewed.date + PERIOD
        if due < today:
            yield ground.at("W102", runbook, path, "review_due", due=due.isoformat())
    history = (ground.facts.reviews or {}).get(runbook.id, ())
    days = dict(history)  # the last content of each day of review
    last = [days[day] for day in sorted(days)][-BUMPS:]
    if len(last) == BUMPS and len(set(last)) == 1:
        yield ground.at("W102", runbook, path, "bumped", count=BUMPS)
    if ground.facts.drilled is None or today is None:
        return
    drilled = ground.facts.drilled.get(runbook.id)
    if drilled is None:
        yield ground.at("W102", runbook, ("id",), "never_drilled")
    elif drilled + PERIOD < today:
        yield ground.at("W102", runbook, ("id",), "drill_due", day=drilled.isoformat())


def w107(ground: Ground) -> list[Fault]:
    """What lies on paper (or on the carry-out file) is not this edition."""
    printed = ground.facts.printed
    if printed is None:
        return []
    return [
        ground.at(
            "W107", runbook, ("version",), "old_paper" if runbook.id in printed else "no_paper"
        )
        for runbook in ground.book
        if printed.get(runbook.id) != ground.book.digests[runbook.id]
    ]


def w109(ground: Ground) -> list[Fault]:
    """Durations that are somebody's guess; told once per runbook."""
    observed = ground.facts.observed
    if observed is None:
        return []
    faults = []
    for runbook in ground.book:
        guessed = [
            step.id
            for step in runbook.steps
            if step.duration is not None and not observed.get(step.id)
        ]
        if guessed:
            said = {"count": len(guessed), "steps": _few(guessed)}
            faults.append(ground.at("W109", runbook, ("steps",), "guessed", **said))
    return faults


def _few(ids: list[str]) -> str:
    return ", ".join(ids[:4]) + (" …" if len(ids) > 4 else "")
