"""TLS on memory BIOs: one shared context per trust configuration, verification recorded.

A failed verification does not abort the handshake: it is kept in `Session.faults`, so that one
connection can say both "it answers" and "its certificate expired on ...". Nobody may send a
credential before looking at `Peer.trusted`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from OpenSSL import SSL, crypto

from bcp.kit.language import Text
from bcp.watch.check import Env
from probes.engine import certs
from probes.engine.certs import Certificate
from probes.engine.fields import is_address
from probes.engine.trouble import Trouble

_CHUNK = 65536

FAULTS: Mapping[int, Text] = {
    2: Text("発行者の証明書が見つからない", "issuer certificate not found"),
    7: Text("署名が正しくない", "bad signature"),
    9: Text("まだ有効期間に入っていない", "not yet valid"),
    10: Text("有効期限切れ", "expired"),
    18: Text("自己署名", "self-signed"),
    19: Text("信頼していない認証局", "signed by an authority that is not trusted here"),
    20: Text("信頼する発行者に届かない", "no path to a trusted issuer"),
    21: Text("中間証明書が送られていない", "the chain is incomplete"),
    23: Text("失効している", "revoked"),
    24: Text("発行者が認証局でない", "an issuer is not an authority"),
    26: Text("用途がサーバ用でない", "not meant for a server"),
    66: Text("鍵が弱い", "the key is too weak"),
    67: Text("認証局の鍵が弱い", "an authority's key is too weak"),
    68: Text("署名方式が弱い", "the signature algorithm is too weak"),
}
"""OpenSSL's X509_V_ERR_* numbers that people meet."""

NAME_MISMATCH = -1
"""Our own number beside OpenSSL's: the certificate is for other names."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the chain: OpenSSL's number, and how deep (0 = the server's own)."""

    number: int
    depth: int

    @property
    def text(self) -> Text:
        """For people."""
        if self.number == NAME_MISMATCH:
            return Text("証明書の名前が違う", "the certificate is for another name")
        return FAULTS.get(self.number) or Text(
            f"検証エラー {self.number}", f"verification error {self.number}"
        )


@dataclass(frozen=True, slots=True)
class Peer:
    """What a finished handshake showed."""

    version: str
    cipher: str
    chain: tuple[bytes, ...]
    """DER as sent, the server's own first."""
    faults: tuple[Fault, ...]

    @property
    def trusted(self) -> bool:
        """Chain, dates and name are right."""
        return not self.faults

    @property
    def leaf(self) -> Certificate:
        """The server's own certificate. Raises `Trouble` when it cannot be read."""
        try:
            return certs.parse(self.chain[0])
        except (ValueError, IndexError) as error:
            text = Text("証明書を読み取れません", f"the certificate cannot be read: {error}")
            raise Trouble(text, "tls") from error

    @property
    def evidence(self) -> tuple[str, ...]:
        """Protocol, every certificate and what is wrong with them, one line each."""
        lines = [f"{self.version} {self.cipher}"]
        for der in self.chain[:5]:
            try:
                lines.append(certs.parse(der).line)
            except ValueError:
                lines.append("証明書を読み取れません / unreadable certificate")
        lines += [f"{f.text.ja} / {f.text.en} (深さ depth {f.depth})" for f in self.faults]
        return tuple(lines)


def _note(
    connection: SSL.Connection, _certificate: crypto.X509, number: int, depth: int, good: int
) -> bool:
    """Record instead of refusing; see the module's docstring."""
    if not good:
        connection.get_app_data().append(Fault(number, depth))
    return True


@dataclass(frozen=True, slots=True)
class _Trust:
    """What a context depends on. A changed CA file is another configuration."""

    ca_file: str | None
    stamp: tuple[int, int]
    legacy: bool
    client: str | None = None
    """A PEM file with our own certificate and its key (mutual TLS)."""
    client_stamp: tuple[int, int] = (0, 0)


_contexts: dict[_Trust, SSL.Context] = {}
_building = threading.Lock()


def _build(trust: _Trust) -> SSL.Context:
    with _building:  # many checks start at once and want the same one
        if trust in _contexts:
            return _contexts[trust]
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_default_verify_paths()
        if trust.ca_file is not None:
            context.load_verify_locations(trust.ca_file)
        context.set_verify(SSL.VERIFY_PEER, _note)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_min_proto_version(SSL.TLS1_VERSION if trust.legacy else SSL.TLS1_2_VERSION)
        if trust.legacy:
            context.set_cipher_list(b"ALL:!aNULL:!eNULL:@SECLEVEL=0")
            context.set_options(SSL.OP_LEGACY_SERVER_CONNECT)
        if trust.client is not None:
            context.use_certificate_chain_file(trust.client)
            context.use_privatekey_file(trust.client)
            context.check_privatekey()
        if len(_contexts) > 32:  # CA files replaced again and again: forget the oldest
            _contexts.pop(next(iter(_contexts)))
        _contexts[trust] = context
        return context


_stamps: dict[Path, tuple[float, tuple[int, int]]] = {}


def _stamp(path: Path | None, now: float) -> tuple[int, int]:
    """Tells one state of the CA file from another; looked at once a second at the most."""
    if path is None:
        return (0, 0)
    known = _stamps.get(path)
    if known is not None and 0 <= now - known[0] < 1:
        return known[1]
    status = path.stat()
    stamp = (status.st_mtime_ns, status.st_size)
    _stamps[path] = (now, stamp)
    return stamp


async def context(env: Env, *, legacy: bool = False, client: str | None = None) -> SSL.Context:
    """The shared context: the system's authorities and `env.ca_file`.

    `legacy` also speaks TLS 1.0/1.1 and old ciphers (an old device that must be watched); `client`:
    a PEM file with the certificate and key we show. Raises `Trouble` (ours) when a file cannot be used.
    """
    path, now = env.ca_file, env.clock.monotonic()
    own = await _own(client, now)
    try:
        trust = _Trust(str(path) if path else None, _stamp(path, now), legacy, client, own)
        found = _contexts.get(trust)
        return found if found is not None else await env.workers.thread(_build, trust)
    except (OSError, SSL.Error) as error:
        if client is not None and path is not None and path.is_file():
            raise _unusable(client, "key or certificate") from error
        text = Text("認証局ファイル (node.ca_file) を読めません", "node.ca_file cannot be used")
        raise Trouble(text, "tls", ours=True, evidence=(f"{path}: {error}",)) from error


async def _own(client: str | None, now: float) -> tuple[int, int]:
    try:
        return _stamp(Path(client) if client else None, now)
    except OSError as error:
        raise _unusable(str(client), error.strerror or "error") from error


def _unusable(client: str, why: str) -> Trouble:
    text = Text(
        f"クライアント証明書のファイル {client} を使えません", f"{client} cannot be used to log in"
    )
    return Trouble(text, "tls", ours=True, evidence=(f"{client}: {why}",))


@lru_cache(maxsize=4096)
def _sni(host: str) -> bytes | None:
    """Server name to send; addresses are never sent (RFC 6066)."""
    return None if is_address(host) else host.encode("ascii", "ignore")


class Session:
    """One client handshake and its records; bytes in, bytes out, no socket."""

    __slots__ = ("_connection", "_faults", "_host", "done", "ended")

    def __init__(self, context: SSL.Context, host: str, alpn: tuple[bytes, ...] = ()) -> None:
        self._connection = SSL.Connection(context, None)
        if alpn:
            self._connection.set_alpn_protos(list(alpn))
        self._connection.set_connect_state()
        self._faults: list[Fault] = []
        self._connection.set_app_data(self._faults)
        self._host = host
        name = _sni(host)
        if name:
            self._connection.set_tlsext_host_name(name)
        self.done = False
        self.ended = False
        """The peer said goodbye (close_notify)."""

    def shake(self) -> None:
        """Go on with the handshake. Raises `SSL.Error` when it failed."""
        try:
            self._connection.do_handshake()
            self.done = True
        except SSL.WantReadError:
            pass

    def feed(self, data: bytes) -> bytes:
        """Bytes from the wire in, plain text out. Raises `SSL.Error`."""
        self._connection.bio_write(data)
        if not self.done:
            self.shake()
            if not self.done:
                return b""
        plain = b""
        try:
            while True:
                plain += self._connection.recv(_CHUNK)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.ended = True
        return plain

    def write(self, data: bytes) -> None:
        """Encrypt; take the result with `pending`."""
        self._connection.sendall(data)

    def pending(self) -> bytes:
        """What must go to the wire now."""
        out = b""
        try:
            while True:
                out += self._connection.bio_read(_CHUNK)
        except SSL.WantReadError:
            return out

    def path(self) -> tuple[bytes, ...]:
        """DER of the path that was verified, the server's own first, up to the trusted authority."""
        chain = self._connection.get_verified_chain() or []
        return tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, item) for item in chain)

    def peer(self) -> Peer:
        """What the finished handshake showed, with the name judged."""
        chain = self._connection.get_peer_cert_chain() or []
        ders = tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, item) for item in chain)
        faults = list(dict.fromkeys(self._faults))
        try:
            if not ders or not certs.is_for(ders[0], self._host):
                faults.append(Fault(NAME_MISMATCH, 0))
        except ValueError:
            faults.append(Fault(7, 0))
        return Peer(
            self._connection.get_protocol_version_name(),
            self._connection.get_cipher_name() or "",
            ders,
            tuple(faults),
        )


_REASONS: Mapping[str, Text] = {
    "wrong version number": Text("TLSではない応答です", "the answer is not TLS"),
    "http request": Text("TLSではない応答です (HTTP)", "the answer is not TLS (HTTP)"),
    "packet length too long": Text("TLSではない応答です", "the answer is not TLS"),
    "record layer failure": Text("TLSではない応答です", "the answer is not TLS"),
    "unsupported protocol": Text(
        "古いTLSしか使えない相手です (legacy_tls: true で見られます)",
        "it only speaks an old TLS (legacy_tls: true looks at it)",
    ),
    "protocol version": Text(
        "古いTLSしか使えない相手です (legacy_tls: true で見られます)",
        "it only speaks an old TLS (legacy_tls: true looks at it)",
    ),
    "dh key too small": Text("鍵交換が弱すぎます", "its key exchange is too weak"),
    "handshake failure": Text("暗号方式が合いません", "no cipher in common"),
    "certificate required": Text(
        "クライアント証明書を求められました", "it wants a client certificate"
    ),
}


def refused(error: SSL.Error) -> Trouble:
    """OpenSSL's error queue as a Trouble of the target."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    reasons = [str(item[-1]) for item in queue if item]
    said = "; ".join(reasons) or "closed during the handshake"
    for reason in reasons:
        for part, text in _REASONS.items():
            if part in reason.lower():
                return Trouble(text, "tls", evidence=(f"TLS: {said}",))
    text = Text(f"TLSの取り決めに失敗 ({said})", f"the TLS handshake failed ({said})")
    return Trouble(text, "tls", evidence=(f"TLS: {said}",))
