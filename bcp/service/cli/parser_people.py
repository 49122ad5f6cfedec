"""The words for accounts, visiting helpers and sealed codes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

Sub = argparse._SubParsersAction  # argparse gives this type no public name
Leaf = Callable[..., argparse.ArgumentParser]
Group = Callable[..., Any]


def people(commands: Sub[argparse.ArgumentParser], leaf: Leaf, group: Group) -> None:
    """`user` and `break-glass`; `leaf` and `group` are the grammar's own makers."""
    _user(commands, leaf, group)
    _break_glass(commands, leaf, group)


def _user(commands: Sub[argparse.ArgumentParser], leaf_: Leaf, group_: Group) -> None:
    group = group_(commands, "user", "利用者", "people with an account")
    for verb, ja, en in (
        ("add", "足す", "add"),
        ("passwd", "合言葉を変える", "change the passphrase"),
        ("disable", "止める", "disable"),
        ("list", "一覧", "list"),
    ):
        leaf = leaf_(group, verb, ja, en, data=True)
        if verb != "list":
            leaf.add_argument("login", metavar="LOGIN")
        if verb == "add":
            leaf.add_argument("--name", required=True)
            leaf.add_argument("--role", action="append", required=True)
            leaf.add_argument(
                "--until", help="応援の期限 2026-12-01T18:00 / end of a helper's stay"
            )
            for scope in ("system", "site", "runbook"):
                leaf.add_argument(
                    f"--{scope}",
                    action="append",
                    default=[],
                    metavar="ID",
                    help="応援の範囲 / what is lent to a visiting helper",
                )
        if verb in ("add", "passwd"):
            leaf.add_argument("--password-file", type=Path, help="省くと端末で聞く / else ask")


def _break_glass(commands: Sub[argparse.ArgumentParser], leaf_: Leaf, group_: Group) -> None:
    group = group_(commands, "break-glass", "緊急用封印コード", "sealed codes for who arrives")
    issue = leaf_(
        group, "issue", "封筒を作り、紙に出す", "make an envelope and print it", data=True
    )
    issue.add_argument("--site", required=True, metavar="ID", help="拠点 / site")
    issue.add_argument("--count", type=int, default=10, help="枚数 (既定 10) / cards")
    issue.add_argument(
        "--keep",
        action="store_true",
        help="前の封筒も残して足す (省くと前の封筒は無効) / keep the older envelopes valid",
    )
    issue.add_argument("--out", type=Path, default=Path(), help="書き出すフォルダ / where to")
    issue.add_argument("--address", help="紙に書くこの画面の場所 http://192.0.2.10:8420 / printed")
    listing = leaf_(group, "list", "状態の一覧 (符号は出ない)", "states, never codes", data=True)
    revoke = leaf_(group, "revoke", "無効にする", "revoke", data=True)
    revoke.add_argument("numbers", nargs="*", type=int, metavar="NUMBER")
    for leaf in (listing, revoke):
        leaf.add_argument("--site", metavar="ID")
    for leaf in (issue, listing, revoke):
        leaf.add_argument(
            "--plan", type=Path, metavar="PLAN_DIR", help="計画 (なくてもよい) / optional"
        )
