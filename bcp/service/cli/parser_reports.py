"""The words of `report`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

Leaf = Callable[[str, str, str], argparse.ArgumentParser]
"""(verb, Japanese, English) -> the parser, with plan and data folder."""


def add(leaf: Leaf) -> None:
    """Every report."""
    made = leaf("availability", "稼働報告", "availability")
    made.add_argument("--month", metavar="2026-11", help="月 / a month")
    made.add_argument("--fiscal-year", type=int, dest="year", metavar="2026", help="年度")
    made.add_argument("--from", dest="first", metavar="DAY")
    made.add_argument("--to", dest="last", metavar="DAY")
    made.add_argument("--format", choices=["text", "csv", "xlsx"], default="text")
    made.add_argument("--out", type=Path, metavar="FILE", help="csv・xlsx の書き先 / where to")
    proof = leaf("backups", "バックアップの証拠報告書", "evidence of backups")
    proof.add_argument("--system", metavar="ID", help="このシステムだけ / only this system")
    proof.add_argument("--format", choices=["text", "xlsx"], default="text")
    proof.add_argument("--out", type=Path, metavar="FILE", help="xlsx の書き先 / where to")
