"""失効: whether the authority took a certificate back, by OCSP (RFC 6960) or its list (CRL, RFC 5280).

Asked only after chain, dates and name were verified: the address that is contacted was then written by
an authority we trust (or by the plan). What cannot be asked is `unknown` and said as 「失効は未確認」: in
a closed network that is the ordinary answer, and it is neither good nor a failure of the server.
An answer counts only with a right signature, for this certificate, in its time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from bcp.kit.language import Text
from bcp.kit.units import jst
from bcp.watch.check import Env
from probes.engine import http
from probes.engine.trouble import Stopwatch, Trouble
from probes.engine.wire import connect

Standing = Literal["good", "revoked", "unknown"]
Means = Literal["ocsp", "crl"]

_SKEW = timedelta(minutes=5)
"""Clocks of authorities may be this much ahead of ours."""
_OCSP_CAP, _CRL_CAP = 64 << 10, 16 << 20
_PATIENCE = 5.0
"""Seconds: an authority that hangs must not make the server look down."""
_ID_HASH = hashes.SHA1()  # noqa: S303  names the issuer, protects nothing; all responders know it
_KEPT = 16

_lists: dict[str, tuple[datetime, bytes]] = {}
"""CRLs by address until their next update: one may be megabytes, and changes once a day."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What the authority says of one certificate."""

    standing: Standing
    text: Text
    evidence: tuple[str, ...] = ()


def unasked(ja: str, en: str, *evidence: str) -> Revocation:
    """Could not tell, and why."""
    return Revocation(
        "unknown", Text(f"失効は未確認 ({ja})", f"revocation not checked: {en}"), evidence
    )


async def ask(env: Env, path: tuple[bytes, ...], means: Means, url: str | None) -> Revocation:
    """Ask the authority about the first certificate of a verified path. Never raises `Trouble`.

    `url`: the city's own responder or mirror, instead of what the certificate names.
    """
    if len(path) < 2:
        return unasked("発行者の証明書がない", "the issuer's certificate is not known")
    try:
        leaf, issuer = (x509.load_der_x509_certificate(der) for der in path[:2])
        address = url or named(leaf, means)
        if address is None:
            return unasked("証明書に確認先がない", "the certificate names no place to ask")
        now = env.clock.utc()
        async with asyncio.timeout(_PATIENCE):
            if means == "ocsp":
                question = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, _ID_HASH)
                sent = question.build().public_bytes(serialization.Encoding.DER)
                said = await _fetch(env, address, _OCSP_CAP, sent)
                return await env.workers.thread(judge_ocsp, said, leaf, issuer, now)
            said = await _list(env, address, now)
            return await env.workers.thread(judge_crl, said, leaf, issuer, now)
    except Trouble as trouble:
        return unasked(trouble.text.ja, trouble.text.en, *trouble.evidence)
    except TimeoutError:
        return unasked("認証局が答えない", "the authority does not answer")
    except (ValueError, UnsupportedAlgorithm) as error:
        return unasked("証明書か確認先を読めない", "the certificate cannot be read", str(error))


def named(leaf: x509.Certificate, means: Means) -> str | None:
    """Where the certificate says one may ask (AIA, CRL distribution points); http or https only."""
    found: list[str] = []
    try:
        if means == "ocsp":
            aia = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
            found = [
                str(one.access_location.value)
                for one in aia
                if one.access_method == AuthorityInformationAccessOID.OCSP
            ]
        else:
            points = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
            found = [str(name.value) for point in points for name in point.full_name or ()]
    except x509.ExtensionNotFound:
        return None
    return next((url for url in found if url.startswith(("http://", "https://"))), None)


def judge_ocsp(
    data: bytes, leaf: x509.Certificate, issuer: x509.Certificate, now: datetime
) -> Revocation:
    """An OCSP answer in DER. Pure."""
    try:
        response = ocsp.load_der_ocsp_response(data)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            word = response.response_status.name.lower()
            return unasked("認証局が答えを断った", "the authority refused", word)
        if not _signed(response, issuer, now):
            return unasked("答えの署名が正しくない", "the answer's signature is wrong")
        one = next((r for r in response.responses if r.serial_number == leaf.serial_number), None)
        if one is None:
            return unasked("別の証明書についての答え", "the answer is about another certificate")
        until = one.next_update_utc
        if one.this_update_utc > now + _SKEW or (until is not None and until < now):
            return unasked("答えが古い", "the answer is out of its time", jst(one.this_update_utc))
        if one.certificate_status is ocsp.OCSPCertStatus.GOOD:
            return _good(one.this_update_utc)
        if one.certificate_status is ocsp.OCSPCertStatus.REVOKED:
            return _revoked(one.revocation_time_utc)
        return unasked("認証局がこの証明書を知らない", "the authority does not know it")
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        return unasked("答えを読めない", "the answer cannot be read", str(error)[:200])


def judge_crl(
    data: bytes, leaf: x509.Certificate, issuer: x509.Certificate, now: datetime
) -> Revocation:
    """A list in DER (or PEM). Pure; megabytes, so it belongs into a worker."""
    try:
        pem = data.lstrip().startswith(b"-----BEGIN")
        found = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
        if found.issuer != issuer.subject or not found.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
            return unasked("一覧の署名が正しくない", "the list's signature is wrong")
        until = found.next_update_utc
        if found.last_update_utc > now + _SKEW or (until is not None and until < now):
            return unasked("一覧が古い", "the list is out of its time", jst(found.last_update_utc))
        taken = found.get_revoked_certificate_by_serial_number(leaf.serial_number)
        return (
            _good(found.last_update_utc) if taken is None else _revoked(taken.revocation_date_utc)
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        return unasked("一覧を読めない", "the list cannot be read", str(error)[:200])


def _good(at: datetime) -> Revocation:
    when = jst(at, "%m/%d %H:%M")
    return Revocation("good", Text(f"失効なし ({when} 現在)", f"not revoked as of {when} JST"))


def _revoked(at: datetime | None) -> Revocation:
    when = jst(at, "%Y-%m-%d %H:%M") if at is not None else "?"
    text = Text(
        f"証明書が失効しています ({when} に取り消し)", f"the certificate was revoked at {when} JST"
    )
    return Revocation("revoked", text, (f"失効 revoked: {when} JST",))


def _signed(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> bool:
    """By the issuer, or by one it delegated (RFC 6960 section 4.2.2.2)."""
    signers = [issuer]
    for one in response.certificates:
        try:
            one.verify_directly_issued_by(issuer)
            usage = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
            continue
        in_time = one.not_valid_before_utc <= now <= one.not_valid_after_utc
        if ExtendedKeyUsageOID.OCSP_SIGNING in usage and in_time:
            signers.append(one)
    return any(_verifies(response, one) for one in signers)


def _verifies(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, algorithm = signer.public_key(), response.signature_hash_algorithm
    signature, said = response.signature, response.tbs_response_bytes
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(signature, said, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, said, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


async def _list(env: Env, address: str, now: datetime) -> bytes:
    """A list, kept until its next update (an hour where it names none)."""
    known = _lists.get(address)
    if known is not None and now < known[0]:
        return known[1]
    data = await _fetch(env, address, _CRL_CAP, None)
    until = await env.workers.thread(_next_update, data)
    if len(_lists) >= _KEPT:
        _lists.pop(next(iter(_lists)))
    _lists[address] = (min(until or now + timedelta(hours=1), now + timedelta(hours=12)), data)
    return data


def _next_update(data: bytes) -> datetime | None:
    try:
        return x509.load_der_x509_crl(data).next_update_utc
    except ValueError:
        return None


async def _fetch(env: Env, address: str, cap: int, body: bytes | None) -> bytes:
    """One request. Raises `Trouble`."""
    url = http.parse_url(address)
    headers = {} if body is None else {"Content-Type": "application/ocsp-request"}
    sent = http.request("GET" if body is None else "POST", url, headers, body or b"")
    watch = Stopwatch(env.clock)
    async with connect(env, url.host, url.port, watch, secure=url.secure) as wire:
        if wire.peer is not None and not wire.peer.trusted:
            text = Text("確認先の証明書を信頼できない", "its certificate is not trusted")
            raise Trouble(text, "tls", ours=True)
        answer = await http.exchange(wire, sent, watch, cap=cap, head=False)
    if answer.status != 200 or answer.truncated:
        text = Text(f"確認先の応答 {answer.status}", f"it answered {answer.status}")
        raise Trouble(text, "answer", ours=True)
    return answer.body
