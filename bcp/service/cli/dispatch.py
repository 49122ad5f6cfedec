"""From the words typed to the function that does it.

A command's module is imported when the command is asked for: `--help` must answer at once, and a
daemon needs neither the typesetter nor the practice city.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable
from importlib import import_module

Command = Callable[[argparse.Namespace], int]

COMMANDS: dict[str, str] = {
    "demo": "commands_demo:demo",
    "run": "commands_run:run",
    "check-config": "commands_plan:check_config",
    "schema": "commands_plan:schema",
    "kinds": "commands_plan:show_kinds",
    "probe": "commands_probe:probe",
    "runbook lint": "commands_books:lint_runbooks",
    "runbook print": "commands_books:print_runbooks",
    "runbook copies": "commands_paper:copies",
    "break-glass issue": "commands_doors:issue",
    "runbook export": "commands_export:export_runbooks",
    "disaster chronology": "commands_export:chronology",
    "report availability": "commands_export:availability",
    "report backups": "commands_export:backup_evidence",
    "status": "commands_state:status",
    "log verify": "commands_state:log_verify",
    "backup names": "commands_names:names",
}
"""Commands with a way of their own; all others are operations."""
_OTHERS = "commands_state:operate"


def command(words: str) -> Command:
    """The function behind `status` or `log verify`."""
    module, _colon, name = COMMANDS.get(words, _OTHERS).partition(":")
    gc.disable()  # all that is imported stays: looking through it again and again costs a tenth
    try:
        found: Command = getattr(import_module(f"bcp.service.cli.{module}"), name)
    finally:
        gc.freeze()
        gc.enable()
    return found


def run(args: argparse.Namespace) -> int:
    """Do it; the exit code."""
    words = f"{args.command} {args.verb}" if getattr(args, "verb", None) else str(args.command)
    return command(words)(args)
