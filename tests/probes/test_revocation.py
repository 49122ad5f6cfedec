"""失効: a real responder and a real list over real sockets; what cannot be asked is never good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.watch.values import Status
from probes import kinds
from probes.engine import revocation
from probes.engine.revocation import judge_crl, judge_ocsp
from tests.probes.conftest import Look
from tests.probes.pki import DAY, NOW, Authority
from tests.probes.servers import answer, dead_port, hang, http, says, serve

Reply = Callable[[x509.Certificate], bytes]


def aia(url: str) -> x509.AuthorityInformationAccess:
    where = x509.UniformResourceIdentifier(url)
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, where)]
    )


def points(url: str) -> x509.CRLDistributionPoints:
    where = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    return x509.CRLDistributionPoints([where])


def leaf_of(authority: Authority, label: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(
        (authority.folder / f"{label}.pem")
        .read_bytes()
        .partition(b"-----END PRIVATE KEY-----\n")[2]
    )


def ocsp_answer(
    authority: Authority,
    leaf: x509.Certificate,
    *,
    revoked: bool = False,
    at: datetime = NOW,
    until: datetime = NOW + DAY,
    key: Any = None,
    signer: x509.Certificate | None = None,
    status: ocsp.OCSPCertStatus | None = None,
) -> bytes:
    taken = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
    builder = ocsp.OCSPResponseBuilder().add_response(
        leaf,
        authority.certificate,
        hashes.SHA1(),
        status or taken,
        at,
        until,
        NOW - DAY if revoked else None,
        None,
    )
    by = signer or authority.certificate
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by)
    if signer is not None:
        builder = builder.certificates([signer])
    made = builder.sign(key or authority.key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


def crl(
    authority: Authority,
    *serials: int,
    at: datetime = NOW - timedelta(hours=1),
    until: datetime = NOW + DAY,
) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.name)
        .last_update(at)
        .next_update(until)
    )
    for serial in serials:
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - DAY)
        builder = builder.add_revoked_certificate(one.build())
    made = builder.sign(authority.key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


@asynccontextmanager
async def asked(
    authority: Authority, label: str, reply: Reply, *, means: str = "ocsp"
) -> AsyncIterator[int]:
    """A TLS server whose certificate names a responder that answers with `reply`."""
    said = b""

    def page(_request: object) -> bytes:
        return answer(body=said)

    async with serve(http({"/": page, "/list": page})) as port:
        url = f"http://127.0.0.1:{port}/{'list' if means == 'crl' else ''}"
        more = points(url) if means == "crl" else aia(url)
        context = authority.server(label, more=(more,))
        said = reply(leaf_of(authority, label))
        async with serve(hang, context) as secure:
            yield secure


LOCAL = {"host": "127.0.0.1"}


async def test_a_certificate_in_force_is_said_to_be_so(look: Look, authority: Authority) -> None:
    reply = lambda leaf: ocsp_answer(authority, leaf)  # noqa: E731
    async with asked(authority, "good", reply) as port:
        outcome = await look("tls", **LOCAL, port=port, revocation="ocsp")
    assert outcome.status is Status.OK, outcome.sentence
    assert outcome.facts["revocation"] == "good"
    assert "失効なし" in outcome.sentence.ja


@pytest.mark.parametrize("means", ["ocsp", "crl"])
async def test_a_revoked_certificate_fails(look: Look, authority: Authority, means: str) -> None:
    def reply(leaf: x509.Certificate) -> bytes:
        if means == "crl":
            return crl(authority, leaf.serial_number, 12345)
        return ocsp_answer(authority, leaf, revoked=True)

    async with asked(authority, f"revoked-{means}", reply, means=means) as port:
        outcome = await look("tls", **LOCAL, port=port, revocation=means)
    assert outcome.status is Status.FAILED
    assert outcome.facts["revocation"] == "revoked"
    assert "失効しています" in outcome.sentence.ja


async def test_a_list_is_fetched_once_until_its_next_update(
    look: Look, authority: Authority
) -> None:
    revocation._lists.clear()
    count = 0

    def page(_request: object) -> bytes:
        nonlocal count
        count += 1
        return answer(body=crl(authority, 1))

    async with serve(http({"/l": page})) as lists, serve(hang, authority.server("listed")) as port:
        for _ in range(3):
            outcome = await look(
                "tls",
                **LOCAL,
                port=port,
                revocation="crl",
                revocation_url=f"http://127.0.0.1:{lists}/l",
            )
            assert outcome.facts["revocation"] == "good"
    assert count == 1


async def test_what_cannot_be_asked_is_unknown_and_no_failure(
    look: Look, authority: Authority
) -> None:
    async with serve(hang, authority.server("silent")) as port:
        nowhere = await look("tls", **LOCAL, port=port, revocation="ocsp")
        assert "確認先がない" in nowhere.sentence.ja
        dead = f"http://127.0.0.1:{dead_port()}/"
        refused = await look("tls", **LOCAL, port=port, revocation="ocsp", revocation_url=dead)
        async with serve(says(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nxyz")) as junk:
            wrong = await look(
                "tls",
                **LOCAL,
                port=port,
                revocation="ocsp",
                revocation_url=f"http://127.0.0.1:{junk}/",
            )
    for outcome in (nowhere, refused, wrong):
        assert outcome.status is Status.OK
        assert outcome.facts["revocation"] == "unknown"
        assert "失効は未確認" in outcome.sentence.ja


async def test_an_authority_that_hangs_does_not_make_the_server_look_down(
    look: Look, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, "_PATIENCE", 0.2)
    async with serve(hang) as mute, serve(hang, authority.server("patient")) as port:
        outcome = await look(
            "tls",
            **LOCAL,
            port=port,
            revocation="ocsp",
            revocation_url=f"http://127.0.0.1:{mute}/",
        )
    assert outcome.status is Status.OK
    assert "認証局が答えない" in outcome.sentence.ja


async def test_nobody_is_asked_about_a_certificate_that_is_not_trusted(
    look: Look, authority: Authority
) -> None:
    touched = asyncio.Event()

    async def note(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        touched.set()

    async with serve(note) as trap:
        evil = authority.server("evil", self_signed=True, more=(aia(f"http://127.0.0.1:{trap}/"),))
        async with serve(hang, evil) as port:
            outcome = await look("tls", **LOCAL, port=port, revocation="ocsp")
    assert outcome.status is Status.FAILED
    assert "revocation" not in outcome.facts
    assert not touched.is_set()


# --- answers that must not count ------------------------------------------------------------------


@pytest.fixture
def leaf(authority: Authority) -> x509.Certificate:
    authority.server("judged")
    return leaf_of(authority, "judged")


def delegated(authority: Authority, *usages: x509.ObjectIdentifier) -> tuple[Any, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    made = authority._sign(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "responder")]),
        key.public_key(),
        NOW - DAY,
        NOW + DAY,
        more=(x509.ExtendedKeyUsage(list(usages)),),
    )
    return key, made


def test_only_the_issuer_and_whom_it_delegated_may_answer(
    authority: Authority, leaf: x509.Certificate, tmp_path: Path
) -> None:
    issuer = authority.certificate
    key, responder = delegated(authority, ExtendedKeyUsageOID.OCSP_SIGNING)
    said = ocsp_answer(authority, leaf, key=key, signer=responder)
    assert judge_ocsp(said, leaf, issuer, NOW).standing == "good"
    key, server = delegated(authority, ExtendedKeyUsageOID.SERVER_AUTH)
    said = ocsp_answer(authority, leaf, key=key, signer=server)
    assert judge_ocsp(said, leaf, issuer, NOW).standing == "unknown"
    stranger = Authority(tmp_path)  # of the same name, with another key
    assert "署名" in judge_ocsp(ocsp_answer(stranger, leaf), leaf, issuer, NOW).text.ja
    assert "署名" in judge_crl(crl(stranger), leaf, issuer, NOW).text.ja


def test_an_answer_counts_in_its_time_and_for_its_certificate_only(
    authority: Authority, leaf: x509.Certificate
) -> None:
    issuer = authority.certificate
    old = ocsp_answer(authority, leaf, at=NOW - 3 * DAY, until=NOW - DAY)
    assert "古い" in judge_ocsp(old, leaf, issuer, NOW).text.ja
    ahead = ocsp_answer(authority, leaf, at=NOW + DAY, until=NOW + 2 * DAY)
    assert "古い" in judge_ocsp(ahead, leaf, issuer, NOW).text.ja
    authority.server("another")
    other = ocsp_answer(authority, leaf_of(authority, "another"))
    assert "別の証明書" in judge_ocsp(other, leaf, issuer, NOW).text.ja
    unknown = ocsp_answer(authority, leaf, status=ocsp.OCSPCertStatus.UNKNOWN)
    assert "知らない" in judge_ocsp(unknown, leaf, issuer, NOW).text.ja
    builder = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    later = builder.public_bytes(serialization.Encoding.DER)
    assert judge_ocsp(later, leaf, issuer, NOW).evidence == ("try_later",)
    stale = crl(authority, at=NOW - 3 * DAY, until=NOW - DAY)
    assert "古い" in judge_crl(stale, leaf, issuer, NOW).text.ja


@given(data=st.binary(max_size=400), cut=st.integers(0, 300), flip=st.integers(0, 299))
def test_no_bytes_break_the_judges_and_a_damaged_answer_is_never_good(
    authority: Authority, data: bytes, cut: int, flip: int
) -> None:
    authority.server("fuzzed")
    leaf, issuer = leaf_of(authority, "fuzzed"), authority.certificate
    whole = ocsp_answer(authority, leaf)
    broken = bytearray(whole)
    broken[flip % len(whole)] ^= 0xFF
    for said in (data, whole[: cut % len(whole)], whole[: cut % len(whole)] + data):
        assert judge_ocsp(said, leaf, issuer, NOW).standing == "unknown"
        assert judge_crl(said, leaf, issuer, NOW).standing == "unknown"
    judge_ocsp(bytes(broken), leaf, issuer, NOW)


def test_an_address_without_a_means_is_refused() -> None:
    with pytest.raises(ValidationError, match="revocation"):
        kinds()["tls"].model_validate(
            {"id": "t", "kind": "tls", "host": "h", "revocation_url": "http://x/"}
        )
