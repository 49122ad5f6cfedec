"""SMB 2 and 3 ([MS-SMB2]): as much as asking for a share takes. No file is opened, read or written.

What we say after the log-in is signed, and the answer that opens the share must be signed with the same
key: a server that only pretends cannot make it. Messages are not encrypted.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from bcp.kit.language import Text
from probes.engine.login import Attempt
from probes.engine.reading import Reading, spoken
from probes.engine.trouble import Trouble
from probes.engine.wire import Wire

if TYPE_CHECKING:
    from spnego._context import ContextProxy

PORT = 445
CAP = 1 << 18
"""Bytes of all answers together; a decent server says a few hundred."""
DIALECTS: Mapping[int, str] = {0x0210: "2.1", 0x0300: "3.0", 0x0302: "3.0.2", 0x0311: "3.1.1"}

_NEGOTIATE, _SETUP, _LOGOFF, _TREE = 0, 1, 2, 3
_HEADER = struct.Struct("<4sHHIHHIIQIIQ16s")
_MAGIC, _OLD = b"\xfeSMB", b"\xffSMB"
_ANSWER, _SIGNED = 0x1, 0x8
_MORE = 0xC0000016
_GUEST, _NOBODY = 0x1, 0x2
_SIGNING_REQUIRED = 0x2

_SAID: Mapping[int, Text] = {
    0xC0000022: Text(
        "入れません (権限がないか、暗号化した接続だけを受けます)",
        "access denied (no right to it, or only encrypted sessions are taken)",
    ),
    0xC00000BB: Text("こちらの方式を受けません", "none of our dialects is spoken"),
    0xC00000CC: Text("共有がありません", "there is no such share"),
    0xC000005E: Text("認証サーバーが見つかりません", "no server to check the log-in with"),
    0xC000009A: Text("サーバーの資源が足りません", "out of resources"),
    0xC00000D0: Text("接続の数が上限です", "too many sessions"),
    0xC0000192: Text("認証サービスが止まっています", "the log-in service is not started"),
    0xC000018D: Text("信頼関係が壊れています", "the trust with the domain is broken"),
}
_DENIED = 0xC0000022
"""Says something of our account or of our not encrypting: never that the server is down."""


@dataclass(frozen=True, slots=True)
class Message:
    """One answer."""

    status: int
    flags: int
    tree: int
    session: int
    body: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class Hello:
    """What the server is."""

    dialect: str
    signing_required: bool
    token: bytes
    """Its offer of ways to log in."""


class Session:
    """One connection: negotiate, then log in, then ask for a share."""

    def __init__(self, wire: Wire, reading: Reading) -> None:
        self._wire, self._reading = wire, reading
        self._number = self._session = self._tree = 0
        self._dialect = 0
        self._heard = bytes(64)
        """Hash of all that was said until the log-in (3.1.1)."""
        self._key: bytes | None = None

    async def negotiate(self) -> Hello:
        """Section 3.2.4.2.2.2. Raises `Trouble`."""
        answer = await self._ask(_NEGOTIATE, _greeting())
        if answer.status:
            raise trouble("接続の相談を断られました", "refused to negotiate", answer.status)
        with spoken("SMB"):
            size, mode, self._dialect = struct.unpack_from("<HHH", answer.body)
            offset, length = struct.unpack_from("<HH", answer.body, 56)
            if size != 65 or self._dialect not in DIALECTS:
                raise ValueError("not a negotiate response")
            token = _cut(answer, offset, length)
        return Hello(DIALECTS[self._dialect], bool(mode & _SIGNING_REQUIRED), token)

    async def login(self, attempt: Attempt, hello: Hello, context: ContextProxy) -> None:
        """Section 3.2.4.2.3. Raises `Trouble`; `Refused` when it may be the password."""
        answer, token = None, _step(context, hello.token or None)
        for shows in (False, True):
            if shows:
                attempt.sent()
            body = struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 64 + 24, len(token), 0) + token
            answer = await self._ask(_SETUP, body)
            self._session = answer.session
            if answer.status != _MORE or shows:
                break
            token = _step(context, _token_of(answer))
        if answer is None or answer.status:
            code = answer.status if answer is not None else 0
            if code in _SAID or not attempt.shown:
                attempt.withdrawn()
                raise trouble("ログインできません", "cannot log in", code)
            raise attempt.refused(f"NTSTATUS 0x{code:08X}")
        with spoken("SMB"):
            (flags,) = struct.unpack_from("<H", answer.body, 2)
        if flags & (_GUEST | _NOBODY):
            raise attempt.refused("ゲスト扱いにされました / taken for a guest")
        attempt.accepted()
        self._key = _signing_key(self._dialect, context.session_key, self._heard)

    async def open_share(self, host: str, share: str) -> None:
        """Section 3.2.4.2.4. Raises `Trouble` where it is not opened, or not by who has our key."""
        path = rf"\\{host}\{share}".encode("utf-16-le")
        answer = await self._ask(_TREE, struct.pack("<HHHH", 9, 0, 64 + 8, len(path)) + path)
        if answer.status:
            raise trouble("共有を開けません", "cannot open the share", answer.status)
        if not self._proven(answer):
            text = Text("署名のない応答です", "the answer is not signed with the key of the log-in")
            raise Trouble(text, "answer")
        self._tree = answer.tree

    def goodbye(self) -> bytes:
        """The log-off, to be sent and not waited for; nothing where nobody logged in."""
        return self._framed(_LOGOFF, struct.pack("<HH", 4, 0))[1] if self._session else b""

    # --- messages ---------------------------------------------------------------------------------

    async def _ask(self, command: int, body: bytes) -> Message:
        number = self._number
        said, framed = self._framed(command, body)
        self._note(command, said)
        self._wire.send(framed)
        answer = await self._answer(command, number)
        if command == _NEGOTIATE or answer.status == _MORE:
            self._note(command, answer.raw)
        return answer

    async def _answer(self, command: int, number: int) -> Message:
        """The answer itself; that it takes longer (STATUS_PENDING) is heard and waited for."""
        while True:
            (length,) = struct.unpack(">I", await self._reading.exactly(4))
            if length > CAP:
                raise Trouble(Text("SMBではない応答です", "the answer is not SMB"), "answer")
            raw = await self._reading.exactly(length)
            if raw[:4] == _OLD:
                text = Text("古いSMB1しか話しません", "speaks nothing but the old SMB 1")
                raise Trouble(text, "answer")
            with spoken("SMB"):
                magic, size, _, status, what, _, flags, _, seq, _, tree, session, _ = (
                    _HEADER.unpack_from(raw)
                )
                if magic != _MAGIC or size != 64 or what != command or not flags & _ANSWER:
                    raise ValueError("not an answer to this")
                if seq != number:
                    raise ValueError("an answer to something else")
            if status != 0x103:  # STATUS_PENDING
                return Message(status, flags, tree, session, raw[64:], raw)

    def _framed(self, command: int, body: bytes) -> tuple[bytes, bytes]:
        """The message, and the same as it goes over the line."""
        flags = _SIGNED if self._key is not None else 0
        head = (
            _MAGIC, 64, 1, 0, command, 31, flags, 0, self._number, 0, self._tree, self._session,
        )  # fmt: skip
        said = _HEADER.pack(*head, bytes(16)) + body
        if self._key is not None:
            said = _HEADER.pack(*head, self._signature(said)) + body
        self._number += 1
        return said, struct.pack(">I", len(said)) + said

    def _note(self, command: int, said: bytes) -> None:
        if command in (_NEGOTIATE, _SETUP):
            self._heard = hashlib.sha512(self._heard + said).digest()

    def _signature(self, unsigned: bytes) -> bytes:
        if self._key is None:
            raise ValueError("no key yet")
        if self._dialect < 0x0300:
            return hmac.digest(self._key, unsigned, "sha256")[:16]
        made = CMAC(AES(self._key))
        made.update(unsigned)
        return made.finalize()

    def _proven(self, answer: Message) -> bool:
        unsigned = answer.raw[:48] + bytes(16) + answer.raw[64:]
        signature = answer.raw[48:64]
        return bool(answer.flags & _SIGNED) and hmac.compare_digest(
            signature, self._signature(unsigned)
        )


def _greeting() -> bytes:
    """NEGOTIATE (2.2.3) with the one context 3.1.1 cannot do without: SHA-512 over what is said."""
    dialects = struct.pack(f"<{len(DIALECTS)}H", *DIALECTS)
    fixed = 36 + len(dialects)
    gap = -(64 + fixed) % 8
    head = struct.pack("<HHHHI", 36, len(DIALECTS), 1, 0, 0) + os.urandom(16)
    head += struct.pack("<IHH", 64 + fixed + gap, 1, 0)
    salt = os.urandom(32)
    data = struct.pack("<HHH", 1, len(salt), 1) + salt
    return head + dialects + bytes(gap) + struct.pack("<HHI", 1, len(data), 0) + data


def client(host: str, user: str, password: str) -> ContextProxy:
    """Who logs in, by NTLMv2. Blocking: the first one loads its library."""
    import spnego

    options = spnego.NegotiateOptions.use_negotiate | spnego.NegotiateOptions.session_key
    return spnego.client(
        user, password, hostname=host, service="cifs", protocol="negotiate", options=options
    )


def _step(context: ContextProxy, heard: bytes | None) -> bytes:
    from spnego.exceptions import SpnegoError

    try:
        return context.step(heard) or b""
    except (SpnegoError, ValueError, IndexError, struct.error) as error:
        text = Text("ログインの相談が成り立ちません", "the log-in could not be agreed on")
        raise Trouble(text, "answer") from error


def _token_of(answer: Message) -> bytes:
    with spoken("SMB"):
        return _cut(answer, *struct.unpack_from("<HH", answer.body, 4))


def _cut(answer: Message, offset: int, length: int) -> bytes:
    if length and not 64 <= offset <= len(answer.raw) - length:
        raise ValueError("a buffer outside the message")
    return answer.raw[offset : offset + length]


def _signing_key(dialect: int, key: bytes, heard: bytes) -> bytes:
    """Section 3.1.4.2: SP 800-108 with HMAC-SHA256, one round."""
    if dialect < 0x0300:
        return key[:16]
    label, context = (
        (b"SMBSigningKey\0", heard) if dialect == 0x0311 else (b"SMB2AESCMAC\0", b"SmbSign\0")
    )
    block = b"\0\0\0\x01" + label + b"\0" + context + b"\0\0\0\x80"
    return hmac.digest(key[:16], block, "sha256")[:16]


def trouble(ja: str, en: str, code: int) -> Trouble:
    """What the server said no with."""
    why = _SAID.get(code, Text(f"コード 0x{code:08X}", f"code 0x{code:08X}"))
    text = Text(f"{ja}。{why.ja}", f"{en}: {why.en}")
    return Trouble(text, "answer", ours=code == _DENIED)
