"""A named resolver, each address of a name, and what must not be reached."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.kit.language import Text
from bcp.watch.check import Env
from bcp.watch.values import Outcome, Status
from probes import kinds
from probes.engine.reaching import NamedResolver, Pinned, inverted, merged
from tests.probes.conftest import Look
from tests.probes.pki import Authority
from tests.probes.servers import Dns, Handler, answer, dead_port, hang, http, says, serve

ZONE = {
    ("web.bcp.test.", "A"): ["127.0.0.1"],
    ("mail.bcp.test.", "MX"): ["10 web.bcp.test."],
}


def both(host: str) -> object:
    """A resolver that knows two addresses of `host`: one of them is dead."""

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1", "127.0.0.2"]

    return resolve


async def test_the_name_is_asked_of_the_server_the_plan_names(look: Look) -> None:
    async with Dns(ZONE).up() as port, serve(http({"/": answer()})) as web:
        resolver = f"127.0.0.1:{port}"
        found = await look("http", url=f"http://web.bcp.test:{web}/", resolver=resolver)
        assert found.status is Status.OK, found.sentence
        gone = await look("http", url=f"http://gone.bcp.test:{web}/", resolver=resolver)
        assert gone.status is Status.FAILED
        assert "見つかりません" in gone.sentence.ja
        assert (await look("tcp", host="web.bcp.test", port=web)).status is not Status.OK
    mute = await look("tcp", host="web.bcp.test", port=web, resolver=f"127.0.0.1:{dead_port()}")
    assert mute.status is Status.UNKNOWN, "a resolver that is dead proves nothing of the target"


async def test_one_dead_address_of_two_is_said_and_is_no_whole_failure(
    look: Look, env: Env
) -> None:
    async with serve(http({"/": answer()})) as port:
        two = replace(env, resolve=both("web"))  # type: ignore[arg-type]
        outcome = await look("http", env=two, url=f"http://web:{port}/", each_address=True)
        assert outcome.status is Status.DEGRADED
        assert "2つの宛先のうち1つが不良 (127.0.0.2)" in outcome.sentence.ja
        assert (outcome.facts["addresses"], outcome.facts["addresses_bad"]) == (2, 1)
        plain = await look("http", env=two, url=f"http://web:{port}/")
        assert plain.status is Status.OK, "without it the first address that answers is enough"
    dead = await look("tcp", env=two, host="web", port=port, each_address=True)
    assert dead.status is Status.FAILED


async def test_each_address_shows_its_own_certificate(look: Look, authority: Authority) -> None:
    async with serve(hang, authority.server("each")) as port:
        outcome = await look("tls", host="localhost", port=port, each_address=True)
    assert outcome.status in (Status.OK, Status.DEGRADED)
    assert outcome.facts["addresses"] >= 1


async def test_what_must_not_be_reached_is_good_when_it_is_not(look: Look) -> None:
    shut = await look("tcp", host="127.0.0.1", port=dead_port(), must_fail=True)
    assert shut.status is Status.OK
    assert "届かないのが正しい" in shut.sentence.ja
    async with serve(hang) as port:
        open_ = await look("tcp", host="127.0.0.1", port=port, must_fail=True)
    assert open_.status is Status.FAILED
    assert "届いてはいけないのに届きます" in open_.sentence.ja


@pytest.mark.parametrize(
    ("kind", "fields", "handler"),
    [
        ("tcp", {"dialogue": [{"expect": "220"}]}, says(b"554 no\r\n", read_first=False)),
        ("tcp", {"dialogue": [{"expect": "220"}]}, hang),
        ("tls", {}, says(b"no tls\r\n")),
        ("mail", {"protocol": "smtp"}, says(b"554 no\r\n", read_first=False)),
        ("ldap", {}, hang),
        ("ssh", {}, says(b"Exceeded MaxStartups\r\n")),
    ],
)
async def test_a_bad_answer_is_an_answer_of_what_must_not_be_reached(
    look: Look, kind: str, fields: dict[str, object], handler: Handler
) -> None:
    async with serve(handler) as port:
        seen = await look(
            kind, host="127.0.0.1", port=port, must_fail=True, timeout="500ms", **fields
        )

    assert seen.status is Status.FAILED
    assert "届いてはいけないのに届きます" in seen.sentence.ja


async def test_one_address_that_is_reached_is_enough(look: Look, env: Env) -> None:
    async with serve(says(b"554 no\r\n", read_first=False)) as port:
        two = replace(env, resolve=both("mail"))  # type: ignore[arg-type]
        seen = await look(
            "mail", env=two, host="mail", port=port, protocol="smtp",
            must_fail=True, each_address=True,
        )  # fmt: skip

    assert seen.status is Status.FAILED


def outcome(status: Status) -> Outcome:
    return Outcome(status, Text(status.value, status.value))


@given(st.lists(st.sampled_from(Status), min_size=1, max_size=8))
def test_no_mixture_of_addresses_is_better_than_its_parts(seen: list[Status]) -> None:
    told = merged("x", [(f"a{n}", outcome(one)) for n, one in enumerate(seen)]).status
    assert (told is Status.OK) == all(one is Status.OK for one in seen)
    assert (told is Status.FAILED) == all(one is Status.FAILED for one in seen)
    if told is Status.UNKNOWN:
        assert Status.FAILED not in seen


def test_what_could_not_be_looked_at_is_never_a_proof_that_a_door_is_shut() -> None:
    assert inverted("x", outcome(Status.UNKNOWN)).status is Status.UNKNOWN
    assert inverted("x", outcome(Status.DEGRADED)).status is Status.FAILED


async def test_only_the_one_name_is_pinned(env: Env) -> None:
    pinned = Pinned(env.resolve, "web", "192.0.2.1")
    assert await pinned("web", 80) == ["192.0.2.1"]
    assert "127.0.0.1" in await pinned("localhost", 80)


async def test_a_name_without_addresses_is_missing_not_mute() -> None:
    async with Dns(ZONE).up() as port:
        resolver = NamedResolver("127.0.0.1", port)
        assert await resolver("web.bcp.test", 0) == ["127.0.0.1"]
        with pytest.raises(socket.gaierror) as missing:
            await resolver("mail.bcp.test", 0)
        assert missing.value.errno == socket.EAI_NONAME


@pytest.mark.parametrize("bad", ["ns.example", "192.0.2.1:0", "192.0.2.1:99999", "[::1", "::1:x"])
def test_a_resolver_is_an_address(bad: str) -> None:
    fields = {"id": "t", "kind": "tcp", "host": "h", "port": 1}
    with pytest.raises(ValidationError, match="resolver"):
        kinds()["tcp"].model_validate({**fields, "resolver": bad})
    for good in ("192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353"):
        kinds()["tcp"].model_validate({**fields, "resolver": good})
