"""The words of `backup` for acts on repositories and side checks."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

Leaf = Callable[[str, str, str], argparse.ArgumentParser]
"""(verb, Japanese, English) -> the parser, with plan and data folder."""


def add(leaf: Leaf, bare: Leaf) -> None:
    """Every verb. `bare` makes one without a plan."""
    forget = _in_one(leaf, "forget", "古い世代を消す (予行が先)", "forget snapshots; dry run first")
    forget.add_argument(
        "--snapshot", action="append", default=[], help="省くと計画の retention / else by the plan"
    )
    forget.add_argument("--apply", action="store_true", help="実行する / do it")
    _in_one(leaf, "prune", "空き容量を回収する", "free what no snapshot needs")
    tag = _in_one(leaf, "tag", "世代の札を替える", "change tags")
    tag.add_argument("--snapshot", action="append", required=True, help="64桁 / full id")
    tag.add_argument("--add", action="append", default=[], metavar="TAG")
    tag.add_argument("--remove", action="append", default=[], metavar="TAG")
    key = _in_one(leaf, "key", "リポジトリの鍵を替える", "change keys")
    key.add_argument("act", choices=["add", "passwd", "remove"])
    key.add_argument("--new-password-file", type=Path, metavar="FILE")
    key.add_argument("--key", metavar="ID", help="消す鍵 (64桁) / key to remove")
    copy = _in_one(leaf, "copy", "別のリポジトリから複製する", "copy from another repository")
    copy.add_argument("--source", required=True, metavar="ID", help="元のリポジトリ / from")
    _in_one(leaf, "clear", "いつもと違う変化を確認済みにする", "clear an unusual change")
    attest = leaf("attest", "事業者の報告を受理する (申告)", "take over a provider's report")
    attest.add_argument("set", metavar="SET")
    attest.add_argument("--file", type=Path, required=True, help="報告のファイル / the report")
    attest.add_argument("--begin", required=True, metavar="DATE", help="対象期間の初日 / first day")
    attest.add_argument("--end", required=True, metavar="DATE", help="対象期間の末日 / last day")
    attest.add_argument("--copied", metavar="TIME", help="報告にある最新の控えの日時 / newest copy")
    attest.add_argument("--note", default="")
    restored = _in_one(
        leaf, "restored", "他の製品で戻したものを元と比べる", "compare what a product restored"
    )
    restored.add_argument("folder", metavar="FOLDER", type=Path, help="戻した先 / restored into")
    restored.add_argument("--generation", default="", metavar="ID", help="省くと最新 / else newest")
    restored.add_argument("--partial", action="store_true", help="一部だけ戻した / only a part")
    restored.add_argument("--took", metavar="2h", help="戻すのにかかった時間 / how long it took")
    approve = _in_one(
        leaf, "approve", "業務主管が受け入れる (段階5)", "the owner accepts (level 5)"
    )
    approve.add_argument("--note", default="", help="確かめたこと / what was looked at")
    escrow = _in_one(leaf, "escrow", "封印物で開くか確かめる", "try the sealed password and key")
    escrow.add_argument(
        "--password-file", type=Path, required=True, help="封筒のパスワード / from the envelope"
    )
    escrow.add_argument(
        "--materials", type=Path, metavar="FOLDER", help="封印した config と keys/ / sealed files"
    )
    _in_one(leaf, "escrow-sign", "封印物の確認に2人目が署名する", "the second signature")
    for verb, ja, en in (
        ("agree", "控えどうしの一致を確かめる", "do the copies agree"),
        ("canary", "書き換え不可を実測する", "try to overwrite and delete a canary"),
        ("locks", "ロックを点検し、残骸を取り除く", "locks; removes those of dead processes"),
    ):
        made = leaf(verb, ja, en)
        made.add_argument("set", metavar="SET")
        made.add_argument("--repository", help="対象の保管先 / only this repository")
    for verb, ja, en in (
        ("pause", "検証を一時停止する", "pause verification"),
        ("resume", "検証を再開する", "resume verification"),
    ):
        leaf(verb, ja, en).add_argument("--reason", default="", help="理由 / why")
    far = leaf("progress", "作業の進み具合", "how far the work in hand is")
    far.add_argument("set", metavar="SET", nargs="?")
    _names(
        bare("names", "部品名の照合 (合言葉もロックも不要)", "hold every object against its name")
    )


def _in_one(leaf: Leaf, verb: str, ja: str, en: str) -> argparse.ArgumentParser:
    made = leaf(verb, ja, en)
    made.add_argument("set", metavar="SET")
    made.add_argument("--repository", required=True, help="対象の保管先 / which repository")
    return made


def _names(names: argparse.ArgumentParser) -> None:
    names.add_argument("place", metavar="FOLDER | PLAN_DIR", type=Path)
    names.add_argument("set", metavar="SET", nargs="?")
    names.add_argument("--repository", help="対象の保管先 / only this repository")
    names.add_argument("--data", type=Path, help="データのフォルダ / data folder (with a plan)")
    names.add_argument(
        "--record", type=Path, metavar="FILE", help="保管記録の部品表 / object list of the record"
    )
    names.add_argument("--config-digest", metavar="HEX", help="記録の config の SHA-256")
    names.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="中断しても続けるための控え / to go on after a kill",
    )
    names.add_argument("--limit", type=int, metavar="KIB", help="毎秒の上限 KiB / KiB a second")
