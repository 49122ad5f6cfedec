"""Every dump of a restored snapshot, opened and held against the custody record's expectations."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from backups.application.loading import open_dump
from backups.dumps import expected
from backups.dumps.expected import BadExpectations
from backups.record import Custody, Evidence, Result
from backups.tools import Copy, destroy, free_bytes, milliseconds
from bcp.journal.errors import JournalError

_GROWTH = 8
"""A dump may need so many times its size when loaded."""
_KEEP_FREE = 256 << 20


@dataclass(frozen=True, slots=True)
class Application:
    """What came of the application check; inconclusive never hides behind good."""

    result: Result = Result.GOOD
    facts: dict[str, int] = field(default_factory=dict)
    said: str = ""


async def open_all(
    copy: Copy, custody: Custody, tree: Path, place: Path, *, whole: bool = True
) -> Application:
    """Open each dump found under `tree`; `place` is a folder for servers, emptied after each."""
    if custody.expected is None:
        return Application()
    tools, started = copy.tools, copy.tools.clock.monotonic()
    try:
        data = await tools.workers.thread(tools.log.evidence.get, custody.expected)
        dumps = expected.decode(data)
    except (JournalError, BadExpectations) as error:
        return Application(Result.INCONCLUSIVE, {"unopened": 1}, str(error))
    counts = {"opened": 0, "unopened": 0, "refused": 0, "rows": 0, "tables": 0}
    said: list[str] = []
    for one in dumps:
        file = tree / one.file.lstrip("/")
        if not whole and not await tools.workers.thread(file.is_file):
            continue  # too large for the daily sample: the whole test opens it
        free = free_bytes(place.parent)
        if free is not None and free < one.size * _GROWTH + _KEEP_FREE:
            counts["unopened"] += 1
            said.append(f"{one.id}: 空きが足りません / not enough space to load it")
            continue
        try:
            seen = await open_dump(one, file, place, copy.set.verify.deadline.total_seconds())
        finally:
            await tools.workers.thread(destroy, place)
        word = {Result.GOOD: "opened", Result.BAD: "refused"}.get(seen.result, "unopened")
        counts[word] += 1
        counts["rows"] += seen.rows
        counts["tables"] += seen.tables
        if seen.said:
            said.append(f"{one.id}: {seen.said}")
    counts["open_ms"] = milliseconds(tools.clock, started)
    result = Result.BAD if counts["refused"] else Result.GOOD
    if result is Result.GOOD and counts["unopened"]:
        result = Result.INCONCLUSIVE
    return Application(result, {k: v for k, v in counts.items() if v}, "\n".join(said)[:2000])


def with_application(evidence: Evidence, opened: Application) -> Evidence:
    """Equal to the source, and then: does the application open it? Not opened is not good in full."""
    facts, said = {**evidence.facts, **opened.facts}, opened.said or evidence.said
    if opened.result is Result.BAD:
        return replace(evidence, result=Result.BAD, reason="application", facts=facts, said=said)
    return replace(evidence, facts=facts, said=said)
