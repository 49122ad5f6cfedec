"""Certificates as plain values, parsed once per DER. Pure."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import (
    verify_certificate_hostname,
    verify_certificate_ip_address,
)

from bcp.kit.units import jst
from probes.engine import redact
from probes.engine.fields import is_address


@dataclass(frozen=True, slots=True)
class Certificate:
    """What people and rules need to know of one certificate."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """DNS names and addresses it is for (subjectAltName)."""
    not_before: datetime
    not_after: datetime
    key_kind: str
    """`RSA`, `EC`, `DSA` or the name of another algorithm."""
    key_bits: int
    """0 when the algorithm has no size to choose (Ed25519)."""
    signature: str
    """Hash of the signature, `sha256`; empty when the algorithm has none of its own."""
    fingerprint: str
    """SHA-256 of the DER, hex."""
    logged: bool
    """It carries proofs of Certificate Transparency: a public authority made it."""
    published_issuer: bool
    """It says where its issuer's certificate can be fetched (AIA caIssuers)."""

    @property
    def self_issued(self) -> bool:
        """Issuer and subject are the same name."""
        return self.issuer == self.subject

    @property
    def line(self) -> str:
        """One line of evidence: names and dates."""
        return _line(self.fingerprint, self)


_lines: dict[str, str] = {}


def _line(fingerprint: str, certificate: Certificate) -> str:
    """Made once per certificate, like the parsing."""
    found = _lines.get(fingerprint)
    if found is None:
        c = certificate
        names = ", ".join(c.names[:4]) + (" …" if len(c.names) > 4 else "")
        found = redact.line(
            f"証明書 certificate: {c.subject or '-'} [{names}] 発行 issuer: {c.issuer} "
            f"期間 valid: {jst(c.not_before)} – {jst(c.not_after)} JST "
            f"鍵 key: {c.key_kind} {c.key_bits or ''}".rstrip(),
            limit=400,
        )
        if len(_lines) >= 4096:
            _lines.clear()
        _lines[fingerprint] = found
    return found


def _key(certificate: x509.Certificate) -> tuple[str, int]:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC", key.key_size
    if isinstance(key, dsa.DSAPublicKey):
        return "DSA", key.key_size
    return type(key).__name__.lstrip("_").removesuffix("PublicKey"), 0


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        value = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    dns = value.get_values_for_type(x509.DNSName)
    return (*dns, *(str(ip) for ip in value.get_values_for_type(x509.IPAddress)))


def _has(certificate: x509.Certificate, extension: type[x509.ExtensionType]) -> bool:
    try:
        certificate.extensions.get_extension_for_class(extension)
    except x509.ExtensionNotFound:
        return False
    return True


@lru_cache(maxsize=4096)
def parse(der: bytes) -> Certificate:
    """The certificate of a DER. Raises ValueError when it cannot be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old encodings are the policy check's business
        certificate = x509.load_der_x509_certificate(der)
        kind, bits = _key(certificate)
        signature = certificate.signature_hash_algorithm
        return Certificate(
            subject=certificate.subject.rfc4514_string(),
            issuer=certificate.issuer.rfc4514_string(),
            names=_names(certificate),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            key_kind=kind,
            key_bits=bits,
            signature=signature.name if signature else "",
            fingerprint=hashlib.sha256(der).hexdigest(),
            logged=_has(certificate, x509.PrecertificateSignedCertificateTimestamps),
            published_issuer=_has(certificate, x509.AuthorityInformationAccess),
        )


@lru_cache(maxsize=4096)
def is_for(der: bytes, host: str) -> bool:
    """Whether the certificate is for this host name or address (RFC 6125: SAN only)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        certificate = x509.load_der_x509_certificate(der)
        try:
            if is_address(host):
                verify_certificate_ip_address(certificate, host)
            else:
                verify_certificate_hostname(certificate, host)
        except (VerificationError, CertificateError, ValueError):
            return False
    return True
