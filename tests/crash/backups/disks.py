"""Small disks of their own under parts of a world, filled to the last byte and freed again."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.crash.backups.killing import Strike

FILLER = ".filler"


@contextmanager
def mounted(place: Path, mebibytes: int) -> Iterator[Path]:
    """An empty file system of this size in place of a folder; the world's next reset fills it."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(place)]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    if said.returncode:
        pytest.skip(f"no file system can be mounted here: {said.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> None:
    """Not one more byte: what somebody frees meanwhile is not taken."""
    file = os.open(disk / FILLER, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        end = os.fstat(file).st_size
        for step in (16 << 20, 1 << 20, 64 << 10, 4096):
            with contextlib.suppress(OSError):
                while True:
                    os.posix_fallocate(file, end, step)
                    end += step
    finally:
        os.close(file)


def filling(disk: Path) -> Strike:
    """Fills the disk at the moment."""

    def strike(pid: int, restics: dict[int, str]) -> tuple[str, ...]:
        fill(disk)
        return ("disk",)

    return strike


def free(disk: Path) -> None:
    (disk / FILLER).unlink(missing_ok=True)
