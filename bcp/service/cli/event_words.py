"""The command line of emergency changes and announcements: its words and what they become."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from bcp.kit.errors import UsageError

AUDIENCES = ("staff", "residents", "press", "shelters", "vendors")
Leaf = Callable[[str, str, str], argparse.ArgumentParser]

_TEXTS = ("title", "body", "easy", "title_en", "body_en", "radio")

_BREACH = ("open", "preliminary", "final", "drop")

NAMES: Mapping[str, str] = {
    "disaster breach list": "disaster.breaches",
    **{f"disaster breach {act}": "disaster.breach" for act in _BREACH},
    "disaster change list": "disaster.changes",
    "disaster change open": "disaster.change",
    "disaster change revert": "disaster.change",
    "disaster change approve": "disaster.sign_change",
    "disaster change countersign": "disaster.sign_change",
    "disaster change extend": "disaster.sign_change",
}
"""Words -> operation, where they differ."""

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "disaster breach list": ("incident",),
    **{
        f"disaster breach {act}": ("act", "id", "harm", "what", "aware", "malicious", "system")
        for act in _BREACH
    },
    "disaster change list": ("incident",),
    "disaster change open": ("act", "id", "what", "cia", "of", "until", "system", "check"),
    "disaster change revert": ("act", "id", "what", "how"),
    "disaster change approve": ("act", "id", "reason"),
    "disaster change countersign": ("act", "id", "reason"),
    "disaster change extend": ("act", "id", "reason", "until"),
    "announce list": (),
    "announce show": ("id", "form"),
    "announce draft": (*_TEXTS, "audience", "next_update", "replaces", "correction", "step"),
    "announce approve": (
        *("id", "template", "alone", "audience", "next_update", "replaces", "correction", "step"),
        *_TEXTS,
    ),
    "announce publish": (
        *("template", "audience", "next_update", "replaces", "correction", "step"),
    ),
    "announce withdraw": ("id", "step", "reason", "hidden"),
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


def breaches(leaf: Leaf) -> None:
    """`disaster breach list|open|preliminary|final|drop PLAN_DIR [ID]`."""
    made = leaf("breach", "個人情報の報告の期限", "the duty to report personal data")
    made.add_argument("act", choices=["list", *_BREACH])
    made.add_argument("id", nargs="?", metavar="ID", help="P1 … (list で見る / see list)")
    made.add_argument("--harm", choices=["leak", "loss", "alteration"], help="漏えい・滅失・毀損")
    made.add_argument("--what", help="何が起きたか、だれに送ったか / what, or to whom it was sent")
    made.add_argument("--aware", help="知った時 2026-11-24T10:00 (JST) / aware since")
    made.add_argument("--malicious", action="store_true", default=None, help="不正な目的 / intent")
    made.add_argument("--system", help="システム / system")


def words_of(args: argparse.Namespace) -> str:
    """`disaster change open`: command, verb and act."""
    verb = getattr(args, "verb", None)
    act = args.act if verb in ("change", "breach") else None
    return " ".join(str(part) for part in (args.command, verb, act) if part)


def special(words: str, args: argparse.Namespace) -> dict[str, Any]:
    """Parameters that are not simply a word of the same name. Raises UsageError."""
    if words != "announce publish":
        return {}
    pairs = [one.partition("=") for one in args.set]
    if bad := [name for name, sign, _value in pairs if not sign]:
        raise UsageError("--set NAME=VALUE", got=bad[0])
    return {"values": {name: value for name, _sign, value in pairs}}


def announcements(leaf: Leaf) -> None:
    """`announce list|show|draft|approve|publish|withdraw PLAN_DIR …`."""
    leaf("list", "公開中・未承認・未発信・ひな形", "standing, waiting, due, templates")
    show = leaf("show", "文・放送文・電話文・ポスター", "one announcement in its forms")
    show.add_argument("id", metavar="ID")
    show.add_argument("--form", choices=["text", "radio", "phone", "poster"], default="text")
    draft = leaf("draft", "文を書く (別の人が承認する)", "write free text for another to approve")
    approve = leaf("approve", "下書き・ひな形・自分の文を承認する", "approve a draft or a template")
    approve.add_argument("id", nargs="?", metavar="ID", help="下書き / a draft")
    approve.add_argument("--template", help="この文面を承認する / approve these words")
    approve.add_argument("--alone", help="書いた本人が承認する理由 / why the writer approves")
    publish = leaf("publish", "承認済みのひな形で知らせる", "fill an approved template, show it")
    publish.add_argument("template", metavar="TEMPLATE")
    publish.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="空欄を埋める / fill in"
    )
    for made in (draft, approve):
        for name in _TEXTS:
            made.add_argument(f"--{name.replace('_', '-')}")
    for made in (draft, approve, publish):
        made.add_argument("--audience", choices=AUDIENCES)
        made.add_argument("--next-update", help="次の約束 2026-11-23T15:00 (JST) / next update")
        made.add_argument("--replaces", metavar="ID", help="差し替える相手 / what it replaces")
        made.add_argument("--correction", help="何が違っていたか (訂正) / what was wrong")
        made.add_argument("--step", help="求めた手順 / the step that asked for it")
    gone = leaf("withdraw", "取り下げる・出さないと決める", "withdraw, or leave out")
    gone.add_argument("id", nargs="?", metavar="ID")
    gone.add_argument("--step", help="この手順のお知らせは出さない / leave out this step's")
    gone.add_argument("--reason")
    gone.add_argument("--hidden", action="store_true", help="文面も消す / hide its words too")
