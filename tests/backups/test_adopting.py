"""A snapshot whose record nobody lived to write is taken over for what it is, never for more."""

from __future__ import annotations

import pytest

from backups import manifest, walk
from backups.record import Action, Intent, Result
from tests.backups.conftest import Place

pytestmark = pytest.mark.live
RUN = "0123456789abcdef"


async def left(place: Place, listed: bytes) -> None:
    """What a kill leaves after restic's snapshot and before its record."""
    await place.init()
    copy = await place.room._keeper.copy(("juki", "main"))
    root = place.log.evidence.put_bytes(listed)
    now = place.clock.utc()
    intent = Intent(*copy.key, Action.BACKUP, RUN, now, manifest=root, files=1, size=1)
    await copy.tools.write(intent, op=f"intent/{RUN}")
    made = await copy.restic.backup(
        (place.source,), run=RUN, tags=(), parent=None, exclude_file=None, deadline=60
    )
    assert made.value is not None


@pytest.mark.parametrize("unreadable", [True, False])
async def test_a_snapshot_that_lacks_what_could_not_be_read_is_adopted_as_incomplete(
    one_place: Place, unreadable: bool
) -> None:
    place = one_place
    (place.folder / "srv" / "data" / "one").write_text("x")
    rows = [manifest.line(walk.Entry("f", b"srv/data/one", 0o600, 1, "ab" * 32))]
    if unreadable:
        rows.append(manifest.line(walk.Entry("x", b"srv/data/two", target=b"EACCES")))
    end = f"# end\t1\t1\t{len(rows)}\n".encode()
    await left(place, b"".join((manifest.HEAD, *rows, end)))
    await place.room.verify("juki", "main", 1)
    (custody,) = place.room.custody("juki", "main").custody
    assert custody.adopted
    assert custody.complete is not unreadable
    job = place.room.rung("juki", "main", 0).evidence
    assert job is not None
    assert job.result is (Result.BAD if unreadable else Result.GOOD)
    assert (place.room.custody("juki", "main").newest is None) is unreadable


async def test_a_snapshot_whose_manifest_is_cut_is_not_adopted_as_complete(
    one_place: Place,
) -> None:
    await left(one_place, manifest.HEAD)
    await one_place.room.verify("juki", "main", 1)
    (custody,) = one_place.room.custody("juki", "main").custody
    assert (custody.adopted, custody.complete) == (True, False)
