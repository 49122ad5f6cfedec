"""How far the work on backups is, for a terminal that waits for it."""

from __future__ import annotations

from typing import Any

from backups.figures import CopyStatus, status
from bcp.kit.language import Text, catalogue, text
from bcp.kit.units import duration_ja, size
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.backing_up import Sets
from bcp.service.operations.operation import Answer, Caller, Operation


async def progress(house: House, caller: Caller, parameters: Sets) -> Answer:
    """What is in hand now, how far it is and what is left by its speed so far."""
    rows: list[dict[str, Any]] = []
    lines: list[str] = []
    for one in status(house.room).sets:
        if parameters.set not in (None, one.set.id):
            continue
        for copy in one.copies:
            if copy.busy or copy.progress is not None:
                rows.append({"set": one.set.id, **_row(copy)})
                lines.append(f"{one.set.id} → {copy.repository.id}: {_said(copy)}")
    return Answer({"work": rows}, tuple(lines))


def _row(copy: CopyStatus) -> dict[str, Any]:
    far = copy.progress
    return {
        "repository": copy.repository.id,
        "busy": copy.busy,
        "done_per_mille": round(far.ratio * 1000) if far else None,
        "bytes_done": far.bytes_done if far else None,
        "bytes_total": far.bytes_total if far else None,
        "left_s": int(copy.left.total_seconds()) if copy.left is not None else None,
    }


def _said(copy: CopyStatus) -> str:
    key = f"pages.busy_{copy.busy or 'names'}"
    said = text(key).ja if key in catalogue() else copy.busy
    far = copy.progress
    if far is None:
        return said
    said += f" {100 * far.ratio:.0f} %"
    if far.bytes_total:
        said += f" ({size(far.bytes_done)} / {size(far.bytes_total)})"
    if copy.left is not None:
        said += f" 残り約 {duration_ja(copy.left)} / about {copy.left} left"
    return said


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "backup.progress",
        Text("作業の進み具合", "how far the work is"),
        Permission.READ,
        Sets,
        progress,
    ),
)
