"""Checks of a copy that are no rung: names, agreement, canary, locks."""

from __future__ import annotations

from typing import Any

from backups.acts import SideCheck
from backups.restic.locks import Seen
from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import Text, text
from bcp.kit.units import duration_ja, to_us
from bcp.plan.loader import unknown
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.backing_up import One
from bcp.service.operations.keeping_backups import MARKS, RESULTS, the_copy
from bcp.service.operations.operation import Answer, Caller, Operation, Verdict


def _each(house: House, parameters: One) -> list[tuple[str, str]]:
    if parameters.repository is not None:
        return [the_copy(house, parameters.set, parameters.repository)]
    keys = [key for key in house.room.keys() if key[0] == parameters.set]  # noqa: SIM118 - a room
    if not keys:
        raise UsageError(unknown(parameters.set, sorted({key[0] for key in house.room.keys()})))  # noqa: SIM118
    return keys


def _side(checks: list[SideCheck]) -> Answer:
    lines, rows = [], []
    for one in checks:
        words = text(f"backups.side_{one.what.value}")
        facts = " ".join(f"{name}={value}" for name, value in one.facts.items())
        lines.append(
            f"{MARKS[one.result.value]} {one.repository} {words.ja} / {words.en} "
            f"{one.reason} {facts}".rstrip()
        )
        lines += [f"    {line}" for line in one.said.splitlines()[:20]]
        rows.append(
            {
                "repository": one.repository,
                "result": one.result.value,
                "reason": one.reason,
                "at_us": to_us(one.at),
                "facts": dict(one.facts),
                "findings": one.findings,
                "named": one.said.splitlines(),
            }
        )
    results = {one.result.value for one in checks}
    worst = next(word for word in ("bad", "inconclusive", "good") if word in results)
    return Answer({"set": checks[0].set, "checks": rows}, tuple(lines), RESULTS[worst])


async def names(house: House, caller: Caller, parameters: One) -> Answer:
    """Hold every object against its name and the record: no password, no lock."""
    room = house.room
    products = room.files.keys()
    done = [
        await (room.files.read_again(key) if key in products else room.upkeep.check_names(key))
        for key in _each(house, parameters)
    ]
    found = [one for one in done if one is not None]
    if not found:
        raise Refused(text("backups.unknown_never").ja, next_step="ict-bcp backup verify --level 1")
    return _side(found)


async def agree(house: House, caller: Caller, parameters: One) -> Answer:
    """Do the copies of a set agree, and how far is each behind?"""
    return _side([await house.room.upkeep.agree(key) for key in _each(house, parameters)])


async def canary(house: House, caller: Caller, parameters: One) -> Answer:
    """Try to overwrite and delete a canary with the backup's own credentials."""
    return _side([await house.room.upkeep.canary(key) for key in _each(house, parameters)])


async def locks(house: House, caller: Caller, parameters: One) -> Answer:
    """Age, host and process of each lock; those of dead processes of this host are removed."""
    rows, lines, verdict = [], [], Verdict.GOOD
    for key in _each(house, parameters):
        judged, seen, removed = await house.room.upkeep.doctor(key)
        if not judged.good:
            verdict = Verdict.UNKNOWN
            lines.append(f"？ {key[1]}: 見られません / cannot look ({judged.verdict.value})")
            continue
        if not seen:
            lines.append(f"● {key[1]}: ロックなし / no locks")
        for one in seen:
            rows.append(_lock(key[1], one, removed))
            lines.append(_lock_line(key[1], one, removed))
        if any(one.suspicious for one in seen) and verdict is Verdict.GOOD:
            verdict = Verdict.FINDING
    return Answer({"set": parameters.set, "locks": rows}, tuple(lines), verdict)


def _lock(repository: str, one: Seen, removed: tuple[str, ...]) -> dict[str, Any]:
    return {
        "repository": repository,
        "id": one.lock.id,
        "host": one.lock.host,
        "pid": one.lock.pid,
        "age_s": int(one.age.total_seconds()),
        "exclusive": one.lock.exclusive,
        "own": one.own,
        "removed": one.lock.id in removed,
        "suspicious": one.suspicious,
    }


def _lock_line(repository: str, one: Seen, removed: tuple[str, ...]) -> str:
    if one.lock.id in removed:
        word = "取り除きました(終わった処理の残り) / removed"
    elif one.suspicious:
        word = "別の機械の古いロック。その機械で確かめる / of another host: look there"
    else:
        word = "使用中 / in use"
    mark = "▲" if one.suspicious else "●"
    where = f"{one.lock.host} pid {one.lock.pid}"
    return f"{mark} {repository}: {where} {duration_ja(one.age)} {word}"


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "backup.names",
        Text("部品名の照合", "names check"),
        Permission.OPERATE,
        One,
        names,
        True,
    ),
    Operation(
        "backup.agree",
        Text("控えどうしの一致", "copies agree"),
        Permission.OPERATE,
        One,
        agree,
        True,
    ),
    Operation(
        "backup.canary",
        Text("書き換え不可を実測する", "immutability canary"),
        Permission.OPERATE,
        One,
        canary,
        True,
    ),
    Operation(
        "backup.locks", Text("ロックの点検", "lock doctor"), Permission.OPERATE, One, locks, True
    ),
)
