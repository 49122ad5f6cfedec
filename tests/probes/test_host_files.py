"""Kind `host_files` on real files, modes and ACLs."""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.kit import process
from bcp.watch.check import Env, HostAccess
from bcp.watch.values import Finding, FindingResult, Outcome, Severity, Status
from probes.confidentiality import contents
from probes.confidentiality.access import AclEntry, grants_of_acl, parse_acl
from tests.probes.conftest import Look

KEY = "-----BEGIN PRIVATE KEY-----\nnot a real one\n"
FAIL, PASS, BLIND = FindingResult.FAIL, FindingResult.PASS, FindingResult.NOT_CHECKED


def _write(path: Path, content: str | bytes = KEY, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def _of(outcome: Outcome, rule: str, result: FindingResult = FAIL) -> list[Finding]:
    return [f for f in outcome.findings if f.id == rule and f.result is result]


def _place(path: Path, holds: str, **more: Any) -> dict[str, Any]:
    return {"path": str(path), "holds": holds, **more}


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    old = os.umask(0o077)
    yield
    os.umask(old)


@pytest.mark.parametrize(
    ("holds", "mode", "rule"),
    [
        ("private_key", 0o644, "file.private_key_readable"),
        ("private_key", 0o602, "file.private_key_readable"),
        ("dump", 0o604, "file.backup_dump_readable"),
        ("dump", 0o602, "file.backup_world_writable"),
        ("password_file", 0o604, "file.password_file_readable"),
        ("pgpass", 0o604, "file.pgpass_readable"),
        ("authorized_keys", 0o646, "file.authorized_keys_writable"),
        ("sudoers", 0o442, "file.sudoers_writable"),
        ("shadow", 0o604, "file.shadow_readable"),
    ],
)
async def test_an_open_mode_is_a_finding_and_a_closed_one_passes(
    look: Look, tmp_path: Path, holds: str, mode: int, rule: str
) -> None:
    file = _write(tmp_path / "a" / "file", "x", mode)
    places = [_place(file, holds, owners=["root", file.owner()])]

    open_ = await look("host_files", places=places)
    file.chmod(0o600)
    closed = await look("host_files", places=places)

    assert len(_of(open_, rule)) == 1
    assert _of(open_, rule)[0].subject == str(file)
    assert f"{mode:04o}" in _of(open_, rule)[0].observed
    assert open_.status in (Status.FAILED, Status.DEGRADED)
    assert closed.status is Status.OK, closed.findings
    assert _of(closed, rule, PASS)


@pytest.mark.skipif(not shutil.which("setfacl"), reason="the package acl is not installed")
async def test_an_acl_that_ls_hides_is_found(look: Look, tmp_path: Path) -> None:
    file = _write(tmp_path / "server.key")
    done = await process.run(["setfacl", "-m", "u:daemon:r", str(file)], deadline=10)
    if done.returncode:
        pytest.skip(f"no ACLs here: {done.last_lines}")

    outcome = await look("host_files", places=[_place(file, "private_key")])

    (finding,) = _of(outcome, "file.acl_grants_access")
    assert "user:daemon:r--" in finding.observed
    assert not _of(outcome, "file.private_key_readable")  # the group itself has no right
    assert outcome.status is Status.FAILED


@pytest.mark.skipif(not shutil.which("setfacl"), reason="the package acl is not installed")
async def test_a_default_acl_counts_for_what_comes_and_the_mask_limits(
    look: Look, tmp_path: Path
) -> None:
    later, masked = tmp_path / "later", tmp_path / "masked"
    later.mkdir()
    _write(masked)
    one = await process.run(["setfacl", "-d", "-m", "u:daemon:rx", str(later)], deadline=10)
    two = await process.run(["setfacl", "-m", "u:daemon:r,m::-", str(masked)], deadline=10)
    if one.returncode or two.returncode:
        pytest.skip("no ACLs here")

    outcome = await look(
        "host_files", places=[_place(later, "folder"), _place(masked, "private_key")]
    )

    (finding,) = _of(outcome, "file.acl_grants_access")
    assert finding.subject == str(later)
    assert "default:user:daemon:r-x" in finding.observed


async def test_a_closed_folder_above_takes_one_step_off(look: Look, tmp_path: Path) -> None:
    file = _write(tmp_path / "closed" / "server.key", mode=0o644)
    file.parent.chmod(0o700)

    outcome = await look("host_files", places=[_place(file, "private_key")])

    (finding,) = _of(outcome, "file.private_key_readable")
    assert finding.severity is Severity.HIGH
    assert "closed above" in finding.observed


async def test_an_allowed_group_is_no_stranger(look: Look, tmp_path: Path) -> None:
    file = _write(tmp_path / "server.key", mode=0o640)
    try:
        os.chown(file, -1, 1)  # group daemon
    except PermissionError:
        pytest.skip("only root changes groups")

    stranger = await look("host_files", places=[_place(file, "private_key")])
    allowed = await look("host_files", places=[_place(file, "private_key", groups=["daemon"])])

    assert _of(stranger, "file.private_key_readable")
    assert allowed.status is Status.OK


async def test_a_folder_of_certificates_is_searched_for_keys_by_content(
    look: Look, tmp_path: Path
) -> None:
    _write(tmp_path / "tls/site.crt", "-----BEGIN CERTIFICATE-----", 0o644)
    _write(tmp_path / "tls/old/site.txt", KEY, 0o644)

    outcome = await look("host_files", places=[_place(tmp_path / "tls", "private_key")])

    assert [f.subject for f in _of(outcome, "file.private_key_readable")] == [
        str(tmp_path / "tls/old/site.txt")
    ]


async def test_a_link_is_judged_by_what_it_leads_to(look: Look, env: Env, tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    _write(outside / "far.key", mode=0o644)
    _write(inside / "real.key", mode=0o644)
    (inside / "link.key").symlink_to(inside / "real.key")
    (inside / "far.key").symlink_to(outside / "far.key")
    (inside / "broken.key").symlink_to(inside / "none")
    (inside / "loop").symlink_to(inside)
    here = replace(env, host=HostAccess((inside,)))

    outcome = await look("host_files", env=here, places=[_place(inside, "private_key")])

    assert len(_of(outcome, "file.private_key_readable")) == 1
    (blind,) = _of(outcome, "file.private_key_readable", BLIND)
    assert blind.subject == str(inside / "far.key")


async def test_what_may_not_be_read_is_not_checked_and_never_good(
    look: Look, tmp_path: Path
) -> None:
    outside = await look("host_files", places=[_place(Path("/etc/shadow"), "shadow")])
    absent = await look("host_files", places=[_place(tmp_path / "none", "dump")])
    optional = await look("host_files", places=[_place(tmp_path / "none", "dump", optional=True)])

    assert outside.status is Status.UNKNOWN
    assert outside.facts["not_checked"] == 1
    assert absent.status is Status.UNKNOWN
    assert optional.findings[0].result is FindingResult.NOT_APPLICABLE


async def test_the_walk_stops_at_its_cap_and_says_so(look: Look, tmp_path: Path) -> None:
    for number in range(20):
        _write(tmp_path / f"dumps/{number:02}", "x")

    outcome = await look("host_files", places=[_place(tmp_path / "dumps", "dump")], max_entries=10)

    assert outcome.status is Status.UNKNOWN
    assert any("max_entries" in f.observed for f in outcome.findings)


async def test_many_faults_are_named_up_to_a_limit(look: Look, tmp_path: Path) -> None:
    for number in range(70):
        _write(tmp_path / f"dumps/{number:02}", "x", 0o604)

    outcome = await look("host_files", places=[_place(tmp_path / "dumps", "dump")])

    found = _of(outcome, "file.backup_dump_readable")
    assert len(found) == 51
    assert found[-1].subject.endswith("…") or any(f.subject.endswith("…") for f in found)


async def test_a_password_beside_the_repository_it_opens(look: Look, tmp_path: Path) -> None:
    repository = tmp_path / "backup" / "repo"
    _write(repository / "config", b"\x01")
    _write(repository / "keys/aa", '{"kdf":"scrypt"}')
    _write(repository / "data/00/aabb", b"\x00")
    _write(tmp_path / "backup/restic-password", "kurikoma-1234\n")
    _write(tmp_path / "backup/README", "password: ask the safe\n")

    outcome = await look("host_files", places=[_place(repository, "repository")])

    (finding,) = _of(outcome, "file.secret_in_backup_dir")
    assert finding.subject.endswith("restic-password")
    assert _of(outcome, "backup.unencrypted_at_rest", PASS)
    assert "kurikoma" not in repr(outcome)


async def test_a_cancelled_walk_ends_its_thread(env: Env, look: Look, tmp_path: Path) -> None:
    for number in range(200):
        _write(tmp_path / f"d/{number}", "x")
    async with asyncio.TaskGroup() as group:
        run = group.create_task(look("host_files", places=[_place(tmp_path / "d", "dump")]))
        await asyncio.sleep(0)
        run.cancel()

    assert run.cancelled()  # and closing the workers in the fixture does not hang


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"-- PostgreSQL database dump\n", "plain"),
        (b"PGDMP\x01\x0e", "plain"),
        (b"SQLite format 3\x00", "plain"),
        (b"age-encryption.org/v1\n", "encrypted"),
        (b"Salted__12345678", "encrypted"),
        (b"PK\x03\x04\x14\x00\x01\x00x", "encrypted"),
        (b"PK\x03\x04\x14\x00\x00\x00x", "plain"),
        (b"\x8c\x0d\x04\x09", None),
        (b"", None),
    ],
)
def test_only_what_is_proven_is_called_plain(data: bytes, expected: str | None) -> None:
    found = contents.protection(data)

    assert (found[0] if found else None) == expected


_PERMS = st.integers(0, 7)
_ENTRIES = st.lists(
    st.one_of(
        st.builds(AclEntry, st.sampled_from([0x02, 0x08]), _PERMS, st.integers(0, 2**32 - 2)),
        st.builds(AclEntry, st.sampled_from([0x01, 0x04, 0x10, 0x20]), _PERMS, st.none()),
    ),
    max_size=12,
)


@given(_ENTRIES)
def test_an_acl_reads_back_as_it_was_stored(entries: list[AclEntry]) -> None:
    data = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", e.tag, e.perms, 0xFFFFFFFF if e.id is None else e.id) for e in entries
    )

    assert parse_acl(data) == tuple(entries)


@given(_ENTRIES, st.integers(0, 7))
def test_nobody_named_has_more_than_the_mask(entries: list[AclEntry], mask: int) -> None:
    entries = [AclEntry(0x10, mask, None), *(e for e in entries if e.tag != 0x10)]

    for grant in grants_of_acl(entries, 5):
        assert grant.who == "others" or not grant.perms & ~mask


@given(st.binary(max_size=64))
def test_bytes_that_are_no_acl_are_refused_not_misread(data: bytes) -> None:
    try:
        parse_acl(data)
    except ValueError:
        return
    assert data[:4] == b"\x02\x00\x00\x00"
