"""S3 for real: a server process of its own (moto), Object Lock in both modes, and restic into a bucket."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from backups import canary, s3
from backups.canary import Tried
from backups.model import Repository
from backups.tools import SYSTEM
from bcp.kit.workers import Workers
from bcp.watch.values import Status
from tests.backups.conftest import Place
from tests.backups.test_canary import tools

pytestmark = pytest.mark.live
WHO = s3.Credentials("testing", "testing-secret")
XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a running S3 server."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _turn in range(600):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "the S3 server ended at once"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        process.kill()


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    file = tmp_path / "credentials"
    file.write_text(
        f"[default]\naws_access_key_id = {WHO.access}\naws_secret_access_key = {WHO.secret}\n"
    )
    return file


async def bucket(
    server: str, name: str, lock: str | None = None, *, versions: bool = False
) -> None:
    """A bucket; `lock`: every object is kept for a day in this mode."""
    async with aiohttp.ClientSession() as session:
        place = s3.Place(server, name, "")
        one = s3.Bucket(session, place, WHO, datetime.now(UTC), "us-east-1")
        headers = {"x-amz-bucket-object-lock-enabled": "true"} if lock else {}
        assert (await one.call("PUT", headers=headers)).status == 200
        if versions:
            body = f"<VersioningConfiguration {XMLNS}><Status>Enabled</Status></VersioningConfiguration>"
            assert (
                await one.call("PUT", query={"versioning": ""}, body=body.encode())
            ).status == 200
        if lock:
            rule = f"<Rule><DefaultRetention><Mode>{lock}</Mode><Days>1</Days></DefaultRetention></Rule>"
            body = (
                f"<ObjectLockConfiguration {XMLNS}><ObjectLockEnabled>Enabled</ObjectLockEnabled>"
                f"{rule}</ObjectLockConfiguration>"
            )
            done = await one.call("PUT", query={"object-lock": ""}, body=body.encode())
            assert done.status == 200, done.body


def copy(server: str, name: str, credentials: Path) -> Repository:
    return Repository(
        id="s3",
        location=f"s3:{server}/{name}/repo",
        password_file="/none",
        immutable=True,
        credentials_file=str(credentials),
    )


async def test_object_lock_is_proven_by_trying_and_its_mode_and_date_are_read(
    server: str, credentials: Path, tmp_path: Path, workers: Workers
) -> None:
    await bucket(server, "plain")
    await bucket(server, "versioned", versions=True)
    await bucket(server, "governed", "GOVERNANCE")
    await bucket(server, "complied", "COMPLIANCE")
    found: dict[str, Tried] = {}
    for name in ("plain", "versioned", "governed", "complied", "no-such-bucket"):
        found[name] = await canary.probe(copy(server, name, credentials), tools(tmp_path, workers))
    said = {name: (tried.outcome, tried.reason) for name, tried in found.items()}
    assert said == {
        "plain": ("allowed", "delete_allowed"),
        "versioned": ("allowed", "delete_allowed"),
        "governed": ("allowed", "bypass_allowed"),
        "complied": ("refused", ""),
        "no-such-bucket": ("unknown", "cannot_put"),
    }
    facts = found["complied"].facts
    assert (facts["bucket_lock"], facts["mode"]) == (1, 2)
    left = facts["retain_until_s"] - datetime.now(UTC).timestamp()
    assert 0 < left <= 86_400


async def test_a_newest_snapshot_without_retention_is_not_held(
    server: str, credentials: Path, tmp_path: Path, workers: Workers
) -> None:
    await bucket(server, "late", versions=True)
    async with aiohttp.ClientSession() as session:
        place = s3.Place(server, "late", "repo")
        one = s3.Bucket(session, place, WHO, datetime.now(UTC), "us-east-1")
        assert (await one.call("PUT", f"snapshots/{'a' * 64}", body=b"old")).status == 200
        assert await one.newest("snapshots/") == f"snapshots/{'a' * 64}"
        assert await one.lock_of(f"snapshots/{'a' * 64}") == ("", "")


async def test_restic_backs_up_into_a_locked_bucket_and_the_room_tries_it(
    server: str, credentials: Path, one_place: Place
) -> None:
    place = one_place
    await bucket(server, "city", "COMPLIANCE")
    there = copy(server, "city", credentials).model_copy(
        update={"id": "main", "password_file": str(place.password), "restic": place.restic}
    )
    place.room.replace((place.set(repositories=(there,)),))
    made = await place.room.init("juki", "main", actor=SYSTEM, op="init-s3")
    assert made.value, made.judgement
    (done,) = await place.room.backup("juki")
    assert done.evidence.good, done.evidence
    rung = place.room.rung("juki", "main", 1)
    assert rung.status is Status.OK, rung.sentence
    check = await place.room.upkeep.canary(("juki", "main"))
    assert check.good, check
    assert (check.facts["newest_mode"], check.facts["mode"]) == (2, 2)
