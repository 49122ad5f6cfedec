"""The command line of emergency changes and announcements: its words and what they become."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

Leaf = Callable[[str, str, str], argparse.ArgumentParser]

NAMES: Mapping[str, str] = {
    "disaster change list": "disaster.changes",
    "disaster change open": "disaster.change",
    "disaster change revert": "disaster.change",
    "disaster change approve": "disaster.sign_change",
    "disaster change countersign": "disaster.sign_change",
    "disaster change extend": "disaster.sign_change",
}
"""Words -> operation, where they differ."""

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "disaster change list": ("incident",),
    "disaster change open": ("act", "id", "what", "cia", "of", "until", "system", "check"),
    "disaster change revert": ("act", "id", "what", "how"),
    "disaster change approve": ("act", "id", "reason"),
    "disaster change countersign": ("act", "id", "reason"),
    "disaster change extend": ("act", "id", "reason", "until"),
}
"""What each hands on of what was typed."""


def changes(leaf: Leaf) -> None:
    """`disaster change list|open|approve|countersign|extend|revert PLAN_DIR [ID]`."""
    made = leaf("change", "緊急変更を届け出る・承認する・戻す", "emergency changes")
    made.add_argument("act", choices=["list", "open", "approve", "countersign", "extend", "revert"])
    made.add_argument("id", nargs="?", metavar="ID", help="変更の名前 / name of the change")
    made.add_argument(
        "--what", help="何を緩めたか、どう戻し確かめたか / what, or how it was undone"
    )
    made.add_argument("--cia", choices=["C", "I", "A"], help="弱まるもの / what it weakens")
    made.add_argument(
        "--of", choices=["account", "port", "factor", "data", "other"], help="種類 / kind"
    )
    made.add_argument("--until", help="期限 2026-11-24T10:00 (JST) / its end")
    made.add_argument("--system", help="システム / system")
    made.add_argument("--check", help="戻ったことを示す検査 / check that proves the reversal")
    made.add_argument("--how", choices=["seen", "measured", "attested"], help="目視・実測・申告")
    made.add_argument("--reason", help="単独・延長の理由 / why alone, why longer")


def words_of(args: argparse.Namespace) -> str:
    """`disaster change open`: command, verb and act."""
    verb = getattr(args, "verb", None)
    act = args.act if verb == "change" else None
    return " ".join(str(part) for part in (args.command, verb, act) if part)


def special(_words: str, _args: argparse.Namespace) -> dict[str, Any]:
    """Parameters that are not simply a word of the same name."""
    return {}
