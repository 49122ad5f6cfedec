"""The way of a backup, on a real repository."""

from __future__ import annotations

import pytest

from backups.record import Result
from bcp.watch.values import Status
from tests.backups.conftest import Place

pytestmark = pytest.mark.live


async def test_a_backup_climbs_to_level_four(place: Place) -> None:
    await place.init()
    (done,) = await place.room.backup("juki")
    assert done.evidence.result is Result.GOOD, done.evidence
    assert done.custody is not None
    assert len(done.custody.snapshot) == 64
    for level in (1, 2, 3, 4):
        rung = await place.room.verify("juki", "main", level)
        assert rung.status is Status.OK, rung
        assert rung.snapshot == done.custody.snapshot
    assert list((place.folder / "data" / "scratch").iterdir()) == []
