"""The journal as the rest of the house uses it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bcp.journal import (
    Actor,
    BadEntry,
    Closed,
    Damaged,
    Entry,
    Fold,
    Journal,
    Json,
    Missing,
    NewEntry,
    NotCanonical,
    Projection,
    View,
)
from bcp.journal.entry import commitment
from bcp.kit.errors import Refused
from tests.bcp.journal.helpers import (
    FOLDS,
    OFFICER,
    AlreadyTicked,
    create,
    fill,
    fresh,
    note,
    reopen,
    ticking,
)
from tests.fakes import ManualClock


async def test_a_new_log_begins_with_an_entry_that_names_its_key(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        (first,) = await journal.read()

        assert first.kind == "log.created"
        assert first.detail["vkey"] == journal.vkey
        assert first.detail["origin"] == journal.identity.origin
        assert journal.size == 1


async def test_what_was_appended_is_there_after_a_restart(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        made = await fill(journal, 5)
        root = journal.root

    async with reopen(tmp_path / "log") as journal:
        assert await journal.read(1) == tuple(made)
        assert (journal.size, journal.root) == (6, root)
        assert journal.state("count") == 6


async def test_an_entry_carries_who_when_and_what_was_known_of_the_clock(tmp_path: Path) -> None:
    clock = ManualClock()
    async with fresh(tmp_path, clock) as journal:
        await clock.advance(90)
        committed = await journal.append(note(incident="i-1"), op="a", actor=OFFICER)

    (entry,) = committed.entries
    assert (entry.actor, entry.node, entry.epoch, entry.op) == (OFFICER, "n1", 1, "a")
    assert (entry.recorded_at - entry.occurred_at).total_seconds() == 90
    assert entry.clock.monotonic_us == 90_000_000
    assert committed.size == 2


async def test_the_same_operation_gives_the_entries_of_the_first_time(tmp_path: Path) -> None:
    def never(_view: View) -> Sequence[NewEntry]:
        raise AssertionError("decided twice")

    async with fresh(tmp_path) as journal:
        first = await journal.append(note("a"), note("b"), op="same", actor=OFFICER)
        again = await journal.transact(never, op="same", actor=OFFICER)
        assert again.entries == first.entries
        assert (first.replayed, again.replayed) == (False, True)

    async with reopen(tmp_path / "log") as journal:
        later = await journal.transact(never, op="same", actor=OFFICER)
        assert (later.entries, later.replayed) == (first.entries, True)
        assert journal.size == 3


async def test_one_operation_sent_many_times_at_once_is_recorded_once(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        answers = await asyncio.gather(
            *(journal.append(note("x"), op="same", actor=OFFICER) for _ in range(50))
        )

        assert journal.size == 2
        assert all(answer.entries == answers[0].entries for answer in answers)
        assert sum(not answer.replayed for answer in answers) == 1


async def test_two_commands_at_once_see_each_other(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        outcomes = await asyncio.gather(
            *(journal.transact(ticking("step-4"), op=f"op-{n}", actor=OFFICER) for n in range(20)),
            return_exceptions=True,
        )

        assert sum(isinstance(outcome, AlreadyTicked) for outcome in outcomes) == 19
        assert journal.state("ticks") == ("step-4",)
        assert journal.size == 2


async def test_a_decision_sees_size_and_time_of_what_it_yields(tmp_path: Path) -> None:
    seen: list[View] = []

    def look(view: View) -> Sequence[NewEntry]:
        seen.append(view)
        return [note("a"), note("b")]

    async with fresh(tmp_path) as journal:
        entries = (await journal.transact(look, op="x", actor=OFFICER)).entries

    assert [entry.seq for entry in entries] == [seen[0].size, seen[0].size + 1]
    assert {entry.recorded_at for entry in entries} == {seen[0].now}


@pytest.mark.parametrize(
    "error", [Refused("step 4 was ticked at 14:02"), ValueError("a bug"), KeyError("gone")]
)
async def test_a_refusal_or_a_bug_rejects_only_its_caller(tmp_path: Path, error: Exception) -> None:
    def refuse(_view: View) -> Sequence[NewEntry]:
        raise error

    async with fresh(tmp_path) as journal:
        outcomes = await asyncio.gather(
            journal.append(note("a"), op="a", actor=OFFICER),
            journal.transact(refuse, op="b", actor=OFFICER),
            journal.append(note("c"), op="c", actor=OFFICER),
            return_exceptions=True,
        )

        assert outcomes[1] is error
        assert [entry.subject for entry in await journal.read(1)] == ["a", "c"]
        assert await journal.find_op("b") == ()
        assert journal.writable.ok


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (note(detail={"ratio": 0.5}), NotCanonical),  # type: ignore[dict-item]
        (note(detail={"text": "x" * 70_000}), BadEntry),
        (note(kind="Not A Kind"), BadEntry),
        (note(evidence=("0" * 64,)), BadEntry),
    ],
)
async def test_an_entry_that_cannot_be_written_leaves_nothing_of_its_command(
    tmp_path: Path, bad: NewEntry, kind: type[Exception]
) -> None:
    async with fresh(tmp_path) as journal:
        before = journal.root
        with pytest.raises(kind):
            await journal.append(note("good", text="秘密"), bad, op="x", actor=OFFICER)

        assert (journal.size, journal.root) == (1, before)
        assert journal.writable.ok
        assert (await journal.verify()).ok


async def test_a_fold_or_projection_that_breaks_rejects_its_caller_and_leaves_no_row(
    tmp_path: Path,
) -> None:
    def fold(state: int, entry: Entry) -> int:
        if entry.subject == "fold":
            raise ValueError("fold")
        return state + 1

    def project(cursor: sqlite3.Cursor, entry: Entry) -> None:
        cursor.execute("INSERT INTO seen VALUES (?)", (entry.subject,))

    seen = Projection("seen", ("seen",), ("CREATE TABLE seen (s TEXT UNIQUE)",), project)
    folder = create(tmp_path)
    async with reopen(folder, folds={"f": Fold(0, fold)}, projections=[seen]) as journal:
        await journal.append(note("a"), op="1", actor=OFFICER)
        with pytest.raises(ValueError, match="fold"):
            await journal.append(note("x"), note("fold"), op="2", actor=OFFICER)
        with pytest.raises(sqlite3.IntegrityError):
            await journal.append(note("y"), note("a"), op="3", actor=OFFICER)
        await journal.append(note("z"), op="4", actor=OFFICER)

        assert [entry.subject for entry in await journal.read(1)] == ["a", "z"]
        assert journal.state("f") == 3
        assert (await journal.verify()).ok


async def test_a_decision_that_yields_nothing_records_nothing(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        committed = await journal.append(op="none", actor=OFFICER)

        assert (committed.entries, committed.replayed, journal.size) == ((), False, 1)


async def test_the_write_of_a_caller_who_left_is_carried_through(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        task = asyncio.ensure_future(journal.append(note("left"), op="left", actor=OFFICER))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        again = await journal.append(note("left"), op="left", actor=OFFICER)
        assert again.replayed
        assert journal.size == 2


async def test_a_closed_journal_refuses_and_closing_carries_out_what_waits(
    tmp_path: Path,
) -> None:
    journal = fresh(tmp_path)
    waiting = [
        asyncio.ensure_future(journal.append(note(), op=f"w-{n}", actor=OFFICER))
        for n in range(100)
    ]
    await asyncio.sleep(0)

    await journal.close()
    await journal.close()

    assert all(answer.entries for answer in await asyncio.gather(*waiting))
    with pytest.raises(Closed):
        await journal.append(note(), op="late", actor=OFFICER)
    async with reopen(tmp_path / "log") as again:
        assert again.size == 101


async def test_entries_are_found_by_kind_incident_subject_and_place(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        for index, (kind, incident, subject) in enumerate(
            [
                ("step.ticked", "i-1", "juki"),
                ("step.undone", "i-1", "zei"),
                ("step.ticked", "i-2", "juki"),
                ("stepping.stone", None, "juki"),
                ("probe.changed", None, "zei"),
            ]
        ):
            await journal.append(note(subject, kind, incident), op=f"op-{index}", actor=OFFICER)

        async def seqs(*args: Any, **selection: Any) -> list[int]:
            return [entry.seq for entry in await journal.read(*args, **selection)]

        assert await seqs(kind="step.ticked") == [1, 3]
        assert await seqs(kind="step.") == [1, 2, 3]
        assert await seqs(kind=["probe.changed", "step.undone"]) == [2, 5]
        assert await seqs(kind=[]) == []
        assert await seqs(incident="i-1") == [1, 2]
        assert await seqs(subject="juki", reverse=True) == [4, 3, 1]
        assert await seqs(subject="juki", incident="i-2") == [3]
        assert await seqs(2, before=4) == [2, 3]
        assert await seqs(limit=2, reverse=True) == [5, 4]


async def test_values_are_revealed_until_erased_and_proofs_go_on_to_hold(tmp_path: Path) -> None:
    name = "住基担当 山田太郎 0228-00-0000"
    async with fresh(tmp_path) as journal:
        committed = await journal.append(note(name=name, why="電話"), op="a", actor=OFFICER)
        (entry,) = committed.entries
        assert await journal.reveal(entry) == {"name": name, "why": "電話"}
        assert name.encode() not in (tmp_path / "log" / "log.sqlite3-wal").read_bytes()
        root = journal.root

        await journal.erase(entry, ["name"], op="b", actor=OFFICER)

        assert await journal.reveal(entry) == {"why": "電話"}
        verified = await journal.verify()
        assert (verified.ok, verified.values_kept, verified.values_erased) == (True, 1, 1)
        assert journal.root != root
        assert (await journal.read(kind="log.erased"))[0].detail["names"] == ["name"]
    for path in (tmp_path / "log").rglob("*"):
        if path.is_file():
            assert name.encode() not in path.read_bytes(), path


async def test_a_commitment_tells_nothing_without_its_salt(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        answers = [
            await journal.append(note(name="山田"), op=f"o{n}", actor=OFFICER) for n in range(2)
        ]

    first, second = (answer.entries[0].commitments["name"] for answer in answers)
    assert first != second
    assert commitment(bytes(16), "山田") not in (first, second)


async def test_only_values_of_the_entry_can_be_erased(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        (entry,) = (await journal.append(note(name="山田"), op="a", actor=OFFICER)).entries
        for names in (["phone"], []):
            with pytest.raises(BadEntry):
                await journal.erase(entry, names, op="b", actor=OFFICER)

        assert await journal.reveal(entry) == {"name": "山田"}


async def test_evidence_is_kept_by_its_content_and_checked_when_read(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        source = tmp_path / "manifest"
        source.write_bytes(b"manifest\n" * 100_000)
        digest = await asyncio.to_thread(journal.evidence.put_file, source)
        assert digest == await asyncio.to_thread(journal.evidence.put_bytes, source.read_bytes())
        await journal.append(note(evidence=(digest,)), op="a", actor=OFFICER)

        assert journal.evidence.has(digest)
        assert journal.evidence.get(digest) == source.read_bytes()
        journal.evidence.path(digest).write_bytes(b"changed")
        with pytest.raises(Damaged):
            journal.evidence.get(digest)
        with pytest.raises(Missing):
            journal.evidence.get("0" * 64)
        assert not list(journal.evidence.folder.glob(".put*"))
        stray = journal.evidence.folder / ".put.killed.tmp"
        stray.write_bytes(b"half a manifest: names of residents' files")
    async with reopen(tmp_path / "log") as journal:
        assert not stray.exists(), "what a killed process was putting is no use to anybody"
        assert journal.evidence.path(digest).exists()


def _steps(version: int = 1) -> Projection:
    def apply(cursor: sqlite3.Cursor, entry: Entry) -> None:
        if entry.kind == "step.ticked":
            cursor.execute("INSERT INTO steps VALUES (?, ?)", (entry.subject, entry.seq * version))

    return Projection(
        "steps",
        ("steps",),
        ("CREATE TABLE steps (subject TEXT, seq INTEGER)",),
        apply,
        version,
        {
            "all": "SELECT subject, seq FROM steps ORDER BY seq",
            "one": "SELECT seq FROM steps WHERE subject = ?",
        },
    )


async def test_a_projection_follows_the_log_and_is_made_again_when_it_changes(
    tmp_path: Path,
) -> None:
    folder = create(tmp_path)
    async with reopen(folder) as journal:
        await journal.append(note("a", "step.ticked"), op="1", actor=OFFICER)
    async with reopen(folder, projections=[_steps()]) as journal:
        assert await journal.query("steps", "all") == [("a", 1)]
        await journal.append(note("b", "step.ticked"), op="2", actor=OFFICER)
        assert await journal.query("steps", "all") == [("a", 1), ("b", 2)]
        assert await journal.query("steps", "one", ("b",)) == [(2,)]
        with pytest.raises(Missing):
            await journal.query("steps", "none")
    async with reopen(folder) as journal:  # opened without it: the tables fall behind
        await journal.append(note("c", "step.ticked"), op="3", actor=OFFICER)
    async with reopen(folder, projections=[_steps()]) as journal:
        assert await journal.query("steps", "all") == [("a", 1), ("b", 2), ("c", 3)]
    async with reopen(folder, projections=[_steps(version=2)]) as journal:
        assert await journal.query("steps", "all") == [("a", 2), ("b", 4), ("c", 6)]


async def test_listeners_hear_on_the_loop_what_was_acknowledged(tmp_path: Path) -> None:
    heard: list[Entry] = []
    async with fresh(tmp_path) as journal:
        undo = journal.listen(heard.extend)
        made = await fill(journal, 3)
        undo()
        await fill(journal, 1, "later")

    assert heard == made


async def test_an_unknown_state_is_named(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        with pytest.raises(Missing, match="fold"):
            journal.state("nothing")


async def test_folds_of_some_kinds_give_the_same_state_live_and_after_opening(
    tmp_path: Path,
) -> None:
    async with fresh(tmp_path) as journal:
        for index in range(30):
            kind = "step.ticked" if index % 3 else "test.note"
            await journal.append(note(f"s{index}", kind), op=f"{index}", actor=OFFICER)
        live = {name: journal.state(name) for name in FOLDS}

    async with reopen(tmp_path / "log") as journal:
        assert {name: journal.state(name) for name in FOLDS} == live


async def test_a_fold_sees_the_very_same_entry_live_and_after_a_restart(tmp_path: Path) -> None:
    everything = {"all": Fold[tuple[str, ...]]((), lambda state, entry: (*state, repr(entry)))}
    folder = create(tmp_path)
    async with reopen(folder, folds=everything) as journal:
        detail: dict[str, Json] = {"z": (1, {"y": 1, "b": [True, None]}), "a": "text"}
        new = note(detail=detail, z="1", a="2")
        await journal.append(new, op="1", actor=OFFICER)
        live = journal.state("all")

    async with reopen(folder, folds=everything) as journal:
        assert journal.state("all") == live


async def test_a_load_of_callers_is_committed_in_groups_in_order(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        answers = await asyncio.gather(
            *(journal.append(note(f"s{n}"), op=f"{n}", actor=OFFICER) for n in range(2500))
        )

        assert [answer.entries[0].seq for answer in answers] == list(range(1, 2501))
        assert [entry.seq for entry in await journal.read(limit=5000)] == list(range(2501))
        assert len({answer.size for answer in answers}) < 500
        assert (await journal.verify()).ok


async def test_two_journals_of_one_process_do_not_know_each_other(tmp_path: Path) -> None:
    for name in ("real", "drill"):
        (tmp_path / name).mkdir()
    async with fresh(tmp_path / "real") as real, fresh(tmp_path / "drill") as drill:
        await drill.append(note("drill"), op="a", actor=Actor("u-1", "player"))

        assert (real.size, drill.size) == (1, 2)
        assert real.vkey != drill.vkey


def test_opening_needs_no_event_loop(tmp_path: Path) -> None:
    journal: Journal = fresh(tmp_path)
    asyncio.run(journal.close())
