"""From the words typed to the function that does it."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from bcp.service.cli import commands_plan, commands_run, commands_state

Command = Callable[[argparse.Namespace], int]

COMMANDS: dict[str, Command] = {
    "demo": commands_run.demo,
    "run": commands_run.run,
    "check-config": commands_plan.check_config,
    "schema": commands_plan.schema,
    "kinds": commands_plan.show_kinds,
    "probe": commands_plan.probe,
    "runbook lint": commands_plan.lint_runbooks,
    "runbook print": commands_plan.print_runbooks,
    "status": commands_state.status,
    "log verify": commands_state.log_verify,
}
"""Commands with a way of their own; all others are operations (`commands_state.operate`)."""


def run(args: argparse.Namespace) -> int:
    """Do it; the exit code."""
    words = f"{args.command} {args.verb}" if getattr(args, "verb", None) else args.command
    return COMMANDS.get(words, commands_state.operate)(args)
