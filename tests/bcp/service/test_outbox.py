"""Outboxes: replayed twice, in any order, the state is the same; what does not fit stays with a person."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bcp.journal.entry import Actor
from bcp.journal.journal import Journal
from bcp.kit.errors import UsageError
from bcp.kit.workers import Workers
from bcp.service.outbox import MOST_ITEMS, Item, Result, as_lines, fit, read_lines, replay
from bcp.watch.board import Board
from runbooks import commands as c
from runbooks.desk import Desk
from runbooks.incident import FOLD, FOLD_NAME
from runbooks.state import Incident
from tests.fakes import START, ManualClock
from tests.runbooks.world import a_book, a_city

LINE = '{"v":1,"op":"0123abcd","at":"2026-11-23T10:02:00+09:00","step":"AD-01","fields":{"do":"finish"}}'
PEOPLE = ("u-1", "u-2")
STEPS = ("AD-01", "AD-02", "JUKI-01", "JUKI-02", "JUKI-06")


@contextlib.asynccontextmanager
async def a_desk(folder: Path) -> AsyncIterator[Desk]:
    """A declared event over a real journal."""
    workers, clock = Workers(threads=2), ManualClock()
    Journal.create(folder / "real", origin="example.jp/log", node="n1", clock=clock)
    journal = Journal.open(folder / "real", clock=clock, folds={FOLD_NAME: FOLD})
    desk = Desk(journal, a_city(), a_book(), Board(clock), clock, workers)
    try:
        onset = START - timedelta(hours=9)
        declared = c.Declare(level=3, onset=onset, reason="地震", capacity="on_site")
        await desk.do(declared, Actor("u-0", "commander"), "declare")
        yield desk
    finally:
        await journal.close()
        workers.close()


def make(item: Item, incident: Incident) -> c.Command:
    """The forms without a page."""
    match item.fields["do"]:
        case "start":
            return c.StartStep(incident=incident.id, step=item.step)
        case "finish":
            return c.FinishStep(incident=incident.id, step=item.step)
        case "fail":
            return c.FailStep(incident=incident.id, step=item.step, reason="できない")
        case "decide":
            return c.TakeDecision(
                incident=incident.id, step=item.step, option="latest", rationale="見た"
            )
        case _:
            return c.AddNote(incident=incident.id, text="見た", subject=item.step)


async def send(desk: Desk, items: Iterable[Item], who: str = "u-1") -> list[Result]:
    return await replay(desk, items, make, Actor(who, "staff"), lambda id: id)


def item(op: str, step: str, do: str, minute: int) -> Item:
    at = (START - timedelta(hours=8) + timedelta(minutes=minute)).isoformat()
    return Item(op=op, at=at, step=step, fields={"do": do})


def settled(desk: Desk) -> dict[str, object]:
    """What stands of every step, and who stands for it."""
    incident = desk.current()
    assert incident is not None
    return {
        step: (run.did, run.option, {run.finished_by, *run.confirmed_by} - {None})
        for runs in incident.runs.values()
        for step, run in runs.items()
        if run.finished_at is not None
    } | {"notes": incident.notes}


BOX = st.lists(
    st.tuples(st.sampled_from(STEPS), st.sampled_from(("start", "finish", "note"))),
    max_size=6,
    unique=True,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=BOX, second=BOX, data=st.data())
def test_replayed_twice_in_any_order_the_state_is_the_same(
    first: list[tuple[str, str]], second: list[tuple[str, str]], data: st.DataObject
) -> None:
    boxes = [
        tuple(
            item(f"op{who}-{index:04}", step, "decide" if step == "JUKI-02" and do == "finish" else do, index)
            for index, (step, do) in enumerate(box)
        )
        for who, box in enumerate((first, second))
    ]  # fmt: skip
    orders = [(0, 1, 0, 1), (1, 0, 1, 0), tuple(data.draw(st.permutations((0, 1, 0, 1))))]
    found = [asyncio.run(_played(boxes, order)) for order in orders]
    assert found[0] == found[1] == found[2]


async def _played(boxes: list[tuple[Item, ...]], order: Iterable[int]) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        async with a_desk(Path(folder)) as desk:
            for who in order:
                await send(desk, boxes[who], PEOPLE[who])
            for who in (0, 1):  # what waited for the other box finds its way now
                await send(desk, boxes[who], PEOPLE[who])
            before = desk.journal.size
            for who in (0, 1):
                await send(desk, boxes[who], PEOPLE[who])
            assert desk.journal.size == before, "another replay writes nothing"
            return settled(desk)


async def test_one_item_sent_again_is_recorded_once_and_keeps_its_time(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        one = item("a-0000001", "AD-01", "finish", 5)
        assert [r.result for r in await send(desk, [one])] == ["recorded"]
        assert [r.result for r in await send(desk, [one, one])] == ["already", "already"]
        incident = desk.current()
        assert incident is not None
        run = next(runs["AD-01"] for runs in incident.runs.values() if "AD-01" in runs)
        assert run.finished_at == one.instant()
        assert run.late


async def test_a_conflict_tells_both_statements_and_changes_nothing(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        await send(desk, [item("a-0000001", "AD-01", "fail", 5)], "u-2")
        before = desk.journal.size
        (told,) = await send(desk, [item("b-0000001", "AD-01", "finish", 6)])
        assert told.result == "conflict"
        assert "u-2" in told.said
        assert "完了" in told.said
        assert desk.journal.size == before


async def test_a_drill_and_the_real_thing_never_mix(tmp_path: Path) -> None:
    async with a_desk(tmp_path) as desk:
        one = item("a-0000001", "AD-01", "finish", 5)
        (told,) = await send(desk, [one.model_copy(update={"stage": "drill-1"})])
        assert told.result == "refused"
        assert "drill-1" in told.said


async def test_an_unknown_step_or_a_future_time_is_told_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    async with a_desk(tmp_path) as desk:
        late = item("a-0000003", "AD-01", "finish", 60 * 24 * 30)
        items = [item("a-0000001", "NO-99", "finish", 1), item("a-0000002", "AD-01", "finish", 2)]
        results = {r.op: r.result for r in await send(desk, [*items, late])}
        assert results == {"a-0000001": "refused", "a-0000002": "recorded", "a-0000003": "refused"}


def test_lines_are_read_with_their_faults_placed() -> None:
    (one,) = read_lines(b"\xef\xbb\xbf" + LINE.encode() + b"\r\n\r\n")
    assert read_lines(as_lines([one]).encode()) == (one,)
    for bad, message in (
        (LINE.replace("}}", '},"x":1}'), "2: x"),
        (LINE[:-3], "2: "),
        (LINE.replace("0123abcd", "a b"), "2: op"),
        ("{}", "2: op"),
    ):
        with pytest.raises(UsageError, match=message):
            read_lines(f"{LINE}\n{bad}".encode())
    with pytest.raises(UsageError, match="UTF-8"):
        read_lines(b"\xff\xfe")
    for when in ("10:02", "2026-11-23T10:02:00", "x"):
        with pytest.raises(UsageError):
            fit([replace_at(one, when)])
    with pytest.raises(UsageError):
        fit(itertools.repeat(one, MOST_ITEMS + 1))


def replace_at(one: Item, when: str) -> Item:
    return one.model_copy(update={"at": when})
