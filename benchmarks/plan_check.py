"""Reading a plan of ten thousand checks: the whole program against bare PyYAML on the same file.

Counted are user seconds and the most memory of a process of its own. It is started by a shell: what
the kernel tells of a child's memory begins with that of the process that forked it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.frame import Row
from tests.large_plan import write

_BARE = "import sys, yaml; yaml.load(open(sys.argv[1]), Loader=yaml.CSafeLoader)"
_WEIGH = (
    "import os, subprocess, sys; subprocess.run(sys.argv[1:], capture_output=True, check=False);"
    "import resource as r; u = r.getrusage(r.RUSAGE_CHILDREN); print(u.ru_utime, u.ru_maxrss)"
)


def weigh(*command: str) -> tuple[float, float]:
    """User seconds and most memory (MB) of one run of a program."""
    answer = subprocess.run(
        [sys.executable, "-c", _WEIGH, *command], capture_output=True, text=True, check=True
    )
    seconds, most = answer.stdout.split()
    return float(seconds), int(most) / 1e3


def measure() -> list[Row]:
    """The frame's entry."""
    with tempfile.TemporaryDirectory() as folder:
        plan = write(Path(folder), 10_000)
        ours, memory = weigh(sys.executable, "-m", "bcp", "check-config", str(plan))
        bare, bare_memory = weigh(sys.executable, "-c", _BARE, str(plan / "checks.yaml"))
    return [
        Row("check-config, 10,000 checks", ours, bare, "s CPU", "PyYAML, C loader"),
        Row("check-config, 10,000 checks", memory, bare_memory, "MB", "PyYAML, C loader"),
    ]
