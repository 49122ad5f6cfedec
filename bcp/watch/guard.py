"""The guard around whatever runs beside other things: a bug of ours in one never ends the others.

The message of an exception is left out (it may quote an answer, a URL or a password); the trace names
files, lines and types, which is what a developer needs.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable
from typing import TypeVar

import structlog

log = structlog.get_logger(__name__)
T = TypeVar("T")


async def guarded(work: Awaitable[T], broken: str, **names: object) -> T | None:
    """What the work gives; None when it broke by a bug of ours, which is logged under `broken`."""
    try:
        return await work
    except Exception as error:
        tell(error, broken, **names)
        return None


def tell(error: Exception, broken: str, **names: object) -> None:
    """Log a bug of ours without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    log.error(
        f"{broken} broke",
        **names,
        error=_names(error),
        trace=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]],
    )


def _names(error: BaseException) -> list[str]:
    """Type names of the error and of what caused it, outermost first."""
    names: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(names) < 6:
        names.append(type(seen).__name__)
        seen = seen.__cause__ or seen.__context__
    return names
