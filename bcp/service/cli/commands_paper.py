"""runbook copies: which printed sets lie where; register one, end one."""

from __future__ import annotations

import argparse

from bcp.kit.errors import UsageError
from bcp.service.cli import out
from bcp.service.cli.commands_state import answer_of


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
