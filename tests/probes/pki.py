"""A throw-away authority and certificates that are right or wrong in one way each."""

from __future__ import annotations

import ipaddress
import ssl
import warnings
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@cache
def weak_rsa() -> rsa.RSAPrivateKey:
    """1024 bits, as old appliances still have."""
    return rsa.generate_private_key(65537, 1024)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Issues certificates into files."""

    def __init__(self, folder: Path, name: str = "ict-bcp test authority") -> None:
        self.folder = folder
        self.key: Any = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        self.certificate = self._sign(
            self.name, self.key.public_key(), NOW - DAY, NOW + 365 * DAY, ca=True
        )
        self.file = folder / "ca.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(
        self,
        subject: x509.Name,
        public: Any,
        begin: datetime,
        end: datetime,
        *,
        ca: bool = False,
        names: tuple[str, ...] = (),
        signer: Any = None,
        issuer: x509.Name | None = None,
        more: tuple[x509.ExtensionType, ...] = (),
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
            )
        for extension in more:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(signer or self.key, hashes.SHA256())

    def server(
        self,
        label: str,
        *,
        names: tuple[str, ...] = ("localhost", "127.0.0.1"),
        begin: datetime = NOW - DAY,
        end: datetime = NOW + 90 * DAY,
        key: Any = None,
        self_signed: bool = False,
        more: tuple[x509.ExtensionType, ...] = (),
    ) -> ssl.SSLContext:
        """A server's TLS context with its own certificate."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = _name(label)
        certificate = self._sign(
            subject,
            key.public_key(),
            begin,
            end,
            names=names,
            signer=key if self_signed else None,
            issuer=subject if self_signed else None,
            more=more,
        )
        file = self.folder / f"{label}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(file)
        return context

    def client(self, label: str) -> Path:
        """A PEM file with a certificate and key to show to a server."""
        self.server(label, names=())
        return self.folder / f"{label}.pem"

    def demanding(self, label: str) -> ssl.SSLContext:
        """A server that asks for a certificate of this authority."""
        context = self.server(label)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.file)
        return context


def limit(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    """The same context, speaking this old version only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
