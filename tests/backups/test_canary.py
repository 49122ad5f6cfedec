"""Immutability is tried, not believed: refused, allowed and could not tell are three answers."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from backups import canary, s3
from backups.canary import FOLDER, folder, judged
from backups.model import Repository
from backups.tools import Tools
from bcp.kit.clock import SystemClock
from bcp.kit.workers import Workers

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "config").write_text("config")
    return tmp_path


def test_three_answers() -> None:
    assert judged(False, False, {}).outcome == "refused"
    assert judged(True, False, {}).reason == "overwrite_allowed"
    assert judged(None, True, {}).reason == "delete_allowed"
    assert judged(None, False, {}).outcome == "unknown"


def test_an_ordinary_folder_is_not_immutable_and_keeps_no_canary(place: Path) -> None:
    tried = folder(place, NOW)
    assert (tried.outcome, tried.reason) == ("allowed", "delete_allowed")
    assert not (place / FOLDER).exists()


def test_a_folder_that_is_not_attached_tells_nothing(tmp_path: Path) -> None:
    assert folder(tmp_path / "gone", NOW).outcome == "unknown"


@pytest.fixture
def frozen(place: Path) -> Iterator[Path]:
    """A canary the kernel keeps even from root."""
    path = place / FOLDER / "canary-20261123"
    path.parent.mkdir()
    path.write_text("ict-bcp canary\n")
    done = subprocess.run(["chattr", "+i", str(path)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this file system knows no immutable files")
    yield place
    subprocess.run(["chattr", "-i", str(path)], check=True)


def test_what_the_system_refuses_is_refused(frozen: Path) -> None:
    tried = folder(frozen, NOW)
    assert (tried.outcome, tried.reason) == ("refused", "")


# --- REST: the protocol of restic's rest-server, append-only or not ------------------------------


class RestServer:
    """`data/` of a REST backend, as its protocol says (restic.net, REST backend)."""

    def __init__(self, append_only: bool) -> None:
        self.append_only = append_only
        self.objects: dict[str, bytes] = {}

    async def answer(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        match request.method:
            case "HEAD":
                return web.Response(status=200 if name in self.objects else 404)
            case "POST":
                body = await request.read()
                if name in self.objects:
                    return web.Response(status=403)
                assert hashlib.sha256(body).hexdigest() == name
                self.objects[name] = body
                return web.Response()
            case _:
                if self.append_only:
                    return web.Response(status=403)
                del self.objects[name]
                return web.Response()


@pytest.fixture(params=[True, False])
async def rest(request: pytest.FixtureRequest) -> AsyncIterator[tuple[RestServer, str]]:
    server = RestServer(request.param)
    app = web.Application()
    app.router.add_route("*", "/repo/data/{name}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield server, f"rest:http://127.0.0.1:{port}/repo/"
    await runner.cleanup()


def tools(tmp_path: Path, workers: Workers) -> Tools:
    return Tools(None, workers, SystemClock(), tmp_path, tmp_path)  # type: ignore[arg-type]


async def test_a_rest_server_is_tried_by_its_protocol_with_one_canary_for_ever(
    rest: tuple[RestServer, str], tmp_path: Path, workers: Workers
) -> None:
    server, where = rest
    copy = Repository(id="rest", location=where, password_file="/none", immutable=True)
    for _again in range(2):
        tried = await canary.probe(copy, tools(tmp_path, workers))
        if server.append_only:
            assert tried.outcome == "refused"
            assert len(server.objects) == 1
        else:
            assert (tried.outcome, tried.reason) == ("allowed", "delete_allowed")
            assert server.objects == {}


@pytest.mark.parametrize("where", ["rest:http://127.0.0.1:1/", "b2:bucket:path", "s3:host/bucket"])
async def test_what_cannot_be_reached_or_tried_is_unknown(
    where: str, tmp_path: Path, workers: Workers
) -> None:
    copy = Repository(id="x", location=where, password_file="/none", immutable=True)
    assert (await canary.probe(copy, tools(tmp_path, workers))).outcome == "unknown"


# --- S3 -----------------------------------------------------------------------------------------


def test_a_signature_is_the_one_in_amazons_own_example() -> None:
    """docs.aws.amazon.com, "Authenticating Requests: Using the Authorization Header", GET Object."""
    who = s3.Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    headers = s3.sign(
        "GET",
        "examplebucket.s3.amazonaws.com",
        "/test.txt",
        {},
        {"range": "bytes=0-9"},
        b"",
        who,
        datetime(2013, 5, 24, tzinfo=UTC),
    )
    wanted = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    assert headers["Authorization"].endswith(f"Signature={wanted}")
    assert "wJalr" not in repr(who)


def test_a_location_of_restic_is_read() -> None:
    assert s3.place("s3:https://h:9000/b/p/q/") == s3.Place("https://h:9000", "b", "p/q")
    assert s3.place("s3:s3.amazonaws.com/b") == s3.Place("https://s3.amazonaws.com", "b", "")
    assert s3.place("s3:https://h") is None
    assert s3.place("/srv/repo") is None


def test_credentials_are_read_from_their_file_only(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b%c\n")
    assert s3.credentials(file) == s3.Credentials("a", "b%c")
    file.write_text("[other]\n")
    assert s3.credentials(file) is None
    assert s3.credentials(tmp_path / "none") is None
