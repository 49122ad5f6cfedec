"""The practice city's own certificate authority. Keys are made here and are worth nothing outside."""

from __future__ import annotations

import ipaddress
import ssl
import warnings
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bcp.kit.durable import write_atomic

_LIFE = timedelta(days=90)
_CA_LIFE = timedelta(days=3650)
_RENEW_BEFORE = timedelta(days=30)
_UNSEALED = serialization.NoEncryption()
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, _UNSEALED
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Renshu City (practice)"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


class Authority:
    """A private CA in a folder: `ca.pem` (to trust), `ca.key` (0600)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca_file = folder / "ca.pem"
        self._key_file = folder / "ca.key"

    def prepare(self, now: datetime) -> None:
        """Make the CA when there is none or when it ends soon. Blocking: call it in a thread."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.ca_file.exists() and self._key_file.exists():
            end = x509.load_pem_x509_certificate(self.ca_file.read_bytes()).not_valid_after_utc
            if end - now > _LIFE + _RENEW_BEFORE:
                return
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Renshu City practice CA")
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + _CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, hashes.SHA256())
        )
        write_atomic(self._key_file, _pem(key))
        write_atomic(self.ca_file, certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def issue(self, label: str, names: Sequence[str], begin: datetime, end: datetime) -> Path:
        """A server certificate with its key and the CA in one PEM file (0600); its path."""
        ca = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        signer = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(names[0]))
            .issuer_name(ca.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([_subject(name) for name in names]), False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
            )
            .sign(signer, hashes.SHA256())
        )
        path = self._folder / f"{label}.pem"
        chain = [certificate.public_bytes(serialization.Encoding.PEM), self.ca_file.read_bytes()]
        write_atomic(path, b"".join([_pem(key), *chain]))
        return path


def _subject(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class ServerCertificate:
    """What a TLS server shows. The context lives; what is loaded into it can change while it runs."""

    def __init__(self, authority: Authority, label: str, names: Sequence[str]) -> None:
        self._authority, self._label, self._names = authority, label, tuple(names)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.weaken(weak=False)
        self._shown: bool | None = None

    def show(self, now: datetime, *, expired: bool) -> None:
        """A certificate good for 90 days, or one that ended yesterday; new connections see it at
        once, on the same port. The same wish again changes nothing. Blocking."""
        if self._shown is expired:
            return
        if expired:
            self._load(f"{self._label}-expired", now - _LIFE, now - timedelta(days=1))
        else:
            self._load(self._label, now - timedelta(hours=1), now + _LIFE)
        self._shown = expired

    def weaken(self, *, weak: bool) -> None:
        """Also speak TLS 1.0 and 1.1, or stop doing so."""
        self.context.set_ciphers("ALL:!aNULL:!eNULL:@SECLEVEL=0" if weak else _CIPHERS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the point here
            self.context.minimum_version = ssl.TLSVersion.TLSv1 if weak else ssl.TLSVersion.TLSv1_2

    def _load(self, label: str, begin: datetime, end: datetime) -> None:
        self.context.load_cert_chain(self._authority.issue(label, self._names, begin, end))
