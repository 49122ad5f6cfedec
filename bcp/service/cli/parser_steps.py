"""The words of the command line for steps: report, amend, fill roles, run, keep a photo."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from bcp.kit.errors import UsageError

Leaf = Callable[[str, str, str], argparse.ArgumentParser]


def add(leaf: Leaf) -> None:
    """`disaster step | note | amend | role | run | photo`."""
    step = leaf("step", "手順を進める", "report a step")
    step.add_argument("step", metavar="STEP")
    step.add_argument(
        "result",
        choices=[
            "start", "done", "again", "failed", "skip", "reopen", "wait", "attest", "review",
            "assign", "release", "join", "reached", "unreached", "escalate",
        ],
    )  # fmt: skip
    step.add_argument("--note", default="", help="メモ・理由 / note or reason")
    step.add_argument("--option", help="判断の選択肢 / option of a decision")
    step.add_argument("--until", metavar="TIME", help="約束の時刻 / what was promised")
    step.add_argument("--at", metavar="TIME", help="実際の時刻 (後入力) / when it happened")
    step.add_argument("--to", metavar="PERSON", help="担当・相手 / who takes it, who was called")
    step.add_argument("--together", metavar="PERSON", help="一緒に行った人 / who did it with you")
    step.add_argument("--alone", default="", help="一人で行った理由 / why alone")
    step.add_argument("--answer", default="", help="読み合わせの答え / answer to the challenge")
    step.add_argument("--approved-by", metavar="PERSON", help="承認した人 / who consented")
    step.add_argument("--snapshot", metavar="TIME", help="戻した控えの時刻 / snapshot restored")
    step.add_argument("--version", type=int, dest="version", help="見た版 / version seen")
    note = leaf("note", "記録を足す", "add a note")
    note.add_argument("text")
    note.add_argument("--subject", metavar="STEP", help="何について / about what")
    _amend(leaf("amend", "手順を変える (差し込み)", "change the runbooks of this event"))
    role = leaf("role", "役割の担当を決める", "who fills a role")
    role.add_argument("act", choices=["fill", "leave"])
    role.add_argument("role", metavar="ROLE")
    role.add_argument("person", metavar="PERSON")
    role.add_argument("--since", metavar="TIME")
    role.add_argument("--until", metavar="TIME")
    role.add_argument("--note", default="")
    run = leaf("run", "自動実行 (許可一覧から)", "automation from the allow-list")
    run.add_argument("act", choices=["request", "confirm", "withdraw", "countersign"])
    run.add_argument("target", metavar="STEP|RUN")
    run.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    run.add_argument("--retype", default="", help="確認の言葉 / the word to type again")
    run.add_argument("--alone", default="", help="二人目がいない理由 / why nobody confirms")
    run.add_argument("--note", default="")
    photo = leaf("photo", "写真を保存する", "keep a photo of a step")
    photo.add_argument("step", metavar="STEP")
    photo.add_argument("file", type=Path, metavar="FILE")
    photo.add_argument("--caption", default="")
    photo.add_argument(
        "--keep-metadata", action="store_true", help="場所や機種を残す / keep place and camera"
    )


def _amend(amend: argparse.ArgumentParser) -> None:
    amend.add_argument(
        "change",
        choices=["add", "replace", "move", "splice", "cancel", "abandon", "resume", "waive"],
    )
    amend.add_argument("--reason", required=True)
    amend.add_argument("--step", metavar="STEP")
    amend.add_argument("--runbook", metavar="RUNBOOK")
    amend.add_argument("--into", metavar="RUNBOOK", help="差し込む先・代わり / where, or instead")
    amend.add_argument("--title", default="")
    amend.add_argument(
        "--kind",
        choices=["action", "verify", "wait", "approval", "notify", "milestone"],
        default="action",
    )
    amend.add_argument("--role")
    amend.add_argument("--how", default="")
    amend.add_argument("--expect", default="")
    amend.add_argument("--safety", default="")
    amend.add_argument("--after", metavar="STEP")
    amend.add_argument("--before", metavar="STEP")
    amend.add_argument("--people", type=int, default=1)
    amend.add_argument("--alone", default="")


def pair(given: str) -> tuple[str, str]:
    """NAME=VALUE. Raises UsageError."""
    name, equals, value = given.partition("=")
    if not equals:
        raise UsageError("名前=値 の形で書く / write NAME=VALUE", got=given)
    return name, value
