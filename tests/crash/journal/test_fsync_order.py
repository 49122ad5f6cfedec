"""A trace of the system calls: what was acknowledged had been synced before, store first, then head."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from bcp.journal import Journal
from bcp.kit.clock import SystemClock
from tests.bcp.journal.helpers import ORIGIN

STRACE = shutil.which("strace")
COMMANDS = 20

pytestmark = pytest.mark.crash

_CALL = re.compile(
    r"^\d+ +(fsync|fdatasync|write|pwrite64|rename\w*|link\w*)\(\d*<?([^>,)]*)>?(.*)$"
)


def trace(tmp_path: Path) -> list[tuple[str, str, str]]:
    """(call, file name, rest) of the traced child, in order of completion."""
    folder, acks, out = tmp_path / "log", tmp_path / "acks", tmp_path / "trace"
    Journal.create(folder, origin=ORIGIN, node="n1", clock=SystemClock())
    calls = "trace=fsync,fdatasync,write,pwrite64"
    command = [STRACE or "strace", "-f", "-y", "-s", "64", "-e", calls, "-o", str(out)]
    child = [sys.executable, "-m", "tests.crash.journal.worker", str(folder), str(acks)]
    done = subprocess.run(
        [*command, *child, str(COMMANDS)],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        timeout=120,
        check=False,
    )
    if done.returncode and b"PTRACE" in done.stderr.upper():
        pytest.skip("tracing is not permitted here")
    assert done.returncode == 0, done.stderr.decode()
    whole = _whole_lines(out.read_text(encoding="utf-8", errors="replace"))
    matches = (_CALL.match(line) for line in whole)
    return [(m[1], Path(m[2]).name, m[3]) for m in matches if m]


def _whole_lines(text: str) -> list[str]:
    """Calls interrupted by another thread's are put together where they end."""
    begun: dict[str, str] = {}
    lines = []
    for line in text.splitlines():
        pid = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            begun[pid] = line.removesuffix("<unfinished ...>")
        elif "resumed>" in line:
            lines.append(begun.pop(pid, pid + " ") + line.split("resumed>", 1)[1])
        else:
            lines.append(line)
    return lines


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
def test_store_and_head_are_synced_before_every_acknowledgement(tmp_path: Path) -> None:
    acknowledged = texts = 0
    synced: list[str] = []
    dirty: set[str] = set()
    stores = {"log.sqlite3-wal", "values.sqlite3-wal", "head"}
    for call, name, rest in trace(tmp_path):
        if call in ("fsync", "fdatasync"):
            assert rest.rstrip().endswith("= 0"), (call, name, rest)
            dirty.discard(name)
            synced.append(name)
        elif name == "acks":
            assert not dirty, f"acknowledged while {dirty} was not synced"
            ours = [item for item in synced if item in stores]
            order = [item for item, after in pairwise([*ours, None]) if item != after]
            with_text = ["values.sqlite3-wal", "log.sqlite3-wal", "head"]
            assert order in (with_text, with_text[1:]), order  # texts before their commitments
            texts += order == with_text
            acknowledged += 1
            synced.clear()
        elif name in stores:
            dirty.add(name)
    assert acknowledged == COMMANDS
    assert texts in (COMMANDS // 3, COMMANDS // 3 + 1)  # the first may come from making the table
