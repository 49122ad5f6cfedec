"""From the start of the process to ready, with the plan of a whole city; and how quick a word is.

The best of three: a busy machine is not our fault. The memory is that of the daemon when ready.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.frame import Row
from tests.service_process import Service

CITY = Path(__file__).resolve().parent.parent / "config" / "kurihara"


def seconds(*words: str) -> float:
    """A command from start to end."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "bcp", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    return time.monotonic() - begun


def start(data: Path) -> tuple[float, float, float]:
    """Seconds until ready, seconds of a processor used for it, megabytes in memory."""
    service = Service.over(CITY, data)
    try:
        ready = service.start()
        assert service.process is not None
        about = Path(f"/proc/{service.process.pid}")
        user, system = (about / "stat").read_text().rsplit(")", 1)[1].split()[11:13]
        computed = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        pages = int((about / "statm").read_text().split()[1])
        return ready, computed, pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    finally:
        service.stop()


def measure() -> list[Row]:
    """The frame's entry."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled
    with tempfile.TemporaryDirectory() as folder:
        found = [start(Path(folder) / "data") for _ in range(3)]
    ready, computed, memory = (min(values) for values in zip(*found, strict=True))
    return [
        Row("start until ready, plan of Kurihara", ready, 1.5, "s", "limit"),
        Row("the same, time of a processor", computed, 1.5, "s", "limit"),
        Row("memory when ready", memory, 256.0, "MB", "limit"),
        Row("--help", min(seconds("--help") for _ in range(3)), 0.5, "s", "limit"),
        Row(
            "check-config, plan of Kurihara",
            min(seconds("check-config", str(CITY)) for _ in range(3)),
            0.5,
            "s",
            "limit",
        ),
    ]
