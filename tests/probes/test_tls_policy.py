"""Kind `tls_policy`: against OpenSSL, and against servers no library can play any more."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID
from hypothesis import given
from hypothesis import strategies as st

from bcp.watch.check import Env
from bcp.watch.values import FindingResult, Outcome, Status
from probes.confidentiality import hello
from probes.confidentiality.tls_policy import RULES
from tests.probes.conftest import Look
from tests.probes.pki import DAY, NOW, Authority, limit, weak_rsa
from tests.probes.servers import hang, old_tls, says, serve

FAIL, PASS, BLIND = FindingResult.FAIL, FindingResult.PASS, FindingResult.NOT_CHECKED
FAST = {"host": "127.0.0.1", "gap": "1ms"}


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def _ids(outcome: Outcome, result: FindingResult = FAIL) -> set[str]:
    return {finding.id for finding in outcome.findings if finding.result is result}


def _modern(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_ciphers("ECDHE+AESGCM")
    return context


async def test_a_modern_server_passes_every_rule_within_the_budget(
    look: Look, authority: Authority, stack: AsyncExitStack
) -> None:
    port = await stack.enter_async_context(serve(hang, _modern(authority.server("modern"))))

    outcome = await look("tls_policy", **FAST, port=port)

    assert outcome.status is Status.OK, outcome.sentence.ja
    assert _ids(outcome) == set()
    assert {finding.id for finding in outcome.findings} == set(RULES)
    assert outcome.facts["connections"] <= 12


def _aia() -> x509.AuthorityInformationAccess:
    where = x509.UniformResourceIdentifier("http://ca.example/sub.crt")
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)]
    )


CERTIFICATES: dict[str, tuple[dict[str, Any], str]] = {
    "p-expired": ({"begin": NOW - 9 * DAY, "end": NOW - DAY}, "tls.cert.expired"),
    "p-soon": ({"end": NOW + 9 * DAY}, "tls.cert.expiring_soon"),
    "p-early": ({"begin": NOW + DAY}, "tls.cert.not_yet_valid"),
    "p-name": ({"names": ("other.example",)}, "tls.cert.hostname_mismatch"),
    "p-self": ({"self_signed": True}, "tls.cert.self_signed"),
    "p-weak": ({"key": weak_rsa}, "tls.cert.weak_key"),
}


@pytest.mark.parametrize("label", CERTIFICATES)
async def test_each_fault_of_a_certificate_has_its_own_finding(
    look: Look, authority: Authority, stack: AsyncExitStack, label: str
) -> None:
    how, rule = CERTIFICATES[label]
    how = {name: value() if callable(value) else value for name, value in how.items()}
    port = await stack.enter_async_context(serve(hang, _modern(authority.server(label, **how))))

    outcome = await look("tls_policy", **FAST, port=port)

    assert {i for i in _ids(outcome) if i.startswith("tls.cert.")} == {rule}
    expected = Status.DEGRADED if rule == "tls.cert.expiring_soon" else Status.FAILED
    assert outcome.status is expected


async def test_an_unknown_authority_and_a_missing_link_are_told_apart(
    look: Look, env: Env, authority: Authority, stack: AsyncExitStack
) -> None:
    private = await stack.enter_async_context(serve(hang, _modern(authority.server("p-a"))))
    linked = authority.server("p-b", more=(_aia(),))
    missing = await stack.enter_async_context(serve(hang, _modern(linked)))
    alone = replace(env, ca_file=None)

    first = await look("tls_policy", env=alone, **FAST, port=private)
    second = await look("tls_policy", env=alone, **FAST, port=missing)

    assert _ids(first) == {"tls.cert.untrusted_chain"}
    assert _ids(second) == {"tls.cert.incomplete_chain"}


async def test_an_old_protocol_is_found_and_the_exception_profile_excuses_it(
    look: Look, authority: Authority, stack: AsyncExitStack
) -> None:
    context = limit(authority.server("p-old"), ssl.TLSVersion.TLSv1)
    port = await stack.enter_async_context(serve(hang, context))

    strict = await look("tls_policy", **FAST, port=port)
    excused = await look("tls_policy", **FAST, port=port, profile="セキュリティ例外型")

    assert strict.status is Status.FAILED
    assert {"tls.protocol.tls1_0", "tls.protocol.no_tls1_2"} <= _ids(strict)
    assert not {"tls.protocol.tls1_0", "tls.protocol.no_tls1_2"} & _ids(excused)
    assert "tls.protocol.tls1_0" in _ids(excused, FindingResult.NOT_APPLICABLE)


@pytest.mark.parametrize(
    ("ciphers", "rule"),
    [
        ("NULL-SHA256:ECDHE-ECDSA-NULL-SHA", "tls.cipher.null"),
        ("AECDH-AES128-SHA:ADH-AES128-SHA", "tls.cipher.anonymous"),
    ],
)
async def test_ciphers_that_protect_nothing_are_found(
    look: Look, authority: Authority, stack: AsyncExitStack, ciphers: str, rule: str
) -> None:
    context = authority.server("p-cipher")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{ciphers}:ECDHE+AESGCM:@SECLEVEL=0")
    port = await stack.enter_async_context(serve(hang, context))

    outcome = await look("tls_policy", **FAST, port=port)

    assert rule in _ids(outcome)
    assert outcome.status is Status.FAILED


@pytest.mark.parametrize(
    ("server", "rule"),
    [
        ({"version": hello.SSL3, "ciphers": hello.TRIPLE_DES}, "tls.protocol.ssl3"),
        ({"version": hello.TLS1_2, "ciphers": hello.TRIPLE_DES}, "tls.cipher.3des"),
        ({"version": hello.TLS1_0, "ciphers": hello.RC4}, "tls.cipher.rc4"),
        ({"version": hello.TLS1_0, "ciphers": hello.EXPORT}, "tls.cipher.export"),
        ({"version": hello.TLS1_1, "ciphers": hello.STATIC_RSA}, "tls.protocol.tls1_1"),
        ({"version": hello.TLS1_2, "ciphers": (0x009E,), "dh_bits": 1024}, "tls.kex.weak_dh"),
        (
            {"version": hello.TLS1_2, "ciphers": (0x0033,), "dh_bits": 512, "split": 7},
            "tls.kex.weak_dh",
        ),
    ],
)
async def test_what_this_hosts_library_cannot_ask_is_asked_by_hand(
    look: Look, stack: AsyncExitStack, server: dict[str, Any], rule: str
) -> None:
    port = await stack.enter_async_context(serve(old_tls(**server)))

    outcome = await look("tls_policy", **FAST, port=port, patience="500ms")

    assert rule in _ids(outcome), [(f.id, f.result, f.observed) for f in outcome.findings]


async def test_a_strong_dh_passes(look: Look, stack: AsyncExitStack) -> None:
    strong = old_tls(version=hello.TLS1_2, ciphers=(0x009E,), dh_bits=2048)
    port = await stack.enter_async_context(serve(strong))

    outcome = await look("tls_policy", **FAST, port=port, patience="500ms")

    assert "tls.kex.weak_dh" in _ids(outcome, PASS)


async def test_a_port_that_speaks_no_tls_proves_nothing_but_that(
    look: Look, stack: AsyncExitStack
) -> None:
    port = await stack.enter_async_context(serve(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")))

    outcome = await look("tls_policy", **FAST, port=port)

    assert _ids(outcome) == {"tls.handshake_failed"}
    assert _ids(outcome, PASS) == set()


async def test_a_server_that_only_hangs_up_passes_nothing(
    look: Look, stack: AsyncExitStack
) -> None:
    port = await stack.enter_async_context(serve(says(b"")))

    outcome = await look("tls_policy", **FAST, port=port)

    assert _ids(outcome, PASS) == set()


async def test_a_target_that_goes_silent_is_left_alone(look: Look, stack: AsyncExitStack) -> None:
    port = await stack.enter_async_context(serve(hang))

    outcome = await look("tls_policy", **FAST, port=port, patience="100ms")

    assert outcome.status is Status.UNKNOWN
    assert outcome.facts["connections"] <= 3
    assert _ids(outcome, BLIND) == set(RULES)


@given(st.binary(max_size=300), st.integers(1, 50))
def test_no_answer_of_a_server_breaks_the_reader(data: bytes, size: int) -> None:
    reader = hello.Reader()
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    reader.feed(b"")

    assert reader.reply is not None


@given(st.binary(min_size=1, max_size=200))
def test_a_broken_handshake_message_never_counts_as_an_offer(body: bytes) -> None:
    reader = hello.Reader()
    message = b"\x02" + len(body).to_bytes(3, "big") + body
    reader.feed(b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message)
    reader.feed(b"")

    assert reader.reply is not None
    if reader.reply.kind == "hello":
        assert len(body) >= 37
