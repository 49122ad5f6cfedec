"""The independent verifier: an export alone, and whatever somebody did to it."""

from __future__ import annotations

import ast
import base64
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bcp.journal import Damaged, Exists, canonical
from bcp.journal import verify as verifier
from bcp.journal.checkpoint import Checkpoint
from bcp.journal.keys import load_key
from bcp.journal.merkle import CompactRange, leaf_hash
from bcp.journal.note import SignerKey, open_note, sign_note
from bcp.journal.tiles import Tile, pack_entries, pack_hashes, unpack_entries
from bcp.journal.verify import Report, verify_export
from bcp.journal.verify_note import open_checkpoint
from tests.bcp.journal.helpers import (
    OFFICER,
    ORIGIN,
    changed,
    create,
    digest_of_folder,
    fill,
    note,
    reopen,
)

BUNDLE, TILE = "tile/entries/000.p/6", "tile/0/000.p/6"


async def exported(tmp_path: Path, number: int = 5) -> tuple[Path, str]:
    """An export of `number` entries and the first one; and its vkey, known from elsewhere."""
    folder = create(tmp_path)
    dest = tmp_path / "export"
    async with reopen(folder) as journal:
        for start in range(0, number, 500):
            news = [note(f"s{n}", detail={"n": n}) for n in range(start, min(start + 500, number))]
            await journal.append(*news, op=f"op-{start}", actor=OFFICER)
        await journal.export(dest)
        return dest, journal.vkey


def codes(report: Report) -> set[str]:
    return {problem.code for problem in report.problems}


async def test_a_good_export_is_good_and_says_what_it_holds(tmp_path: Path) -> None:
    dest, vkey = await exported(tmp_path)

    report = verify_export(dest, [vkey])

    assert report.ok, report
    assert (report.size, report.entries, report.origin) == (6, 6, ORIGIN)
    assert report.signed_by == (ORIGIN,)
    assert report.keys_from_elsewhere
    assert report.warnings == []


async def test_an_export_that_vouches_for_itself_is_marked(tmp_path: Path) -> None:
    dest, _vkey = await exported(tmp_path)

    report = verify_export(dest)

    assert report.ok
    assert not report.keys_from_elsewhere
    assert any("keys_of_export" in warning for warning in report.warnings)


@pytest.mark.parametrize("number", [0, 1, 254, 255, 256, 257, 511, 512, 700])
async def test_exports_of_all_shapes_verify(tmp_path: Path, number: int) -> None:
    dest, vkey = await exported(tmp_path, number)

    report = verify_export(dest, [vkey])

    assert report.ok, report
    assert report.size == number + 1


async def test_a_log_of_more_than_65536_entries_has_three_levels_and_verifies(
    tmp_path: Path,
) -> None:
    dest, vkey = await exported(tmp_path, 66_000)

    assert (dest / "tile/2/000.p/1").is_file()
    assert verify_export(dest, [vkey]).ok


async def test_every_flipped_byte_of_a_bundle_names_its_entry(tmp_path: Path) -> None:
    dest, vkey = await exported(tmp_path)
    path = dest / BUNDLE
    data, at = path.read_bytes(), 0
    for seq, entry in enumerate(unpack_entries(data, Tile("entries", 0, 6))):
        for offset in range(at + 2, at + 2 + len(entry), 3):
            with changed(path, offset):
                report = verify_export(dest, [vkey])
            assert not report.ok
            assert seq in {problem.seq for problem in report.problems}, (offset, report)
            assert "root" in codes(report)
        at += 2 + len(entry)


@pytest.mark.parametrize("mask", [1, 0x80])
async def test_every_flipped_byte_of_any_file_is_noticed(tmp_path: Path, mask: int) -> None:
    dest, vkey = await exported(tmp_path, 2)
    for path in sorted(p for p in dest.rglob("*") if p.is_file() and p.name != "README"):
        for offset in range(0, path.stat().st_size, 5):
            with changed(path, offset, mask):
                assert not verify_export(dest, [vkey]).ok, (path, offset)
    assert verify_export(dest, [vkey]).ok


async def test_every_cut_of_any_file_is_noticed(tmp_path: Path) -> None:
    dest, vkey = await exported(tmp_path, 2)
    for path in sorted(p for p in dest.rglob("*") if p.is_file() and p.name != "SHA256SUMS"):
        good = path.read_bytes()
        for length in range(0, len(good), 7):
            path.write_bytes(good[:length])
            assert not verify_export(dest, [vkey]).ok, (path, length)
        path.write_bytes(good)


async def test_every_missing_file_is_noticed(tmp_path: Path) -> None:
    dest, vkey = await exported(tmp_path, 300)
    for path in sorted(p for p in dest.rglob("*") if p.is_file()):
        path.rename(tmp_path / "away")
        report = verify_export(dest, [vkey])
        assert not report.ok or report.warnings, path
        assert not report.ok or path.name == "SHA256SUMS"
        (tmp_path / "away").rename(path)


async def test_a_missing_bundle_is_named_and_the_rest_is_still_checked(tmp_path: Path) -> None:
    dest, vkey = await exported(tmp_path, 600)
    (dest / "tile/entries/001").unlink()

    report = verify_export(dest, [vkey])

    assert [(p.code, p.seq) for p in report.problems if p.code != "sum"] == [("missing", 256)]
    assert report.entries == 601 - 256


async def test_no_signature_and_a_foreign_signature_are_failures(tmp_path: Path) -> None:
    dest, vkey = await exported(tmp_path)
    path = dest / "checkpoint"
    text = path.read_text(encoding="utf-8").split("\n\n")[0] + "\n"
    other = SignerKey(ORIGIN, bytes(32))
    for note_ in (text.encode(), text.encode() + b"\n", sign_note(text, other)):
        path.write_bytes(note_)
        report = verify_export(dest, [vkey])
        assert not report.ok
        assert codes(report) == {"not_signed"}
    assert not verify_export(dest, []).ok


async def test_a_signed_tree_cannot_be_passed_off_as_another_size(tmp_path: Path) -> None:
    dest, vkey = await exported(tmp_path)
    path = dest / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n6\n", b"\n5\n"))

    assert codes(verify_export(dest, [vkey])) == {"signature"}


async def test_an_older_checkpoint_kept_elsewhere_shows_a_rewritten_past(tmp_path: Path) -> None:
    folder = create(tmp_path)
    async with reopen(folder) as journal:
        older = await journal.checkpoint()
        await fill(journal, 2)
        older_too = await journal.checkpoint()
        await fill(journal, 2, "more")
        await journal.export(tmp_path / "export")
        vkey = journal.vkey
    assert verify_export(tmp_path / "export", [vkey], [older, older_too]).ok

    key = load_key(folder / "key", ORIGIN)
    forged = Checkpoint(ORIGIN, 3, bytes(32)).sign(key)
    larger = Checkpoint(ORIGIN, 9, bytes(32)).sign(key)
    same = Checkpoint(ORIGIN, 5, bytes(32)).sign(key)
    assert codes(verify_export(tmp_path / "export", [vkey], [forged])) == {"root"}
    assert codes(verify_export(tmp_path / "export", [vkey], [larger])) == {"older_checkpoint"}
    assert codes(verify_export(tmp_path / "export", [vkey], [same])) == {"fork"}


def rewrite(dest: Path, key: SignerKey, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """A forger who holds the key: entries changed, everything above made to fit."""
    for old in (dest / "SHA256SUMS", dest / TILE):
        old.unlink()
    path = dest / BUNDLE
    entries = change(unpack_entries(path.read_bytes(), Tile("entries", 0, 6)))
    path.unlink()
    leaves = [leaf_hash(entry) for entry in entries]
    (dest / f"tile/entries/000.p/{len(entries)}").write_bytes(pack_entries(entries))
    (dest / f"tile/0/000.p/{len(entries)}").write_bytes(pack_hashes(leaves))
    root = CompactRange().extend(leaves).root()
    (dest / "checkpoint").write_bytes(Checkpoint(ORIGIN, len(entries), root).sign(key))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda entries: entries[:2] + entries[3:], "sequence"),
        (lambda entries: [entries[0], entries[2], entries[1], *entries[3:]], "sequence"),
        (lambda entries: [*entries[:5], entries[5] + b" "], "not_canonical"),
        (lambda entries: [*entries[:5], entries[5].replace(b'"n":4', b'"n":4.0')], "not_canonical"),
        (
            lambda entries: [*entries[:5], entries[5].replace(b'"n":4', b'"n":9007199254740993')],
            "not_canonical",
        ),
        (
            lambda entries: [*entries[:5], entries[5].replace(b'"n":4', b'"n":4,"n":4')],
            "not_canonical",
        ),
        (lambda entries: [*entries[:5], entries[5].replace(b'"op"', b'"oq"')], "entry_form"),
        (lambda entries: [*entries[:5], b"{}"], "entry_form"),
        (lambda entries: [*entries[:5], b"\xff"], "not_canonical"),
        (lambda entries: [*entries[:5], b"[" * 60_000], "not_canonical"),
        (
            lambda entries: [entries[0].replace(ORIGIN.encode(), b"other.example"), *entries[1:]],
            "origin",
        ),
    ],
)
async def test_what_even_the_holder_of_the_key_cannot_pass_off(
    tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], code: str
) -> None:
    dest, vkey = await exported(tmp_path)
    rewrite(dest, load_key(tmp_path / "log" / "key", ORIGIN), change)

    report = verify_export(dest, [vkey])

    assert codes(report) == {code}, report
    assert all(problem.seq is not None for problem in report.problems)


async def test_a_clock_that_went_back_is_a_warning_not_a_failure(tmp_path: Path) -> None:
    def back(entries: list[bytes]) -> list[bytes]:
        value = canonical.parse(entries[5])
        assert isinstance(value, dict)
        assert isinstance(value["recorded_at"], int)
        return [*entries[:5], canonical.encode({**value, "recorded_at": value["recorded_at"] - 1})]

    dest, vkey = await exported(tmp_path)
    rewrite(dest, load_key(tmp_path / "log" / "key", ORIGIN), back)

    report = verify_export(dest, [vkey])

    assert report.ok
    assert any("clock_back" in warning for warning in report.warnings)


async def test_a_hostile_list_of_sums_reads_nothing_outside_the_export(tmp_path: Path) -> None:
    dest, vkey = await exported(tmp_path)
    for name in ("/dev/zero", "../log/key", "tile"):
        (dest / "SHA256SUMS").write_text(f"{'0' * 64}  {name}\n")
        assert codes(verify_export(dest, [vkey])) == {"sum"}


@pytest.mark.parametrize("vkey", ["", "x", "a+b", "a+00000000+AAAA", "a+00000000+" + "A" * 44])
async def test_a_broken_vkey_is_a_problem_not_a_crash(tmp_path: Path, vkey: str) -> None:
    dest, _vkey = await exported(tmp_path, 1)

    assert codes(verify_export(dest, [vkey])) <= {"vkey", "base64"}
    assert not verify_export(dest, [vkey]).ok


def test_an_empty_folder_is_a_failure(tmp_path: Path) -> None:
    assert not verify_export(tmp_path).ok
    assert not verify_export(tmp_path / "nothing", ["x"]).ok


async def test_an_export_holds_no_personal_text_and_never_a_private_key(tmp_path: Path) -> None:
    folder = create(tmp_path)
    async with reopen(folder) as journal:
        await journal.append(note(name="山田太郎"), op="a", actor=OFFICER)
        await journal.export(tmp_path / "export")
    secret = base64.b64decode((folder / "key").read_text().strip()[-44:])
    for content in digest_of_folder(tmp_path / "export").values():
        assert "山田".encode() not in content
        assert secret not in content
        assert b"PRIVATE" not in content


async def test_an_export_never_overwrites_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    dest, _vkey = await exported(tmp_path)
    before = digest_of_folder(dest)
    async with reopen(tmp_path / "log") as journal:
        with pytest.raises(Exists):
            await journal.export(dest)
    assert digest_of_folder(dest) == before

    connection = sqlite3.connect(tmp_path / "log" / "log.sqlite3")
    connection.execute("DELETE FROM entry WHERE seq = 2")
    connection.commit()
    connection.close()
    shutil.rmtree(tmp_path / "log-head" / "x", ignore_errors=True)
    with pytest.raises(Damaged):
        reopen(tmp_path / "log")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["export", "log", "log-head"]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (
            "UPDATE entry SET data = CAST(replace(data, 's2', 'x2') AS BLOB) WHERE seq = 3",
            "entry 3",
        ),
        ("DELETE FROM entry WHERE seq = 3", "entry 3"),
        ("UPDATE entry SET leaf = zeroblob(32) WHERE seq = 3", "entry 3"),
        ("UPDATE entry SET data = CAST(data || ' ' AS BLOB) WHERE seq = 3", "entry 3"),
    ],
)
async def test_the_log_verifies_itself_and_names_the_entry(
    tmp_path: Path, statement: str, named: str
) -> None:
    folder = create(tmp_path)
    async with reopen(folder) as journal:
        await fill(journal, 5)
        assert (await journal.verify()).ok
        connection = sqlite3.connect(folder / "log.sqlite3")
        connection.execute(statement)
        connection.commit()
        connection.close()

        verified = await journal.verify()

        assert not verified.ok
        assert any(named in problem for problem in verified.problems), verified.problems


async def test_a_changed_text_of_a_commitment_is_named_and_not_revealed(tmp_path: Path) -> None:
    folder = create(tmp_path)
    async with reopen(folder) as journal:
        (entry,) = (await journal.append(note(name="山田"), op="a", actor=OFFICER)).entries
        connection = sqlite3.connect(folder / "values.sqlite3")
        connection.execute("UPDATE value SET text = '鈴木'")
        connection.commit()
        connection.close()

        assert await journal.reveal(entry) == {}
        assert (await journal.verify()).problems == ("entry 1: value name was changed",)


def test_the_verifier_shares_no_code_with_the_writer() -> None:
    allowed = {"bcp.journal.verify_note", "cryptography"}
    for name in ("verify", "verify_note"):
        path = Path(verifier.__file__).with_name(f"{name}.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            for module in modules:
                ours = module.startswith("bcp") or module.startswith("cryptography")
                assert not ours or any(module.startswith(good) for good in allowed), module


def test_both_implementations_open_each_others_notes() -> None:
    key = SignerKey("example.com/log", bytes(range(32)))
    data = Checkpoint("example.com/log", 3, bytes(32)).sign(key)
    assert open_note(data, [key.verifier]).verified
    opened = open_checkpoint(data, [str(key.verifier)])
    assert opened == ("example.com/log", 3, bytes(32), ("example.com/log",))
