"""SFTP for real: which host is believed, which key is shown, and what a server lets the backup undo."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backups import canary
from backups.model import Repository
from backups.restic.reaching import SftpPlace, Ssh, sftp_place
from backups.tools import SYSTEM
from bcp.kit.errors import UsageError
from bcp.kit.workers import Workers
from bcp.watch.values import Status
from tests.backups.conftest import Place
from tests.backups.storage import Store, key, sftp
from tests.backups.test_canary import tools
from tests.backups.test_stores import settle, use

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server() -> Iterator[Store]:
    with sftp() as store:
        yield store


def host_keys(file: Path, store: Store, public: Path) -> str:
    """A file that believes this key for the store's address."""
    address = Path(str(store.fields["ssh_known_hosts_file"])).read_text().split()[0]
    file.write_text(f"{address} {public.read_text()}")
    return str(file)


async def test_a_host_with_another_key_is_given_nothing(server: Store, place: Place) -> None:
    copy = await settle(place, server)
    await place.room.backup("juki")
    impostor = key(place.folder / "impostor")
    wrong = host_keys(place.folder / "wrong", server, Path(f"{impostor}.pub"))
    (place.folder / "nobody").write_text("")
    for known in (wrong, str(place.folder / "nobody")):
        use(place, copy.model_copy(update={"ssh_known_hosts_file": known}))
        await place.room.verify("juki", "main", 1)
        tried = place.room.memory("juki", "main").tried[1]
        assert (tried.inconclusive, tried.reason) == (True, "untrusted"), tried
        (done,) = await place.room.backup("juki")
        assert done.evidence.reason == "untrusted", done.evidence
        assert "ホスト鍵" in done.sentence.ja
    use(place, copy)
    assert (await place.room.verify("juki", "main", 1)).status is Status.OK


async def test_a_key_the_storage_does_not_know_is_denied(server: Store, place: Place) -> None:
    copy = await settle(place, server)
    await place.room.backup("juki")
    stranger = key(place.folder / "stranger")
    use(place, copy.model_copy(update={"ssh_identity_file": str(stranger)}))
    await place.room.verify("juki", "main", 1)
    tried = place.room.memory("juki", "main").tried[1]
    assert (tried.inconclusive, tried.reason) == (True, "denied"), tried
    found = await canary.probe(place.room.sets[0].repositories[0], place.room.tools)  # type: ignore[arg-type]
    assert (found.outcome, found.reason) == ("unknown", "cannot_put")


async def test_a_repository_is_copied_over_sftp_into_a_second_place(
    server: Store, one_place: Place
) -> None:
    place = one_place
    main = await settle(place, server)
    second = server.copy(place, id="second")
    use(place, main, second)
    made = await place.room.init("juki", "second", actor=SYSTEM, op="init-2")
    assert made.value, made.judgement
    (done,) = await place.room.backup("juki", "main")
    assert done.custody is not None
    act = await place.room.acts.bring(("juki", "second"), "main", SYSTEM, "bring")
    assert act.facts["brought"] == 1, act
    assert (await place.room.verify("juki", "second", 4)).status is Status.OK
    third = server.copy(place, id="third", ssh_identity_file=str(key(place.folder / "other")))
    use(place, main, second, third)
    with pytest.raises(UsageError, match="複製できません"):
        await place.room.acts.bring(("juki", "third"), "main", SYSTEM, "bring-3")


async def test_the_canary_says_what_an_sftp_server_lets_the_backup_undo(
    server: Store, place: Place, workers: Workers
) -> None:
    copy = await settle(place, server, immutable=True)
    tried = await canary.probe(copy, tools(place.folder, workers))
    assert (tried.outcome, tried.reason) == ("allowed", "delete_allowed"), tried
    behind = server.behind(copy) / canary.FOLDER
    assert list(behind.iterdir()) == []
    with sftp("-P", "remove,rename") as keeping:
        other = await settle_in(place, keeping)
        tried = await canary.probe(other, tools(place.folder, workers))
        assert (tried.outcome, tried.reason) == ("allowed", "overwrite_allowed"), tried


async def settle_in(place: Place, store: Store) -> Repository:
    """An empty repository folder is enough for a canary."""
    copy = store.copy(place, immutable=True)
    store.behind(copy).mkdir()
    store.hand_over(copy)
    return copy


@pytest.mark.skipif(os.geteuid() != 0, reason="wants two users: the storage's and the backup's")
async def test_what_belongs_to_another_user_of_the_storage_is_refused(
    server: Store, one_place: Place, workers: Workers
) -> None:
    copy = await settle_in(one_place, server)
    kept = server.behind(copy) / canary.FOLDER
    kept.mkdir(mode=0o755)
    (kept / f"canary-{datetime.now(UTC):%Y%m%d}").write_text("ict-bcp canary\n")
    tried = await canary.probe(copy, tools(one_place.folder, workers))
    assert (tried.outcome, tried.reason) == ("refused", ""), tried


def test_locations_are_read_as_restic_reads_them() -> None:
    assert sftp_place("sftp:city@nas:/srv/r") == SftpPlace("nas", "/srv/r", "city")
    assert sftp_place("sftp:nas:r") == SftpPlace("nas", "r")
    assert sftp_place("sftp:a@b@nas:r") == SftpPlace("nas", "r", "a@b")
    assert sftp_place("sftp://city@nas:2222//srv/r") == SftpPlace("nas", "/srv/r", "city", 2222)
    assert sftp_place("sftp://[::1]:22/r") == SftpPlace("::1", "r", "", 22)
    for none in ("/srv/r", "sftp:", "sftp:nas", "sftp:-oProxyCommand=x:/r", "sftp://h:port/r"):
        assert sftp_place(none) is None


async def test_why_ssh_gave_up_is_known_even_when_restic_does_not_say(
    server: Store, one_place: Place
) -> None:
    place = one_place
    silent = place.folder / "restic"
    silent.write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo restic 0.18.0 && exit\n'
        "echo Fatal: unable to start the sftp session, error: EOF >&2\nexit 1\n"
    )
    silent.chmod(0o755)
    copy = server.copy(place, restic=str(silent))
    stranger = str(key(place.folder / "stranger"))
    (place.folder / "nobody").write_text("")
    for change, meant in (
        ({"ssh_known_hosts_file": str(place.folder / "nobody")}, "untrusted"),
        ({"ssh_identity_file": stranger}, "denied"),
        ({}, "unreachable"),
    ):
        use(place, copy.model_copy(update={**change, "id": "main"}))
        (done,) = await place.room.backup("juki")
        assert (done.evidence.inconclusive, done.evidence.reason) == (True, meant), done


@given(st.text(), st.text())
def test_ssh_is_never_told_an_option_by_a_location(user: str, host: str) -> None:
    place = sftp_place(f"sftp:{user}@{host}:/r")
    if place is not None:
        assert not place.host.startswith("-")
        assert not place.user.startswith("-")
        command = Ssh().command(place)
        assert "StrictHostKeyChecking=yes" in command
        assert command.endswith(" sftp")


@pytest.mark.parametrize(
    "fields",
    [
        {"location": "sftp:nas:/r", "ssh_identity_file": "relative"},
        {"location": "sftp:nas:/r", "ssh_known_hosts_file": "/with blank"},
        {"location": "sftp:nas:/r", "ca_file": "/etc/ca.pem"},
        {"location": "/srv/r", "ssh_identity_file": "/etc/key"},
        {"location": "sftp://city:SECRET@nas/r"},
        {"location": "rest:https://city:SECRET@nas/r"},
        {"location": "/srv/r", "retention_location": "rest:https://city:SECRET@nas/r"},
    ],
)
def test_what_does_not_fit_or_is_a_secret_is_refused_in_the_plan(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Repository.model_validate({"id": "x", "password_file": "/p", **fields})
    assert "SECRET" not in "".join(one["msg"] for one in refused.value.errors())
