"""HTTP/1.1, one request per connection: URL, request bytes, answer parsed by httptools."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

import httptools

from bcp.kit.language import Text
from probes.engine import redact
from probes.engine.trouble import Phase, Stopwatch, Trouble
from probes.engine.wire import Wire

_HEAD_CAP = 64 << 10
_OWN = ("Host", "Connection")
"""Headers each request has once."""


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute http or https URL, taken apart. Never holds a password."""

    scheme: str
    host: str
    """ASCII (IDNA) name or address without brackets."""
    port: int
    path: str
    """Path and query as sent."""

    @property
    def secure(self) -> bool:
        """https."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """`host[:port]` as in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.secure else 80
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        """For people: without the query, which may carry a token."""
        return f"{self.scheme}://{self.authority}{self.path.partition('?')[0]}"

    @property
    def whole(self) -> str:
        """As it is requested."""
        return f"{self.scheme}://{self.authority}{self.path}"


@lru_cache(maxsize=8192)
def parse_url(url: str) -> Url:
    """Take a URL apart. Raises ValueError (bilingual) when it is not one we can request."""
    if any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise ValueError(
            "URLに空白や制御文字があります / the URL holds blanks or control characters"
        )
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("http:// か https:// で始まるURLを書く / write an http:// or https:// URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            "URLに利用者名やパスワードを書かない (basic_file を使う) / "
            "no user or password in a URL, use basic_file"
        )
    host = parts.hostname
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        path = "".join(c if c.isascii() else "".join(f"%{b:02X}" for b in c.encode()) for c in path)
    return Url(parts.scheme, host, parts.port or (443 if parts.scheme == "https" else 80), path)


@dataclass(slots=True)
class Answer:
    """What the server said."""

    status: int = 0
    reason: str = ""
    headers: list[tuple[str, str]] | None = None
    body: bytes = b""
    truncated: bool = False
    """The body went on beyond the cap."""
    rest: bytes = b""
    """What followed the answer that switched protocols (101)."""

    def values(self, name: str) -> list[str]:
        """Every value of a header."""
        lower = name.lower()
        return [value for key, value in self.headers or () if key.lower() == lower]

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next(iter(self.values(name)), None)

    @property
    def evidence(self) -> tuple[str, ...]:
        """Status line and headers, redacted (all at once: it is the dearest part of a probe)."""
        lines = [f"HTTP {self.status} {self.reason}".rstrip()]
        lines += [redact.named(name, value) for name, value in (self.headers or ())[:20]]
        return redact.lines(lines)


class _Reader:
    """Callbacks of the parser; keeps the body up to the cap."""

    __slots__ = ("answer", "cap", "complete", "head", "headless", "kept", "parser", "size")

    def __init__(self, cap: int, headless: bool) -> None:
        self.cap, self.headless = cap, headless
        self.parser = httptools.HttpResponseParser(self)
        self.reset()

    def reset(self) -> None:
        self.answer = Answer(headers=[])
        self.kept: list[bytes] = []
        self.size = 0
        self.head = self.complete = False

    def on_status(self, status: bytes) -> None:
        self.answer.reason += status.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        assert self.answer.headers is not None
        self.answer.headers.append((name.decode("latin-1"), _readable(value)))

    def on_headers_complete(self) -> None:
        self.answer.status = self.parser.get_status_code()
        if self.answer.status >= 200 or self.answer.status == 101:
            self.head = True
            self.complete = self.headless

    def on_body(self, body: bytes) -> None:
        room = self.cap - self.size
        if room > 0:
            self.kept.append(body[:room])
        self.size += len(body)
        self.answer.truncated = self.size > self.cap

    def on_message_complete(self) -> None:
        if self.head:
            self.complete = True
        else:
            self.reset()  # 100 Continue and its like: the real answer follows


def _readable(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def request(
    method: str, url: Url, headers: Mapping[str, str], body: bytes = b"", *, whole: bool = False
) -> bytes:
    """The bytes of a request; `whole`: with the absolute form a proxy wants (RFC 9112 section 3.2.2).

    Header values were checked for line breaks by the kind's fields.
    """
    lines = [
        f"{method} {url.whole if whole else url.path} HTTP/1.1",
        f"Host: {headers.get('Host', url.authority)}",
        "User-Agent: ict-bcp (availability check)",
        "Accept: */*",
        "Accept-Encoding: identity",
        f"Connection: {headers.get('Connection', 'close')}",
        *(f"{name}: {value}" for name, value in headers.items() if name not in _OWN),
    ]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8") + body


async def exchange(wire: Wire, sent: bytes, watch: Stopwatch, *, cap: int, head: bool) -> Answer:
    """Send one request, read one answer (body up to `cap` bytes). Raises `Trouble`."""
    reader = _Reader(cap, head)
    wire.send(sent)
    seen = 0
    while not reader.complete and not reader.answer.truncated:
        data = await wire.receive()
        if not data:
            if reader.head and not _framed(reader.answer):
                break  # a body that ends with the connection
            raise _broken("途中で切られました", "closed before the end of the answer", reader)
        if watch.phase == "answer":
            watch.enter("body")
        seen += len(data)
        try:
            reader.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            reader.answer.rest = data[upgrade.args[0] :]
            break
        except httptools.HttpParserError as error:
            if not reader.complete:
                shown = redact.line(data[:80].decode("latin-1"))
                raise _broken(
                    "HTTPとして読めない応答です", f"not HTTP: {error}", reader, shown
                ) from error
        if not reader.head and seen > _HEAD_CAP:
            raise _broken("ヘッダが大きすぎます", "the headers are too large", reader)
    reader.answer.body = b"".join(reader.kept)
    _unpack(reader.answer, cap)
    return reader.answer


def _framed(answer: Answer) -> bool:
    encoding = (answer.header("Transfer-Encoding") or "").lower()
    return answer.header("Content-Length") is not None or "chunked" in encoding


def _broken(ja: str, en: str, reader: _Reader, *more: str) -> Trouble:
    phase: Phase = "body" if reader.head else "answer"
    evidence = reader.answer.evidence if reader.head else ()
    return Trouble(Text(ja, en), phase, evidence=(*evidence, *more))


def _unpack(answer: Answer, cap: int) -> None:
    """Some servers compress although we asked them not to. Capped: a bomb stays small."""
    coding = (answer.header("Content-Encoding") or "").lower()
    if coding not in ("gzip", "x-gzip", "deflate") or not answer.body:
        return
    try:
        unpacker = zlib.decompressobj(47)  # 32 + 15: gzip or zlib by its header
        answer.body = unpacker.decompress(answer.body, cap)
        answer.truncated = answer.truncated or bool(unpacker.unconsumed_tail)
    except zlib.error:
        pass  # conditions then see the packed bytes and fail with evidence


def redirect_target(url: Url, answer: Answer) -> Url | None:
    """Where a 301, 302, 303, 307 or 308 points to. Raises ValueError for a bad Location."""
    location = answer.header("Location")
    if answer.status not in (301, 302, 303, 307, 308) or not location:
        return None
    return parse_url(urljoin(url.whole, location.strip().partition("#")[0]))
