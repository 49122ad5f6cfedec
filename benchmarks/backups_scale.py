"""A manifest of a million files: how long it takes and how much memory.

The million names are hard links to sixteen files: walking, hashing and writing are all done a million
times, and the disk holds only the names.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.frame import Row

MILLION = 1_000_000
PER_FOLDER, PER_FILE = 1_000, 62_500
MEMORY_MB = 150.0

_CHILD = """
import asyncio, resource, sys
from pathlib import Path
from backups import manifest
from bcp.kit.workers import Workers

async def main():
    workers = Workers(threads=8)
    taken = await manifest.write(workers, [Path(sys.argv[1])], Path(sys.argv[2]))
    workers.close()
    print(taken.files, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

asyncio.run(main())
"""


def measure() -> list[Row]:
    """Once: the size speaks for itself."""
    with tempfile.TemporaryDirectory(prefix="million-") as name:
        tree = Path(name) / "tree"
        _links(tree)
        started = time.perf_counter()
        words = [sys.executable, "-c", _CHILD, str(tree), f"{name}/manifest"]
        said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        seconds = time.perf_counter() - started
        files, kib = map(int, said.split())
        if files != MILLION:
            raise RuntimeError(f"{files} files instead of {MILLION}")
        started = time.perf_counter()
        _sums(tree)
        sums = time.perf_counter() - started
    return [
        Row("manifest of 1,000,000 files, resident", kib / 1024, MEMORY_MB, "MiB", "limit"),
        Row("manifest of 1,000,000 files", seconds, sums, "s", "find | xargs sha256sum"),
    ]


def _sums(tree: Path) -> None:
    with subprocess.Popen(
        ["find", str(tree), "-type", "f", "-print0"], stdout=subprocess.PIPE
    ) as find:
        words = ["xargs", "-0", "sha256sum"]
        subprocess.run(words, stdin=find.stdout, stdout=subprocess.DEVNULL, check=True)


def _links(tree: Path) -> None:
    tree.mkdir()
    source = b""
    for index in range(MILLION):
        if index % PER_FOLDER == 0:
            folder = os.fsencode(tree / f"{index // PER_FOLDER:04}")
            os.mkdir(folder)  # noqa: PTH102 - a million paths: bytes
        path = folder + b"/%07d" % index
        if index % PER_FILE == 0:
            source = path
            with open(path, "wb") as file:  # noqa: PTH123 - likewise
                file.write(os.urandom(1_000))
        else:
            os.link(source, path)
