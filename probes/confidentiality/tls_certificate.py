"""What the policy demands of a certificate. Pure: peer and time in, findings out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bcp.kit.units import jst
from bcp.watch.values import Finding, FindingResult
from probes.confidentiality.catalogue import Judge
from probes.engine import certs, redact
from probes.engine.certs import Certificate
from probes.engine.tls import NAME_MISMATCH, Peer

RULES = (
    "tls.cert.expired",
    "tls.cert.expiring_soon",
    "tls.cert.hostname_mismatch",
    "tls.cert.incomplete_chain",
    "tls.cert.not_yet_valid",
    "tls.cert.self_signed",
    "tls.cert.untrusted_chain",
    "tls.cert.validity_too_long",
    "tls.cert.weak_key",
    "tls.cert.weak_signature",
)
_PUBLIC_DAYS = 398
"""CA/Browser Forum's limit for public certificates; the city's own authority may differ."""
_WEAK_HASHES = frozenset({"md2", "md5", "sha1"})
_DATES = frozenset({9, 10})


def weak_key(certificate: Certificate) -> bool:
    """RSA and DSA under 2048 bits, curves under 224 (CRYPTREC, SP 800-57)."""
    least = {"RSA": 2048, "DSA": 2048, "EC": 224}.get(certificate.key_kind, 0)
    return certificate.key_bits < least


def _trust(peer: Peer, leaf: Certificate) -> str | None:
    """The one finding that names best why the chain is not trusted; None when it is."""
    numbers = {f.number for f in peer.faults if f.number != NAME_MISMATCH} - _DATES
    if not numbers:
        return None
    if 18 in numbers or (leaf.self_issued and len(peer.chain) == 1):
        return "tls.cert.self_signed"
    if len(peer.chain) == 1 and leaf.published_issuer and numbers <= {2, 20, 21}:
        return "tls.cert.incomplete_chain"
    return "tls.cert.untrusted_chain"


def judge(
    peer: Peer, host: str, subject: str, now: datetime, warn_days: int, judge: Judge
) -> Iterator[Finding]:
    """A finding for each of `RULES`. Raises `Trouble` when the certificate cannot be read."""
    leaf = peer.leaf
    chain = [leaf]
    for der in peer.chain[1:]:
        try:
            chain.append(certs.parse(der))
        except ValueError:
            continue

    def tell(rule: str, bad: bool | None, observed: str, expected: str) -> Finding:
        result = FindingResult.FAIL if bad else FindingResult.PASS
        if bad is None:
            result = FindingResult.NOT_APPLICABLE
        return judge.finding(rule, subject, result, redact.line(observed), expected)

    end, begin = jst(leaf.not_after), jst(leaf.not_before)
    expired = leaf.not_after <= now
    soon = not expired and leaf.not_after <= now + timedelta(days=warn_days)
    yield tell("tls.cert.expired", expired, f"{end} JST", "期限内 not expired")
    yield tell("tls.cert.expiring_soon", soon, f"{end} JST", f"残り {warn_days}日以上 days left")
    yield tell("tls.cert.not_yet_valid", leaf.not_before > now, f"{begin} JST", "有効期間内 valid")
    mismatch = any(fault.number == NAME_MISMATCH for fault in peer.faults)
    names = ", ".join(leaf.names[:5]) or leaf.subject
    yield tell("tls.cert.hostname_mismatch", mismatch, names, host)
    trust = _trust(peer, leaf)
    said = ", ".join(fault.text.ja for fault in peer.faults if fault.number != NAME_MISMATCH)
    for rule in ("tls.cert.self_signed", "tls.cert.incomplete_chain", "tls.cert.untrusted_chain"):
        observed = f"{leaf.issuer}: {said}" if trust == rule else leaf.issuer
        yield tell(rule, trust == rule, observed, "信頼する認証局 trusted authority")
    days = (leaf.not_after - leaf.not_before).days
    long = days > _PUBLIC_DAYS if leaf.logged else None
    yield tell("tls.cert.validity_too_long", long, f"{days}日 days", f"≤ {_PUBLIC_DAYS}")
    weak = next((c for c in chain if weak_key(c)), None)
    key = weak or leaf
    yield tell(
        "tls.cert.weak_key",
        weak is not None,
        f"{key.key_kind} {key.key_bits} ({key.subject})",
        "RSA ≥ 2048, EC ≥ 224",
    )
    old = next((c for c in chain if c.signature in _WEAK_HASHES and not c.self_issued), None)
    signed = old or leaf
    yield tell(
        "tls.cert.weak_signature",
        old is not None,
        f"{signed.signature or signed.key_kind} ({signed.subject})",
        "SHA-256",
    )
