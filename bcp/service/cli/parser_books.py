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
    sheet = _leaf(group, "print", "紙に出す (PDF)", "print as PDF", plan=True)
    sheet.add_argument(
        "runbook",
        nargs="?",
        metavar="RUNBOOK|contacts|damage|first-arrival",
        help="省くと全部 / all when left out",
    )
    sheet.add_argument("--out", type=Path, default=Path(), help="書き出すフォルダ / where to")
    sheet.add_argument(
        "--drill", action="store_true", help="【訓練】の印を付ける / mark as a drill"
    )
    export = _leaf(group, "export", "ほかの形で書き出す", "write in another form", plan=True)
    export.add_argument(
        "runbook", nargs="?", metavar="RUNBOOK", help="省くと全部 / all when left out"
    )
    export.add_argument(
        "--format",
        choices=["html", "cacao", "json"],
        default="html",
        help="html 持ち出しファイル (既定), cacao CACAO 2.0, json / carry-out file (default), …",
    )
    export.add_argument("--out", type=Path, default=Path(), help="書き出すフォルダ / where to")
    export.add_argument(
        "--contacts",
        action="store_true",
        help="連絡先も入れる: 登録して管理する控えになる / with contacts: a registered copy",
    )
