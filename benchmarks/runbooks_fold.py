"""A large event: 200 systems, 2,000 steps, 50,000 entries. Fold, decide, and what a page is drawn from."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

from bcp.journal.canonical import Json
from bcp.journal.entry import Actor, Entry, NewEntry
from bcp.kit.clock import ClockReading
from bcp.plan.loader import parse_files
from bcp.plan.model import City, Node, Organization, System, Target
from bcp.plan.types import Zone
from benchmarks.frame import Row
from runbooks import commands as c
from runbooks.book import Book, load
from runbooks.context import Context
from runbooks.desk import situation
from runbooks.frozen import Frozen
from runbooks.incident import decide, fold
from runbooks.incidents import Incidents
from runbooks.report import build

SYSTEMS, STEPS, ENTRIES = 200, 10, 50_000
ONSET = datetime(2026, 11, 23, 1, 2, tzinfo=UTC)
PAGE_LIMIT_MS = 100.0
LOOP_LIMIT_US = 10_000.0


def measure() -> list[Row]:
    """Fold against a bare JSON parse of the same entries; the rest against the promised limits."""
    city, book = _city(), _book()
    entries, context = _entries(city, book)
    lines = [entry.data() for entry in entries]
    parse = _best(lambda: [json.loads(line) for line in lines])
    replay = _best(lambda: _fold(entries))
    state = _fold(entries)
    incident = state.active
    assert incident is not None
    now = ONSET + timedelta(days=2)
    tick = c.SkipStep(incident=incident.id, step="S199-09", reason="不要")
    one = _best(lambda: _refused_or_not(state, tick, now, context), rounds=20)
    page = _best(lambda: situation(incident, Frozen(city, book), {}, now))
    count = len(entries)
    report = _best(lambda: build(entries, {}, Frozen(city, book)), rounds=2)
    made = build(entries, {}, Frozen(city, book))
    told = _best(lambda: made.markdown, rounds=2)
    return [
        Row("fold of an event, per entry", replay / count * 1e6, parse / count * 1e6, "µs", "json"),
        Row("fold of 50,000 entries", replay * 1e3, 1000.0, "ms", "limit"),
        Row("decide one tick (2,000 steps)", one * 1e6, LOOP_LIMIT_US, "µs", "limit"),
        Row("situation of 2,000 steps", page * 1e3, PAGE_LIMIT_MS, "ms", "limit"),
        Row("report of 50,000 entries, folded", report * 1e3, replay * 1e3, "ms", "fold"),
        Row("report of 50,000 entries, as text", told * 1e3, replay * 1e3, "ms", "fold"),
    ]


def _best(work: object, rounds: int = 3) -> float:
    """Shortest of some rounds, in seconds."""
    times = []
    for _round in range(rounds):
        start = time.perf_counter()
        work()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return min(times)


def _refused_or_not(state: Incidents, tick: c.SkipStep, now: datetime, context: Context) -> None:
    assert decide(state, tick, now, context) is not None


def _fold(entries: list[Entry]) -> Incidents:
    state = Incidents()
    for entry in entries:
        state = fold(state, entry)
    return state


def _city() -> City:
    levels = (Target(level="L2", name="参照", rto_disaster=timedelta(hours=24), proven_by=("x",)),)
    systems = tuple(
        System(id=f"s{i:03}", name=f"システム{i}", zone=Zone.LGWAN, targets=levels)
        for i in range(SYSTEMS)
    )
    return City(
        organization=Organization(name="見本市"), systems=systems, node=Node(zone=Zone.INTERNET)
    )


def _book() -> Book:
    text = "apiVersion: ict-bcp/v1\nkind: Runbook\nid: r{0}\ntitle: 復旧\nsystem: s{0}\n"
    text += 'purpose: recover\nversion: "1"\nowner_role: infra\nsteps:\n'
    step = "  - {{id: S{0}-{1:02}, title: 確かめる, type: action, duration: {{p50: 10m}}}}\n"
    files = {}
    for i in range(SYSTEMS):
        name = f"{i:03}"
        body = text.format(name) + "".join(step.format(name, n) for n in range(STEPS))
        files[f"{name}.yaml"] = body.encode()
    book, faults = load(parse_files(files).runbooks)
    assert not faults
    return book


def _entries(city: City, book: Book) -> tuple[list[Entry], Context]:
    """A declaration, then rounds of start, done, undo over all steps but the last of each system."""
    context = Context(Actor("u-1", "commander"), "real", city, book)
    declare = c.Declare(level=3, onset=ONSET, reason="停電", role=None, capacity="on_site")
    (first,) = decide(Incidents(), declare, ONSET, context)
    entries = [_recorded(first, 0)]
    incident = entries[0].incident
    kinds = ("incident.step_started", "incident.step_done", "incident.step_reopened")
    while True:
        for kind in kinds:
            for runbook in book:
                for step in runbook.steps[:-1]:
                    if len(entries) == ENTRIES:
                        return entries, context
                    detail: dict[str, Json] = {"runbook": runbook.id, "attempt": 1}
                    new = NewEntry(kind, step.id, detail, incident, ONSET)
                    entries.append(_recorded(new, len(entries)))


def _recorded(new: NewEntry, seq: int) -> Entry:
    return Entry(
        schema=1,
        node="n",
        epoch=1,
        seq=seq,
        op=f"op-{seq}",
        incident=new.incident,
        kind=new.kind,
        occurred_at=new.occurred_at,
        recorded_at=ONSET + timedelta(seconds=seq),
        clock=ClockReading(0, True, "boot", seq, suspect=False),
        actor=Actor("u-1", "staff"),
        subject=new.subject,
        detail=new.detail,
        commitments={},
    )
