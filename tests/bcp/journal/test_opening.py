"""A log is opened only if it holds what was acknowledged; nothing is made because it was missing."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from bcp.journal import (
    Damaged,
    Entry,
    Exists,
    Fold,
    Journal,
    JournalError,
    Missing,
    RolledBack,
    adopt_head,
)
from bcp.kit.errors import BcpError, Busy
from tests.bcp.journal.helpers import (
    OFFICER,
    ORIGIN,
    DiskTrouble,
    create,
    digest_of_folder,
    fill,
    note,
    reopen,
)
from tests.fakes import ManualClock


async def grown(tmp_path: Path, number: int = 5) -> Path:
    folder = create(tmp_path)
    async with reopen(folder) as journal:
        await fill(journal, number)
        await journal.checkpoint()
    return folder


def head(folder: Path) -> Path:
    return folder.with_name(folder.name + "-head")


def says_what_to_do(error: BcpError) -> bool:
    return bool(error.where and error.expected and error.got and error.next_step)


async def test_creating_twice_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    folder = await grown(tmp_path)
    before = digest_of_folder(tmp_path)

    with pytest.raises(Exists) as caught:
        Journal.create(folder, origin=ORIGIN, node="n1", clock=ManualClock())

    assert says_what_to_do(caught.value)
    assert digest_of_folder(tmp_path) == before


@pytest.mark.parametrize("left", ["log/key", "log/log.sqlite3", "log-head/head"])
async def test_creating_over_remains_of_a_log_is_refused(tmp_path: Path, left: str) -> None:
    await grown(tmp_path)
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        if path != tmp_path / left:
            path.unlink()

    with pytest.raises(Exists):
        Journal.create(tmp_path / "log", origin=ORIGIN, node="n1", clock=ManualClock())


def test_a_missing_log_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(Missing) as caught:
        reopen(tmp_path / "log")

    assert says_what_to_do(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost", ["log/log.sqlite3", "log/key", "log-head/head"])
async def test_a_log_without_one_of_its_files_is_refused(tmp_path: Path, lost: str) -> None:
    folder = await grown(tmp_path)
    (tmp_path / lost).unlink()

    with pytest.raises(Missing) as caught:
        reopen(folder)

    assert says_what_to_do(caught.value)
    assert not (tmp_path / lost).exists()


async def test_an_older_copy_of_the_folder_is_refused_by_the_head(tmp_path: Path) -> None:
    folder = await grown(tmp_path)
    shutil.copytree(folder, tmp_path / "copy")
    async with reopen(folder) as journal:
        await fill(journal, 1, "later")
    shutil.rmtree(folder)
    (tmp_path / "copy").rename(folder)
    before = digest_of_folder(head(folder))

    with pytest.raises(RolledBack) as caught:
        reopen(folder)

    assert says_what_to_do(caught.value)
    assert "7" in str(caught.value.expected)
    assert digest_of_folder(head(folder)) == before


async def test_an_older_copy_of_folder_and_head_is_refused_by_the_checkpoint(
    tmp_path: Path,
) -> None:
    folder = await grown(tmp_path)
    shutil.copytree(folder, tmp_path / "copy")
    shutil.copy(head(folder) / "head", tmp_path / "old-head")
    async with reopen(folder) as journal:
        await fill(journal, 1, "later")
        await journal.checkpoint()
    shutil.rmtree(folder)
    (tmp_path / "copy").rename(folder)
    shutil.copy(tmp_path / "old-head", head(folder) / "head")

    with pytest.raises(RolledBack) as caught:
        reopen(folder)

    assert says_what_to_do(caught.value)


async def test_a_store_larger_than_its_head_is_kept_whole(tmp_path: Path) -> None:
    folder = await grown(tmp_path)
    old_head = (head(folder) / "head").read_bytes()
    async with reopen(folder) as journal:
        await fill(journal, 3, "later")
        root = journal.root
    (head(folder) / "head").write_bytes(old_head)

    async with reopen(folder) as journal:
        assert (journal.size, journal.root) == (9, root)
        assert (await journal.append(note(), op="later-2", actor=OFFICER)).replayed
    assert (head(folder) / "head").read_bytes() != old_head


async def test_another_history_of_the_same_length_is_refused(tmp_path: Path) -> None:
    folder = create(tmp_path)
    shutil.copytree(folder, tmp_path / "twin")
    shutil.copytree(head(folder), tmp_path / "twin-head")
    for place, text in ((folder, "a"), (tmp_path / "twin", "b")):
        async with reopen(place) as journal:
            await fill(journal, 3, text)
    shutil.rmtree(folder)
    (tmp_path / "twin").rename(folder)

    with pytest.raises(RolledBack) as caught:
        reopen(folder)

    assert says_what_to_do(caught.value)


async def test_the_head_of_another_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    folder, other = await grown(tmp_path), await grown(tmp_path / "other", 1)
    shutil.copy(head(other) / "head", head(folder) / "head")

    with pytest.raises(Damaged, match="another log"):
        reopen(folder)


async def test_the_key_of_another_log_or_a_key_others_can_read_is_refused(tmp_path: Path) -> None:
    folder = await grown(tmp_path)
    (folder / "key").chmod(0o640)
    with pytest.raises(Damaged, match="others can read"):
        reopen(folder)

    (tmp_path / "other").mkdir()
    Journal.create(tmp_path / "other" / "log", origin="other", node="n", clock=ManualClock())
    shutil.copy(tmp_path / "other" / "log" / "key", folder / "key")
    with pytest.raises(Damaged, match="another log"):
        reopen(folder)

    (tmp_path / "twin").mkdir()
    shutil.copy(create(tmp_path / "twin") / "key", folder / "key")
    with pytest.raises(Damaged, match="not the one of this log"):
        reopen(folder)


async def test_a_fold_that_cannot_take_an_entry_any_more_names_it(tmp_path: Path) -> None:
    def fold(_state: None, entry: Entry) -> None:
        if entry.subject == "s3":
            raise KeyError("level")

    folder = await grown(tmp_path)
    with pytest.raises(Damaged) as caught:
        reopen(folder, folds={"f": Fold(None, fold)})

    assert caught.value.where == "entry 4 (test.note)"
    assert says_what_to_do(caught.value)


async def test_two_owners_of_one_folder_are_refused(tmp_path: Path) -> None:
    folder = await grown(tmp_path)
    async with reopen(folder) as first:
        with pytest.raises(Busy):
            reopen(folder)
        await fill(first, 1, "still")
    async with reopen(folder) as second:
        assert second.size == 7


async def test_a_refused_opening_leaves_the_folder_free_and_as_it_was(tmp_path: Path) -> None:
    folder = await grown(tmp_path)
    good = (head(folder) / "head").read_bytes()
    (head(folder) / "head").write_bytes(good[:700])
    before = digest_of_folder(tmp_path)
    for _ in range(2):
        with pytest.raises(Damaged):
            reopen(folder)
    assert digest_of_folder(tmp_path) == before

    (head(folder) / "head").write_bytes(good)
    async with reopen(folder) as journal:
        assert journal.size == 6


async def test_a_head_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    folder = await grown(tmp_path)
    path = head(folder) / "head"
    good = path.read_bytes()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        with pytest.raises(Damaged) as caught:
            reopen(folder)
        assert says_what_to_do(caught.value)


async def test_a_torn_newest_slot_of_the_head_falls_back_to_the_one_before(tmp_path: Path) -> None:
    folder = create(tmp_path)
    path = head(folder) / "head"
    async with reopen(folder) as journal:
        await fill(journal, 4)
        before = path.read_bytes()
        await fill(journal, 1, "last")
        after = path.read_bytes()
    for cut in range(len(after)):  # died while the last head was being written
        path.write_bytes(after[:cut] + before[cut:])
        async with reopen(folder) as journal:
            assert journal.size == 6


async def test_a_lost_head_can_be_made_anew_by_a_person_but_not_over_a_good_one(
    tmp_path: Path,
) -> None:
    folder = await grown(tmp_path)
    with pytest.raises(Exists):
        adopt_head(folder, head(folder))
    (head(folder) / "head").write_bytes(b"torn")

    assert adopt_head(folder, head(folder)) == 6

    async with reopen(folder) as journal:
        assert journal.size == 6


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET data = CAST(replace(data, 's3', 'x3') AS BLOB) WHERE seq = 4",
        "DELETE FROM entry WHERE seq = 3",
        "DELETE FROM entry WHERE seq = 5",
        "UPDATE entry SET leaf = zeroblob(32) WHERE seq = 2",
        "DELETE FROM meta WHERE key = 'log_id'",
        "PRAGMA user_version = 9",
        "DROP TABLE node",
    ],
)
async def test_a_store_changed_behind_our_back_is_refused(tmp_path: Path, statement: str) -> None:
    folder = await grown(tmp_path)
    connection = sqlite3.connect(folder / "log.sqlite3")
    connection.execute(statement)
    connection.commit()
    connection.close()
    if "node" in statement:
        async with reopen(folder) as journal:  # no such table is needed below 256 entries
            assert not journal.writable.ok or journal.size == 6
        return

    with pytest.raises(JournalError) as caught:
        reopen(folder)

    assert says_what_to_do(caught.value)


async def test_texts_of_entries_that_never_came_to_be_are_swept_away(tmp_path: Path) -> None:
    folder = create(tmp_path)
    trouble = DiskTrouble()
    async with reopen(folder, fault=trouble) as journal:
        trouble.arm("store:before")
        with pytest.raises(BcpError):
            await journal.append(note(name="山田太郎"), op="a", actor=OFFICER)
    assert _values(folder) == [("山田太郎",)]

    async with reopen(folder) as journal:
        assert journal.size == 1
    assert _values(folder) == []


async def test_an_erasure_recorded_but_not_done_is_done_at_the_next_opening(
    tmp_path: Path,
) -> None:
    folder = create(tmp_path)
    trouble = DiskTrouble()
    async with reopen(folder, fault=trouble) as journal:
        (entry,) = (await journal.append(note(name="山田"), op="a", actor=OFFICER)).entries
        trouble.arm("erase:before")
        with pytest.raises(BcpError):
            await journal.erase(entry, ["name"], op="b", actor=OFFICER)
    assert _values(folder) == [("山田",)]

    async with reopen(folder) as journal:
        assert await journal.reveal(entry) == {}
    assert _values(folder) == []


def _values(folder: Path) -> list[tuple[str]]:
    connection = sqlite3.connect(folder / "values.sqlite3")
    try:
        return connection.execute("SELECT text FROM value").fetchall()
    finally:
        connection.close()


async def test_values_may_be_lost(tmp_path: Path) -> None:
    folder = create(tmp_path)
    async with reopen(folder) as journal:
        (entry,) = (await journal.append(note(name="山田"), op="a", actor=OFFICER)).entries
    for path in folder.glob("values.*"):
        path.unlink()

    async with reopen(folder) as journal:
        assert await journal.reveal(entry) == {}
        assert (await journal.verify()).ok
        await journal.append(note(name="鈴木"), op="b", actor=OFFICER)
