"""Kind `ldap` with a user: the password is shown once, only behind a good certificate, never again
after a refusal."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bcp.watch.values import Status
from tests.probes.conftest import Look
from tests.probes.pki import DAY, NOW, Authority
from tests.probes.servers import serve
from tests.probes.slapd import LOCKS, PASSWORD, POLICY, directory, real_slapd
from tests.probes.test_ldap import BOUND, LOCAL, PEOPLE, result


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    file.chmod(0o600)
    return file


@real_slapd
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_user_logs_in_behind_tls(
    look: Look, authority: Authority, password: Path, tls: str
) -> None:
    fields = {"base": PEOPLE, "user": f"cn=abe,{PEOPLE}", "password_file": str(password)}
    async with directory(authority, more="access to * by users read by anonymous auth") as town:
        port = town.port if tls == "starttls" else town.secure_port
        known = await look("ldap", **LOCAL, port=port, tls=tls, at_least=4, **fields)
        stranger = await look("ldap", **LOCAL, port=port, tls=tls, base=PEOPLE)

    assert known.status is Status.OK, known
    assert stranger.status is Status.FAILED, "without the password nothing is to be seen"
    assert PASSWORD not in repr(known)


@real_slapd
async def test_a_wrong_password_is_shown_once_and_locks_nobody_out(
    look: Look, authority: Authority, password: Path
) -> None:
    password.write_text("wrong-wrong-7\n")
    fields = {"base": PEOPLE, "user": f"cn=abe,{PEOPLE}", "password_file": str(password)}
    async with directory(authority, more=LOCKS, entries=POLICY) as town:
        wrong = [await look("ldap", **LOCAL, port=town.port, **fields) for _turn in range(6)]
        password.write_text(PASSWORD + "\n")
        right = await look("ldap", **LOCAL, port=town.port, **fields)
        for guess in ("wrong-1", "wrong-2"):  # what a careless probe would have done
            password.write_text(guess)
            await look("ldap", **LOCAL, port=town.port, **fields)
        password.write_text(PASSWORD)
        locked = await look("ldap", **LOCAL, port=town.port, **fields)

    assert {one.status for one in wrong} == {Status.UNKNOWN}, "our password, not their failure"
    assert all("変わるまで試しません" in one.sentence.ja for one in wrong)
    assert "LDAP 49" in wrong[0].evidence[0]
    assert right.status is Status.OK, right
    assert locked.status is Status.UNKNOWN, "the policy does lock: the first part proves something"


async def test_the_password_never_leaves_before_the_certificate_was_good(
    look: Look, authority: Authority, password: Path
) -> None:
    heard = bytearray()

    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            heard.extend(data)
            writer.write(BOUND)

    fields = {**LOCAL, "user": "cn=abe", "password_file": str(password), "tls": "implicit"}
    old = authority.server("ldap-old", begin=NOW - 30 * DAY, end=NOW - DAY)
    async with serve(listens, old) as port:
        outcome = await look("ldap", **fields, port=port)
    assert outcome.status is Status.FAILED
    assert PASSWORD.encode() not in heard

    async with serve(listens, authority.server("ldap-good")) as port:
        await look("ldap", **fields, port=port, timeout="1s")
    assert PASSWORD.encode() in heard


@pytest.mark.parametrize(
    ("code", "status", "attempts"),
    [
        (49, Status.UNKNOWN, 1),
        (53, Status.UNKNOWN, 1),
        (51, Status.FAILED, 4),
        (8, Status.FAILED, 4),
    ],
)
async def test_only_what_may_count_against_the_account_is_never_repeated(
    look: Look, authority: Authority, password: Path, code: int, status: Status, attempts: int
) -> None:
    binds: list[bytes] = []

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        binds.append(await reader.read(4096))
        writer.write(result(0x61, code, f"no {PASSWORD}"))
        await reader.read()

    fields = {**LOCAL, "user": "cn=abe", "password_file": str(password), "tls": "implicit"}
    async with serve(refuses, authority.server("ldap-no")) as port:
        seen = [await look("ldap", **fields, port=port) for _turn in range(4)]

    assert {one.status for one in seen} == {status}
    assert len(binds) == attempts
    assert PASSWORD not in repr(seen)


async def test_answers_that_never_come_are_waited_for_ever_longer(
    look: Look, authority: Authority, password: Path
) -> None:
    binds: list[bytes] = []

    async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        binds.append(await reader.read(4096))
        await reader.read()

    fields = {**LOCAL, "user": "cn=abe", "password_file": str(password), "tls": "implicit"}
    async with serve(mute, authority.server("ldap-mute")) as port:
        seen = [await look("ldap", **fields, port=port, timeout="300ms") for _turn in range(6)]

    assert len(binds) == 3
    assert [one.status for one in seen] == [Status.FAILED] * 3 + [Status.UNKNOWN] * 3
    assert "10分に1回" in seen[-1].sentence.ja
