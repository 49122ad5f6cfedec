"""run: the command that stays."""

from __future__ import annotations

import argparse
import asyncio
import atexit
import contextlib
import logging
import os
import sys

import structlog
import uvloop

from bcp.kit.workers import Lines
from bcp.service.cli import out
from bcp.service.daemon import Daemon


class _Queued:
    """What structlog writes to: never waits for whoever reads our messages."""

    def __init__(self, lines: Lines) -> None:
        self.msg = self.debug = self.info = self.warning = lines.put
        self.error = self.critical = self.exception = self.log = lines.put


def configure_logs() -> None:
    """JSON lines to stderr; keys in English; no message of a library's own at debug level."""
    lines = Lines(sys.stderr)
    atexit.register(lines.close)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_name: _Queued(lines),
        cache_logger_on_first_use=True,
    )


def keep_private() -> None:
    """What this process and its children write is for its own user, whatever mode they ask for."""
    os.umask(0o077)


def _tell(url: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads stdout any more: no reason to end
        out.say([url])


def run(args: argparse.Namespace) -> int:
    """The daemon, until a signal."""
    configure_logs()
    keep_private()
    daemon = Daemon(args.plan, args.data, port=args.port, say=_tell)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(daemon.run())
    return 0
