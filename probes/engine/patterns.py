"""Regular expressions from the plan that can never hold the event loop.

`re` holds the interpreter while it searches, and a pattern that backtracks without end would stop
the whole daemon. So what can explode (a repeat or a choice inside a repeat, look-around,
back-references) is refused when the plan is read, and a search runs over windows of a line, short
enough for the worst case of this pattern to stay within a few milliseconds, giving way to the loop
between them. A match must lie within one line; for anything longer there is `contains`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Annotated, Any

from pydantic import AfterValidator

_STEPS = 200_000
"""Worst-case steps per window; about 10 ns each."""
_LONG = 16
_MOST_LONG = 2
_MOST_SHORT = 64
_WIDEST = 4096

_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
_REFUSED = (codes.ASSERT, codes.ASSERT_NOT, codes.GROUPREF, codes.GROUPREF_EXISTS)


@dataclass(slots=True)
class _Cost:
    """What a pattern can cost: repeats without a small limit, ways through the others."""

    long: int = 0
    short: int = 1
    end: bool = False
    """It looks for the end of the line."""


def _weigh(tree: Any, cost: _Cost, inside: bool) -> None:
    """Add up the cost. Raises ValueError for what may never end."""
    for code, argument in tree:
        if code in _REFUSED or (inside and (code in _REPEATS or code is codes.BRANCH)):
            raise ValueError(
                "繰り返しの中の繰り返しや選択、先読み、後方参照は使えません (止まらなくなる) / a repeat "
                "or choice inside a repeat, look-around and back-references may never end"
            )
        if code in _REPEATS:
            low, high, child = argument
            if high is codes.MAXREPEAT or high > _LONG:
                cost.long += 1
            else:
                cost.short *= high - low + 1
            _weigh(child, cost, inside or high is codes.MAXREPEAT or high > 1)
        elif code is codes.BRANCH:
            cost.short *= len(argument[1])
            for arm in argument[1]:
                _weigh(arm, cost, inside)
        elif code is codes.SUBPATTERN:
            _weigh(argument[-1], cost, inside)
        elif code is codes.ATOMIC_GROUP:
            _weigh(argument, cost, inside)
        elif code is codes.AT and argument in (codes.AT_END, codes.AT_END_STRING):
            cost.end = True


@lru_cache(maxsize=1024)
def _prepared(pattern: str) -> tuple[re.Pattern[str], int, bool]:
    """Compiled, the width of its window, whether it needs the end of the line."""
    if len(pattern) > 500:
        raise ValueError("正規表現が長すぎます / the regular expression is too long")
    try:
        compiled = re.compile(pattern)
        cost = _Cost()
        _weigh(parser.parse(pattern), cost, inside=False)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"正規表現の誤り / bad regular expression: {error}") from error
    if cost.long > _MOST_LONG or cost.short > _MOST_SHORT:
        raise ValueError(
            f"* + は{_MOST_LONG}個まで、選択は{_MOST_SHORT}通りまで / at most {_MOST_LONG} of * and "
            f"+, and {_MOST_SHORT} choices in a pattern"
        )
    width = int((_STEPS / cost.short) ** (1 / (1 + cost.long)))
    return compiled, max(32, min(width, _WIDEST)), cost.end


def check(pattern: str) -> str:
    """The pattern itself when it is safe. Raises ValueError (bilingual)."""
    _prepared(pattern)
    return pattern


Pattern = Annotated[str, AfterValidator(check)]
"""A regular expression within one line."""


def _windows(length: int, width: int, end: bool) -> Iterator[tuple[int, int]]:
    """Half overlapping windows, so that a match shorter than half a window is always in one."""
    if length <= width:
        yield 0, length
    elif end:
        yield length - width, length
    else:
        for start in range(0, length - width // 2, width // 2):
            yield start, min(start + width, length)


async def found(pattern: str, text: str) -> bool:
    """Whether the pattern matches within some line of the text; gives way to the loop."""
    return await first(pattern, text) is not None


async def first(pattern: str, text: str) -> str | None:
    """The first match: its first group, or all of it where it has none; gives way to the loop."""
    compiled, width, end = _prepared(pattern)
    seen = 0
    for line in text.splitlines() or [""]:
        for start, stop in _windows(len(line), width, end):
            match = compiled.search(line, start, stop)
            if match is not None:
                return match.group(1 if compiled.groups else 0) or ""
            seen += stop - start + 64
            if seen > width:
                seen = 0
                await asyncio.sleep(0)
    return None
