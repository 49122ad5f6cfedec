"""A REST server for real: its user and password stay out of sight, its certificate is proven, what it was
told never to delete it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from backups import canary
from backups.restic.reaching import Login, NoLogin, login
from backups.restic.restic import Restic
from backups.retention import Retention
from backups.tools import SYSTEM
from bcp.kit.workers import Workers
from bcp.watch.values import Status
from tests.backups.conftest import Place
from tests.backups.storage import PASSWORD, USER, Store, rest
from tests.backups.test_canary import tools
from tests.backups.test_stores import settle, use

pytestmark = pytest.mark.live
SECRETS = (PASSWORD, quote(PASSWORD, safe=""))


@pytest.fixture(scope="module")
def keeping() -> Iterator[Store]:
    """A server told to append only."""
    with rest("--append-only") as store:
        yield store


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of the city's own for 127.0.0.1, with its key beside it."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "storage")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    plain = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem"


async def test_an_append_only_server_is_proven_by_trying(keeping: Store, place: Place) -> None:
    await settle(place, keeping, immutable=True)
    (done,) = await place.room.backup("juki")
    assert done.evidence.good, done.evidence
    for _again in range(2):
        found = await place.room.upkeep.canary(("juki", "main"))
        assert found.good, found
        assert (found.facts["overwrite_status"], found.facts["delete_status"]) == (403, 403)
    for level in (1, 2, 3, 4):  # the canary among the packs disturbs no reader
        rung = await place.room.verify("juki", "main", level)
        assert rung.status is Status.OK, (level, rung.sentence)


async def test_a_server_that_deletes_is_not_immutable_whatever_the_plan_says(
    one_place: Place,
) -> None:
    with rest() as store:
        copy = await settle(one_place, store, immutable=True)
        await one_place.room.backup("juki")
        found = await one_place.room.upkeep.canary(("juki", "main"))
        assert (found.good, found.reason) == (False, "delete_allowed")
        store.die()
        tried = await canary.probe(copy, one_place.room.tools)
        assert (tried.outcome, tried.reason) == ("unknown", "unreachable")


async def command_lines(seen: list[str]) -> AsyncIterator[None]:
    """Every command line of this machine, again and again."""
    while True:
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if "restic" in words and "serve" not in words:
                seen.append(words)
        yield
        await asyncio.sleep(0.02)


async def test_user_and_password_are_seen_nowhere(keeping: Store, place: Place) -> None:
    seen: list[str] = []

    async def watch() -> None:
        async for _turn in command_lines(seen):
            pass

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch())
        copy = await settle(place, keeping)
        (done,) = await place.room.backup("juki")
        watching.cancel()
    assert done.evidence.good
    file = place.folder / "wrong"
    file.write_text(f"{USER}:{PASSWORD}x\n")
    use(place, copy.model_copy(update={"credentials_file": str(file)}))
    await place.room.verify("juki", "main", 1)
    tried = place.room.memory("juki", "main").tried[1]
    assert (tried.inconclusive, tried.reason) == (True, "denied"), tried
    said = [*seen, repr(tried), repr(place.room.sets), repr(login(file))]
    assert any("backup" in words for words in seen), "a backup was seen at work"
    kept = [path for path in (place.folder / "data").rglob("*") if path.is_file()]
    for secret in SECRETS:
        assert not [words for words in said if secret in words]
        assert not [path for path in kept if secret.encode() in path.read_bytes()]


async def test_a_missing_or_empty_login_is_denied_and_says_which_file(
    keeping: Store, one_place: Place
) -> None:
    place = one_place
    file = place.folder / "login"
    copy = await settle(place, keeping)
    use(place, copy.model_copy(update={"credentials_file": str(file), "immutable": True}))
    for content in (None, "", "city\n", ":x\n"):
        if content is not None:
            file.write_text(content)
        await place.room.verify("juki", "main", 1)
        tried = place.room.memory("juki", "main").tried[1]
        assert (tried.inconclusive, tried.reason) == (True, "denied"), tried
        assert str(file) in tried.said
    found = await canary.probe(
        copy.model_copy(update={"credentials_file": str(file)}), place.room.tools
    )
    assert (found.outcome, found.reason) == ("unknown", "no_credentials")


async def test_the_city_s_own_certificate_is_believed_and_no_other(
    certificate: Path, place: Place, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Restic.snapshots, "__defaults__", (8.0,))  # a minute's patience, shortened
    words = ("--cert", str(certificate), "--key", str(certificate.with_name("key.pem")))
    with rest("--append-only", *words, ca=certificate) as store:
        copy = await settle(place, store, immutable=True)
        (done,) = await place.room.backup("juki")
        assert done.evidence.good, done.evidence
        assert (await place.room.upkeep.canary(("juki", "main"))).good
        stranger = copy.model_copy(update={"ca_file": None})
        use(place, stranger)
        await place.room.verify("juki", "main", 1)
        tried = place.room.memory("juki", "main").tried[1]
        assert (tried.inconclusive, tried.reason) == (True, "untrusted"), tried
        found = await canary.probe(stranger, tools(place.folder, workers))
        assert (found.outcome, found.reason) == ("unknown", "unreachable")


async def test_another_login_deletes_where_the_backup_s_own_may_not(one_place: Place) -> None:
    place = one_place
    with rest() as open_door:
        assert open_door.folder is not None
        with rest("--append-only") as store:
            copy = await settle(place, store)
            # One storage with two doors, as a city would set it up.
            (open_door.folder / "both").symlink_to(store.behind(copy))
            way = {
                "retention_location": f"{open_door.fields['location']}/both",
                "retention_credentials_file": open_door.fields["credentials_file"],
            }
            keep = {"retention": Retention(last=1, prune=True), "rpo": None}
            use(place, copy.model_copy(update=way), **keep)
            await place.room.backup("juki")
            (place.source / "new").write_text("second")
            await place.room.backup("juki")
            first = place.room.custody("juki", "main").custody[0].snapshot
            removed = await place.room.acts.remove(("juki", "main"), (first,), SYSTEM, "forget-2")
            assert removed.done, removed
            assert removed.acts[0].removed == (first,)
            assert (await place.room.verify("juki", "main", 1)).status is Status.OK


@pytest.mark.long  # restic 0.14 asks again for most of a minute
async def test_forget_that_an_append_only_server_refuses_is_on_record_as_not_done(
    keeping: Store, one_place: Place
) -> None:
    place = one_place
    copy = await settle(place, keeping)
    use(place, copy, retention=Retention(last=1), rpo=None)
    await place.room.backup("juki")
    (place.source / "new").write_text("second")
    await place.room.backup("juki")
    first = place.room.custody("juki", "main").custody[0].snapshot
    closed = await place.room.acts.remove(("juki", "main"), (first,), SYSTEM, "forget")
    assert not closed.done, closed
    assert [(act.reason, act.removed) for act in closed.acts] == [("denied", ())]
    assert (await place.room.verify("juki", "main", 1)).status is Status.OK


@given(st.text(min_size=1), st.text(min_size=1))
def test_every_login_stands_in_an_address_and_is_hidden_again(user: str, password: str) -> None:
    try:
        known = Login(user, password)
        address = known.inside("rest:https://nas:8000/r/")
    except UnicodeEncodeError:
        return
    assert address.startswith("rest:https://")
    assert address.endswith("@nas:8000/r/")
    assert len(address.split("@")) == 2
    assert known.hide("none of it") == "none of it" or password in "none of it"
    assert repr(known) == "Login(…)"


def test_a_login_keeps_colons_of_its_password_and_no_line_end(tmp_path: Path) -> None:
    file = tmp_path / "login"
    file.write_bytes(b"city:a:b c\r\nsecond line\n")
    assert login(file) == Login("city", "a:b c")
    with pytest.raises(NoLogin) as refused:
        login(tmp_path / "none")
    assert str(tmp_path / "none") in str(refused.value.where)
