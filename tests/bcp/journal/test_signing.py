"""Checkpoints: signed on time, and never one that contradicts the last."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bcp.journal import Journal, RolledBack
from bcp.journal.checkpoint import open_checkpoint
from bcp.journal.merkle import CompactRange, leaf_hash, verify_inclusion
from bcp.journal.note import VerifierKey
from bcp.journal.proof import TlogProof
from bcp.kit.errors import Unwritable
from tests.bcp.journal.helpers import OFFICER, DiskTrouble, create, fill, fresh, note, reopen
from tests.fakes import ManualClock


async def test_a_checkpoint_names_size_and_root_and_is_verified_by_the_key(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        await fill(journal, 4)
        data = await journal.checkpoint()

        key = VerifierKey.parse(journal.vkey)
        checkpoint, _ = open_checkpoint(data, [key], journal.identity.origin)
        assert (checkpoint.size, checkpoint.root) == (journal.size, journal.root)
        assert journal.signed == (checkpoint, data, ManualClock().utc())
        assert (tmp_path / "log-head" / "checkpoint").read_bytes() == data


async def test_a_proof_file_is_all_that_is_needed_to_check_one_entry(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        made = await fill(journal, 300)
        for entry in (made[0], made[254], made[255], made[-1]):
            proof = TlogProof.parse(await journal.prove(entry.seq))
            key = VerifierKey.parse(journal.vkey)
            checkpoint, _ = open_checkpoint(
                proof.checkpoint.encode(), [key], journal.identity.origin
            )
            verify_inclusion(
                leaf_hash(entry.data()),
                proof.index,
                checkpoint.size,
                proof.hashes,
                checkpoint.root,
            )


async def test_a_tree_that_contradicts_the_last_checkpoint_is_never_signed(tmp_path: Path) -> None:
    async with fresh(tmp_path) as journal:
        await fill(journal, 3)
        signed = await journal.checkpoint()
        signer = journal._opened.signer
        for size in (4, 5):
            leaves = [leaf_hash(bytes([item])) for item in range(size)]
            nodes = {(0, index): leaf for index, leaf in enumerate(leaves)}

            def made(level: int, index: int, value: bytes, nodes: Any = nodes) -> None:
                nodes[level, index] = value

            def node(level: int, index: int, nodes: Any = nodes) -> Any:
                return nodes[level, index]

            tree = CompactRange().extend(leaves, made)
            with pytest.raises(RolledBack) as caught:
                signer.sign(tree, node, ManualClock().utc)
            assert caught.value.next_step
        assert (tmp_path / "log-head" / "checkpoint").read_bytes() == signed


async def test_a_checkpoint_that_could_not_be_kept_is_not_shown(tmp_path: Path) -> None:
    trouble = DiskTrouble()
    async with fresh(tmp_path, fault=trouble) as journal:
        first = await journal.checkpoint()
        await fill(journal, 1)
        trouble.arm("checkpoint:before")
        with pytest.raises(Unwritable):
            await journal.checkpoint()
        assert journal.signed[1] == first

        trouble.heal()
        assert await journal.checkpoint() != first


@contextlib.asynccontextmanager
async def signing(journal: Journal):  # type: ignore[no-untyped-def]
    async with asyncio.TaskGroup() as group:
        task = group.create_task(journal.keep_signing(0.01, timedelta(hours=1)))
        yield
        task.cancel()


async def until_signed(journal: Journal, size: int) -> None:
    async with asyncio.timeout(60):
        while (last := journal.signed[0]) is None or last.size < size:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_entries_are_signed_soon_and_the_idle_log_every_hour(tmp_path: Path) -> None:
    clock = ManualClock()
    async with fresh(tmp_path, clock) as journal, signing(journal):
        await fill(journal, 2)
        await until_signed(journal, 3)
        first = journal.signed[2]

        await clock.advance(3600)
        async with asyncio.timeout(60):
            while journal.signed[2] == first:  # noqa: ASYNC110
                await asyncio.sleep(0.001)


async def test_a_critical_entry_is_signed_at_once(tmp_path: Path) -> None:
    async with (
        fresh(tmp_path, critical=("incident.",)) as journal,
        asyncio.TaskGroup() as group,
    ):
        task = group.create_task(journal.keep_signing(busy_seconds=3600))
        await asyncio.sleep(0)
        await journal.append(note(), op="1", actor=OFFICER)
        assert journal.signed[0] is None
        await journal.append(note(kind="incident.declared"), op="2", actor=OFFICER)
        await until_signed(journal, 3)
        task.cancel()


async def test_signing_goes_on_after_a_full_disk(tmp_path: Path) -> None:
    clock, trouble = ManualClock(), DiskTrouble()
    async with fresh(tmp_path, clock, fault=trouble) as journal:
        trouble.arm("store:before", "checkpoint:before")
        with pytest.raises(Unwritable):
            await journal.append(note(), op="1", actor=OFFICER)
        async with signing(journal):
            await asyncio.sleep(0.05)
            assert journal.signed[0] is None
            trouble.heal()
            await clock.advance(2)
            await until_signed(journal, 2)
        assert [entry.kind for entry in await journal.read(1)] == ["log.gap"]


async def test_the_checkpoint_survives_a_restart_and_a_changed_one_is_refused(
    tmp_path: Path,
) -> None:
    folder = create(tmp_path)
    async with reopen(folder) as journal:
        signed = await journal.checkpoint()
    async with reopen(folder) as journal:
        assert journal.signed[1] == signed
    path = tmp_path / "log-head" / "checkpoint"
    shutil.copy(path, tmp_path / "good")
    for at in range(0, len(signed), 7):
        path.write_bytes(signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :])
        with pytest.raises(Exception, match=r"trusted|checkpoint"):
            reopen(folder)
