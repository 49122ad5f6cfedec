"""The words of `runbook`: lint, print, export."""

from __future__ import annotations

import argparse
from pathlib import Path

from bcp.service.cli.parser import Sub, _group, _leaf


def runbook(commands: Sub[argparse.ArgumentParser]) -> None:
    group = _group(commands, "runbook", "手順書", "runbooks")
    lint = _leaf(group, "lint", "手順書の誤りを探す", "faults of the runbooks")
    lint.add_argument("plan", nargs="?", type=Path, metavar="PLAN_DIR")
    lint.add_argument("runbook", nargs="?", metavar="RUNBOOK")
    lint.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="この記録も見る (訓練・実測・控えの古さ) / look into this log too",
    )
    lint.add_argument("--rules", action="store_true", help="規則の一覧 / the rules")
    sheet = _leaf(group, "print", "紙に出す (PDF)", "print as PDF", plan=True, data=True)
    sheet.add_argument(
        "runbook",
        nargs="?",
        metavar="RUNBOOK|contacts|damage|first-arrival",
        help="省くと全部 / all when left out",
    )
    sheet.add_argument(
        "--set",
        action="append",
        default=[],
        dest="sets",
        metavar="7|8|9|10|11|12|16|17|card|first-hour|network|log|media|counter|runbooks",
        help="様式番号などで選ぶ (何度でも) / choose by form",
    )
    _register(sheet)
    sheet.add_argument("--role", metavar="ROLE", help="この役割のものだけ / of this role")
    sheet.add_argument("--site", metavar="SITE", help="この拠点のものだけ / of this site")
    sheet.add_argument(
        "--damage", type=int, default=10, help="被害チェックシートの枚数 / blank damage sheets"
    )
    sheet.add_argument("--out", type=Path, default=Path(), help="書き出すフォルダ / where to")
    sheet.add_argument(
        "--drill", action="store_true", help="【訓練】の印を付ける / mark as a drill"
    )
    export = _leaf(
        group, "export", "ほかの形で書き出す", "write in another form", plan=True, data=True
    )
    export.add_argument(
        "runbook", nargs="?", metavar="RUNBOOK", help="省くと全部 / all when left out"
    )
    export.add_argument(
        "--format",
        choices=["html", "cacao", "json"],
        default="html",
        help="html 持ち出しファイル (既定), cacao CACAO 2.0, json / carry-out file (default), …",
    )
    _register(export)
    export.add_argument("--out", type=Path, default=Path(), help="書き出すフォルダ / where to")
    export.add_argument(
        "--contacts",
        action="store_true",
        help="連絡先も入れる: 登録して管理する控えになる / with contacts: a registered copy",
    )
    copies = _leaf(
        group, "copies", "紙の控えの台帳", "register of printed copies", plan=True, data=True
    )
    copies.add_argument("--issue-to", metavar="SITE", help="刷って置いた拠点 / where it now lies")
    copies.add_argument("--holder", metavar="ROLE", help="持つ役割 / who keeps it")
    copies.add_argument("--set", action="append", default=[], dest="sets", metavar="SET")
    copies.add_argument("--due", metavar="2027-04-30", help="次の刷り直し / next reprint")
    copies.add_argument("--end", metavar="COPY", help="終わりにする控え / copy that is no more")
    copies.add_argument("--how", choices=["returned", "destroyed", "lost"], default="returned")


def _register(parser: argparse.ArgumentParser) -> None:
    """Enter what is written into the register of copies, in the same call."""
    parser.add_argument(
        "--issue-to",
        metavar="SITE",
        help="控えとして登録する: 置く拠点 / register it: where it lies",
    )
    parser.add_argument("--holder", metavar="ROLE", help="登録する: 持つ役割 / who keeps it")
