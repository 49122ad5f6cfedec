"""demo: the practice city, and the faults of the one that runs."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import uvloop

from bcp.kit.errors import UsageError
from bcp.kit.language import Text
from bcp.service.cli import out
from bcp.service.cli.commands_run import configure_logs, keep_private
from bcp.service.cli.remote import ask_daemon
from bcp.service.demo.run import run as practice


def demo(args: argparse.Namespace) -> int:
    """The practice city, or a fault of the one that runs."""
    if args.action != "run":
        return _fault(args)
    configure_logs()
    keep_private()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(practice(args.data, port=args.port, progress=_progress, ready=out.say))
    return 0


def _progress(step: Text) -> None:
    out.say([f"… {step.ja} / {step.en}"])


def _fault(args: argparse.Namespace) -> int:
    listing = args.action == "faults"
    if not listing and not args.fault:
        raise UsageError("故障の名前が必要です / name the fault", next_step="ict-bcp demo faults")
    call: dict[str, Any] = {} if listing else {"id": args.fault, "on": args.action == "break"}
    path = "/api/v1/practice/" + ("faults" if listing else "set")
    answer = asyncio.run(ask_daemon(args.data.absolute(), path, call, writes=not listing))
    if answer is None:
        raise UsageError(
            "練習市が動いていません / the practice city does not run",
            where=str(args.data),
            next_step="ict-bcp demo",
        )
    lines = answer.pop("lines", [])
    if args.json:
        out.document(answer)
    else:
        out.say(lines)
    return 0
