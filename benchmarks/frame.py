"""The frame: what a benchmark says, and the one command that runs them all.

`python -m benchmarks [NAME ...]` runs every module here that has `measure()` and prints one table
of ratios. Absolute figures move with the machine and its other work; the ratio of two things done
in the same run is the useful part.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass

import benchmarks


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: ours against a peer or limit, in the same unit, in the same run."""

    name: str
    ours: float
    peer: float
    unit: str
    peer_name: str

    @property
    def ratio(self) -> float:
        """ours / peer."""
        return self.ours / self.peer if self.peer else float("nan")


def modules() -> list[str]:
    """Every benchmark, by its module's name."""
    found = [info.name for info in pkgutil.iter_modules(benchmarks.__path__)]
    return sorted(name for name in found if name not in ("frame", "followers", "__main__"))


def run(names: Iterable[str]) -> list[Row]:
    """Measure the named benchmarks one after the other."""
    rows: list[Row] = []
    for name in names:
        rows += importlib.import_module(f"benchmarks.{name}").measure()
    return rows


def table(rows: Iterable[Row]) -> str:
    """Markdown, for the terminal and the README."""
    lines = ["| what | ours | peer | ratio |", "|---|---|---|---|"]
    lines += [
        f"| {row.name} | {row.ours:.4g} {row.unit} | {row.peer:.4g} {row.unit} ({row.peer_name}) "
        f"| {row.ratio:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)
