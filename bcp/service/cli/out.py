"""How the command line speaks: one document or lines, errors to stderr, progress on a terminal."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterable
from typing import Any

from bcp.kit.errors import BcpError


def say(lines: Iterable[str]) -> None:
    """Lines for people, to stdout."""
    for line in lines:
        print(line, flush=True)


def warn(lines: Iterable[str]) -> None:
    """Lines that must not be missed, to stderr: stdout is the answer alone."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def document(data: Any) -> None:
    """One JSON document, to stdout."""
    print(json.dumps(data, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def progress(line: str) -> None:
    """What is going on, to stderr and only on a terminal."""
    if sys.stderr.isatty():
        print(f"… {line}", file=sys.stderr, flush=True)


def quiet() -> None:
    """One-shot commands: only warnings of our own, and to stderr; stdout is the answer alone."""
    import logging

    import structlog

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def complain(error: BcpError, as_json: bool) -> int:
    """One clear message to stderr; returns the exit code."""
    if as_json:
        print(json.dumps(error.as_dict(), ensure_ascii=False), file=sys.stderr)
    else:
        print(error, file=sys.stderr)
    return error.exit_code


def broke(error: Exception) -> int:
    """Our own bug: where it happened, for whoever mends it. Could not tell."""
    traceback.print_exception(error, file=sys.stderr)
    print("内部の誤り。この表示を開発者へ / internal error: please report this", file=sys.stderr)
    return BcpError.exit_code
