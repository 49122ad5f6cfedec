"""What restic says, as recorded from 0.14.0 to 0.19.1, and what it means."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.restic import arguments, parsing
from backups.restic.arguments import Target
from backups.restic.restic import Restic, ResticMissing, detect
from backups.restic.verdict import Verdict, judge
from backups.restic.version import Version, parse_version
from bcp.kit.errors import UsageError
from bcp.kit.process import Completed

LOCKED = (
    "unable to create lock in backend: repository is already locked by PID 3878 on vm by root "
    "(UID 0, GID 0)\nlock was created at 2026-11-23 11:37:36 (2.07s ago)\nstorage ID 5298164f\n"
)


def ended(code: int, err: str = "", out: str = "", timed_out: bool = False) -> Completed:
    return Completed(("restic",), code, out.encode(), err.encode(), timed_out, 1.0)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (ended(0), Verdict.GOOD),
        (ended(1, LOCKED), Verdict.BUSY),
        (ended(11, json.dumps({"message_type": "exit_error", "code": 11}), '{"message_type":"summary","num_errors":1}'), Verdict.BUSY),
        (ended(1, "Fatal: wrong password or no key found\n"), Verdict.WRONG_PASSWORD),
        (ended(12, "Fatal: wrong password or no key found\n"), Verdict.WRONG_PASSWORD),
        (ended(1, "Fatal: unable to open config file: stat /x/config: no such file or directory\nIs there a repository at the following location?\n/x\n"), Verdict.NO_REPOSITORY),
        (ended(10, "Fatal: repository does not exist"), Verdict.NO_REPOSITORY),
        (ended(1, "pack 4b39: does not exist\nFatal: repository contains errors\n"), Verdict.DAMAGED),
        (ended(1, "error: error loading index 1ce4: load <index/1ce4>: invalid data returned\nFatal: LoadIndex returned errors\n"), Verdict.DAMAGED),
        (ended(2, "creating restorer failed: load <snapshot/6c1e>: invalid data returned\n"), Verdict.DAMAGED),
        (ended(1, '{"message_type":"error","error":{"message":"ciphertext verification failed"},"during":"restore","item":"/a"}\n{"message_type":"exit_error","code":1,"message":"Fatal: There were 2 errors"}'), Verdict.DAMAGED),
        (ended(1, "write /scratch/x: no space left on device\nFatal: There were 2 errors\n"), Verdict.NO_SPACE),
        (ended(1, "Fatal: unable to open config file: permission denied\n"), Verdict.INCONCLUSIVE),
        (ended(1, "Fatal: dial tcp 10.0.0.1:8000: connect: connection refused\n"), Verdict.UNREACHABLE),
        (ended(1, "Fatal: repository contains errors\nread tcp: connection reset by peer\n", timed_out=True), Verdict.UNREACHABLE),
        (ended(1, "returned error, retrying: connection refused\nsignal interrupt received, cleaning up", timed_out=True), Verdict.UNREACHABLE),
        (ended(1, "subprocess ssh: Host key verification failed.\nFatal: unable to start the sftp session, error: EOF\n"), Verdict.UNTRUSTED),
        (ended(1, "Head: tls: failed to verify certificate: x509: certificate signed by unknown authority\n"), Verdict.UNTRUSTED),
        (ended(1, "subprocess ssh: city@nas: Permission denied (publickey).\nFatal: unable to start the sftp session, error: EOF\n"), Verdict.DENIED),
        (ended(1, "Fatal: unable to open config file: unexpected HTTP response (401): 401 Unauthorized\nIs there a repository at the following location?\n"), Verdict.DENIED),
        (ended(1, "error: pack 4b39: connection lost\nFatal: repository contains errors\n"), Verdict.UNREACHABLE),
        (ended(3, '{"message_type":"exit_error","code":3}'), Verdict.INCOMPLETE),
        (ended(130), Verdict.INCONCLUSIVE),
        (ended(99, "repository contains errors"), Verdict.INCONCLUSIVE),
        (ended(-9, "pack 4b39: does not exist\nFatal: repository contains errors\n"), Verdict.INCONCLUSIVE),
        (ended(1, "Fatal: repository contains errors", timed_out=True), Verdict.INCONCLUSIVE),
        (ended(1, "something new"), Verdict.INCONCLUSIVE),
    ],
)  # fmt: skip
def test_an_end_has_one_meaning(said: Completed, meant: Verdict) -> None:
    assert judge(said).verdict is meant


def test_versions_are_read_as_text_and_as_json() -> None:
    assert parse_version(b"restic 0.14.0 compiled with go1.19.8 on linux/amd64\n") == Version(
        0, 14, 0
    )
    assert parse_version(b'{"message_type":"version","version":"0.19.1"}\n') == Version(0, 19, 1)
    assert parse_version(b"rustic 1.0") is None
    assert parse_version(b"") is None
    assert not Version(0, 13, 9).supported


def test_the_newest_fields_and_their_absence_are_read() -> None:
    line = '{"time":"2026-11-23T11:32:45.182201199Z","tree":"ef","paths":["/a"],"hostname":"vm","tags":["ict-bcp","run:x"],"id":"ab","short_id":"ab"}'
    found = parsing.snapshots(f"some text\n[{line}]\n".encode())
    assert found is not None
    assert arguments.run_of(found[0].tags) == "x"
    assert found[0].time.microsecond == 182201
    assert parsing.snapshots(b"[]") == ()
    assert parsing.snapshots(b"null") == ()
    assert parsing.snapshots(b"no json here") is None
    assert parsing.snapshots(b'[{"id":"ab"}]') is None
    empty = parsing.summary(b'text\n{"message_type":"summary","snapshot_id":"1de96990"}\nmore')
    assert empty is not None
    assert (empty.snapshot_id, empty.files, empty.bytes_added) == ("1de96990", 0, 0)
    assert parsing.summary(b"") is None
    assert parsing.check_errors(b'{"message_type":"summary","broken_packs":null}') == 0
    assert parsing.check_errors(b"no errors were found") is None


@given(st.binary(max_size=300))
def test_no_output_breaks_the_readers(output: bytes) -> None:
    snapshots, far = parsing.snapshots(output), parsing.progress(output)
    assert snapshots is None or all(len(one.id) == 64 for one in snapshots)
    assert parsing.summary(output) is None or b"summary" in output
    assert far is None or far.bytes_done >= 0
    known = parsing.repository_id(output)
    assert known is None or len(known) == 64
    assert isinstance(parsing.error_text(output), str)
    version = parse_version(output)
    assert version is None or b"restic" in output or b"version" in output


@pytest.mark.parametrize("value", ["latest", "1de96990", "", "A" * 64, "a" * 65, "../" + "a" * 61])
def test_only_full_ids_reach_a_command_line(value: str) -> None:
    with pytest.raises(UsageError):
        arguments.snapshot_id(value)


def _target(tmp_path: Path, program: str) -> Target:
    return Target(program, str(tmp_path / "r"), tmp_path / "pw", tmp_path / "c", tmp_path / "t")


def test_no_command_line_holds_a_forbidden_word(tmp_path: Path) -> None:
    target = _target(tmp_path, "restic")
    lines = [
        arguments.snapshots(target),
        arguments.unlock(target),
        arguments.check(target, (3, 7)),
        arguments.restore(target, "a" * 64, tmp_path),
        arguments.backup(
            target, Version(0, 19), [tmp_path], run="r", parent=None, exclude_file=None
        ),
        arguments.backup(
            target, Version(0, 14), [tmp_path], run="r", parent="b" * 64, exclude_file=None
        ),
    ]
    for line in lines:
        assert not {"latest", "--remove-all", "--password-command", "--ignore-ctime"} & set(line)
        assert "--password-file" in line
    assert "--retry-lock" not in lines[-1], "0.14 does not know it"
    assert "--force" in lines[-2]
    assert set(arguments.environment(target)) == {
        "PATH", "HOME", "TMPDIR", "LANG", "RESTIC_PROGRESS_FPS",
    }  # fmt: skip


def _program(tmp_path: Path, body: str) -> str:
    path = tmp_path / "fake-restic"
    path.write_text(f"#!/usr/bin/env python3\nimport sys\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def test_a_flood_on_both_pipes_is_drained_and_lines_of_any_kind_are_tolerated(
    tmp_path: Path,
) -> None:
    body = """
for n in range(3000):
    print("not json at all", n, "x" * 900)
    sys.stderr.write('{"message_type":"error","error":{"message":"e"}}' + "y" * 900 + "\\n")
    print('{"message_type":"status","percent_done":0.5}')
print('{"broken json')
print('{"message_type":"summary","snapshot_id":"%s","total_files_processed":3}' % ("a" * 64))
"""
    target = _target(tmp_path, _program(tmp_path, body))
    seen: list[float] = []
    answer = await Restic(target, Version(0, 19)).backup(
        [tmp_path],
        run="r",
        tags=(),
        parent=None,
        exclude_file=None,
        deadline=30,
        on_progress=lambda p: seen.append(p.ratio),
    )
    assert answer.value is not None
    assert answer.value.files == 3
    assert len(seen) == 3000


async def test_an_output_that_cannot_be_read_is_inconclusive(tmp_path: Path) -> None:
    target = _target(tmp_path, _program(tmp_path, "print('all is well')"))
    answer = await Restic(target, Version(0, 19)).snapshots()
    assert answer.value is None
    assert answer.judgement.verdict is Verdict.INCONCLUSIVE


async def test_a_program_that_hangs_is_stopped_and_inconclusive(tmp_path: Path) -> None:
    body = "import time\nprint('no errors', flush=True)\ntime.sleep(60 * ('check' in sys.argv))"
    target = _target(tmp_path, _program(tmp_path, body))
    answer = await Restic(target, Version(0, 14)).check(deadline=0.3)
    assert answer.judgement.verdict is Verdict.INCONCLUSIVE


async def test_no_restic_a_stranger_and_a_too_old_one_are_named(tmp_path: Path) -> None:
    for program in (
        str(tmp_path / "none"),
        _program(tmp_path, "print('restic 0.12.1 compiled with go')"),
    ):
        with pytest.raises(ResticMissing) as caught:
            await detect(program)
        assert "0.14" in str(caught.value)
    with pytest.raises(ResticMissing):
        await detect(_program(tmp_path, "print('hello')"))


def test_the_line_that_decided_is_shown_even_when_a_trace_follows_it() -> None:
    trace = "".join(f"main.f{n}\n\tgithub.com/restic/restic/cmd/x.go:{n}\n" for n in range(20))
    judged = judge(ended(1, f"create /repo/locks/1: no space left on device\n{trace}"))
    assert judged.verdict is Verdict.NO_SPACE
    assert judged.reason.startswith("create /repo/locks/1: no space left on device\n")
