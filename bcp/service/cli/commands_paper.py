"""runbook copies: which printed sets lie where; register one, end one."""

from __future__ import annotations

import argparse

from bcp.kit.errors import UsageError
from bcp.service.cli import out
from bcp.service.cli.commands_state import answer_of


def registered(args: argparse.Namespace, sets: list[str], **more: str | None) -> str | None:
    """Enter a copy that was just written; its id, None where none was asked for.

    Raises UsageError before anything is written when only half of it was said: call `wanted` first.
    """
    if not wanted(args):
        return None
    asked = {"sets": sets, "site": args.issue_to, "holder": args.holder, **more}
    said = answer_of(args, "paper.issue", {k: v for k, v in asked.items() if v is not None})
    return str(said["copy"])


def wanted(args: argparse.Namespace) -> bool:
    """Whether a copy is to be registered. Raises UsageError when only half of it was said."""
    if bool(args.issue_to) != bool(args.holder):
        raise UsageError("--issue-to と --holder の両方が要ります / both are needed")
    return bool(args.issue_to)


def copies(args: argparse.Namespace) -> int:
    """The register; exit code 1 when one must be printed again."""
    if args.end:
        said = answer_of(args, "paper.end", {"copy_id": args.end, "how": args.how})
    elif args.issue_to or args.holder:
        if not (args.issue_to and args.holder):
            raise UsageError("--issue-to と --holder の両方が要ります / both are needed")
        asked = {"sets": args.sets, "site": args.issue_to, "holder": args.holder, "due": args.due}
        said = answer_of(args, "paper.issue", asked)
    else:
        said = answer_of(args, "paper.list", {})
    lines = said.pop("lines", [])
    out.document(said) if args.json else out.say(lines)
    return 1 if said.get("verdict") == "finding" else 0
