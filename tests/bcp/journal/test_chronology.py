"""クロノロジー over a real log: by when it happened, by words, person, subject; rebuilt when lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bcp.journal.chronology import CHRONOLOGY, Sought, find, kinds, people
from bcp.journal.entry import Actor, NewEntry
from bcp.journal.journal import Journal
from tests.fakes import ManualClock

AN, BE = Actor("u-a", "staff"), Actor("u-b", "staff")


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Journal]:
    clock = ManualClock()
    Journal.create(tmp_path / "log", origin="a.example/log", node="n", clock=clock)
    journal = Journal.open(tmp_path / "log", clock=clock, projections=(CHRONOLOGY,))
    now = clock.utc()
    for number, (who, ago, words) in enumerate(
        [(AN, 10, "停電した"), (BE, 60, "100%_止まった"), (AN, 5, "電話が通じた")]
    ):
        new = NewEntry(
            "incident.note_added", f"S-{number}", {}, "R1", now - timedelta(minutes=ago),
            {"note": words},
        )  # fmt: skip
        await journal.append(new, op=f"op-{number}", actor=who)
    other = NewEntry("incident.declared", "R2", {}, "R2", now)
    await journal.append(other, op="other", actor=AN)
    yield journal
    await journal.close()


async def subjects(log: Journal, **wanted: object) -> list[str]:
    found = await find(log, Sought("R1", **wanted))  # type: ignore[arg-type]
    assert found.total == len(found.entries)
    return [entry.subject for entry in found.entries]


async def test_entries_stand_by_when_they_happened_and_only_those_of_the_event(
    log: Journal,
) -> None:
    assert await subjects(log) == ["S-2", "S-0", "S-1"]
    old = await find(log, Sought("R1"), oldest_first=True, limit=2, offset=1)
    assert [entry.subject for entry in old.entries] == ["S-0", "S-2"]
    assert old.total == 3


async def test_words_person_subject_and_lateness_narrow_it(log: Journal) -> None:
    assert await subjects(log, words="停電") == ["S-0"]
    assert await subjects(log, words="0%_") == ["S-1"], "no wildcard of anybody's making"
    assert await subjects(log, words="%") == ["S-1"]
    assert await subjects(log, words="何もない", words_subjects=["S-2"]) == ["S-2"]
    assert await subjects(log, actors=["u-b"]) == ["S-1"]
    assert await subjects(log, subjects=["S-0", "S-2"]) == ["S-2", "S-0"]
    assert await subjects(log, late_seconds=3000) == ["S-1"]
    assert await subjects(log, kinds=["incident.declared"]) == []


async def test_an_erased_text_is_not_found_any_more(log: Journal) -> None:
    (entry,) = (await find(log, Sought("R1", words="停電"))).entries
    await log.erase(entry, ["note"], op="erase", actor=AN)
    assert await subjects(log, words="停電") == []


async def test_hours_and_kinds_are_counted(log: Journal) -> None:
    spans = {one.actor: one for one in await people(log, "R1")}
    assert spans["u-a"].acts == 2
    assert spans["u-a"].last - spans["u-a"].first == timedelta(minutes=5)
    assert await kinds(log, "R1") == {"incident.note_added": 3}
