"""Kind `ping` against a kernel that answers: in a network namespace the test makes for itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNSHARE = shutil.which("unshare")


def possible() -> bool:
    """Whether this user may make a network namespace here and change its settings."""
    if UNSHARE is None or shutil.which("ip") is None or os.geteuid() != 0:
        return False
    tried = subprocess.run([UNSHARE, "--net", "ip", "link", "set", "lo", "up"], capture_output=True)
    return tried.returncode == 0


@pytest.mark.skipif(not possible(), reason="needs root, unshare and ip to make a network namespace")
def test_ping_is_refused_answered_unreachable_and_unanswered(repo_root: Path) -> None:
    assert UNSHARE is not None
    done = subprocess.run(
        [UNSHARE, "--net", sys.executable, "-m", "tests.probes.ping_in_namespace"],
        capture_output=True,
        text=True,
        cwd=repo_root,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    refused, four, six, nowhere, mute = (json.loads(line) for line in done.stdout.splitlines())
    assert refused["status"] == "unknown"
    assert "net.ipv4.ping_group_range" in refused["sentence"]
    for answer in (four, six):
        assert (answer["status"], answer["loss"]) == ("ok", 0), answer
        assert "応答" in answer["sentence"]
    assert nowhere["status"] in ("unknown", "failed"), nowhere
    assert "応答 (" not in nowhere["sentence"]
    assert mute["status"] == "failed"
    assert "3回とも応答なし" in mute["sentence"]
