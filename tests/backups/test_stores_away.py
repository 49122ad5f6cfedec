"""A place that is not there, or goes away in the middle: out of reach, which is never damage."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from backups.model import Verify
from backups.repository import Repository
from backups.restic.restic import Restic
from bcp.watch.values import Status
from tests.backups.conftest import Place
from tests.backups.storage import PASSWORD, STORES, Store, free_port
from tests.backups.test_stores import settle, use

pytestmark = pytest.mark.live
FAR = ("sftp", "rest", pytest.param("s3", marks=pytest.mark.long))


@pytest.fixture(scope="module", params=FAR)
def far(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each kind of place behind a network."""
    with STORES[request.param]() as found:
        yield found


async def test_a_server_that_is_not_there_is_unreachable_and_nothing_worse(
    far: Store, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Restic.snapshots, "__defaults__", (4.0,))  # a minute's patience, shortened
    copy = await settle(place, far)
    await place.room.backup("juki")
    where = str(far.fields["location"])
    port = where.split("127.0.0.1:")[1].split("/")[0]
    use(place, copy.model_copy(update={"location": where.replace(port, str(free_port()), 1)}))
    rung = await place.room.verify("juki", "main", 1)
    assert place.room.memory("juki", "main").tried[1].reason == "unreachable", rung
    assert rung.status is not Status.FAILED
    away = place.room.sets[0].repositories[0].model_copy(update={"offline": True})
    use(place, away)  # type: ignore[arg-type]
    await place.room.verify("juki", "main", 1)
    assert place.room.memory("juki", "main").tried[1].reason == "offline"
    (done,) = await place.room.backup("juki")
    assert (done.evidence.inconclusive, done.evidence.reason) == (True, "unreachable")
    assert PASSWORD not in done.evidence.said
    use(place, copy)
    assert (await place.room.verify("juki", "main", 1)).status is Status.OK


@pytest.mark.parametrize("kind", FAR)
async def test_a_server_that_dies_in_the_middle_of_a_check_proves_no_damage(
    kind: str, place: Place
) -> None:
    with STORES[kind]() as store:
        await settle(place, store)
        (place.source / "large").write_bytes(os.urandom(4_000_000))
        await place.room.backup("juki")
        (copy,) = place.room.sets[0].repositories
        assert isinstance(copy, Repository)
        verify = Verify.model_validate({"parts": 1, "deadline": "6s"})
        use(place, copy, verify=verify, limits={"download": 300})
        task = asyncio.ensure_future(place.room.verify("juki", "main", 3))
        await asyncio.sleep(3)
        assert not task.done(), task
        store.die()
        rung = await task
        tried = place.room.memory("juki", "main").tried[3]
        assert tried.inconclusive, tried
        assert rung.status is not Status.FAILED, rung
        assert tried.reason in ("unreachable", "inconclusive"), tried
