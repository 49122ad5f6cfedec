"""Built-in acts that a plan's `automation:` may name. A step of a runbook runs them; people confirm them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from backups.model import BackupSet
from backups.record import Custody, Result
from bcp.kit.errors import UsageError
from bcp.kit.units import jst, size
from bcp.service.automation import Act
from bcp.service.automation import Result as Done
from bcp.service.house import House, Progress

CHOSEN = "chosen"
"""Instead of a snapshot's id: the one that the decision step of the running event chose."""


async def restore(house: House, parameters: Mapping[str, str], progress: Progress) -> Done:
    """`restore`: parameters `set`, `target` (absolute, empty), `snapshot` (64 digits or `chosen`) and,
    where the set has several, `repository`. Compares every byte; never writes over what is there."""
    one = next((s for s in house.plan.backups if s.id == parameters.get("set")), None)
    target = Path(parameters.get("target", ""))
    if not isinstance(one, BackupSet) or not target.is_absolute():
        return Done(False, "set か target の指定が誤りです / wrong set or target")
    repository = parameters.get("repository") or one.repositories[0].id
    custody = _pinned(house, one, repository, parameters.get("snapshot") or CHOSEN)
    evidence = await house.room.restore(one.id, repository, custody.snapshot, target)
    progress.lines += 1
    facts = evidence.facts
    what = f"{one.id}/{repository} {jst(custody.time)} {custody.snapshot[:8]}"
    seconds = facts.get("restore_ms", 0) / 1000
    if evidence.result is Result.GOOD:
        said = f"元と一致 / equal: {facts.get('files', 0)} files {size(facts.get('size', 0))}"
        when = f"戻した控えの時刻 / time of the restored snapshot: {jst(custody.time)}"
        return Done(True, f"{what}\n{said} {seconds:.0f} s\n{when}")
    names = ("missing", "changed", "extra")
    counts = ", ".join(f"{name} {facts[name]}" for name in names if facts.get(name))
    return Done(False, f"{what}\n復元できていません / not restored: {evidence.reason} {counts}")


def _pinned(house: House, one: BackupSet, repository: str, wanted: str) -> Custody:
    state = house.room.custody(one.id, repository)
    if wanted != CHOSEN:
        found = state.of(wanted)
    else:
        at = _decided(house, one.system)
        same = [c for c in state.custody if c.complete and at is not None and _minute(c.time) == at]
        found = same[-1] if same else None
    if found is None:
        raise UsageError(
            "どの控えを戻すか決まっていません / which snapshot to restore is not decided",
            expected="a snapshot on record, or one chosen in the decision step",
            got=wanted[:80],
            next_step="決定の手順で控えを選ぶ / choose it in the decision step",
        )
    return found


def _decided(house: House, system: str | None) -> datetime | None:
    for desk in house.desks.values():
        for incident in desk.active():
            if system is not None and system in incident.snapshots:
                return _minute(incident.snapshots[system])
    return None


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


BUILT_IN: Mapping[str, Act] = {"restore": restore}
"""By the name that `action:` gives."""
