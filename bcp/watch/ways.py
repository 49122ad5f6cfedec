"""How one message leaves by each kind of route. Files are read when the route is made.

URLs, addresses and passwords are secrets here: a failure is told by a bounded word (a status, the
name of an error), never by what the other side said.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any

import aiohttp

from bcp.kit import process
from bcp.kit.errors import UsageError
from bcp.kit.units import to_us
from bcp.kit.workers import Workers
from bcp.watch.announcing import Announcement
from bcp.watch.routes import NotifyRoute

Send = Callable[[Announcement], Awaitable[None]]
Way = Callable[[], AbstractAsyncContextManager[Send]]
"""Opened once per route; raises `NotSent` for a message that did not get out."""

_PERMANENT = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})
"""Answers of HTTP that another try will not change."""
_ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
_SUBJECT = 70


class NotSent(Exception):
    """It did not get out; `word` is bounded and may be shown."""

    def __init__(self, word: str, *, permanent: bool) -> None:
        super().__init__(word)
        self.word, self.permanent = word, permanent


def way_of(route: NotifyRoute, node: str, tls: ssl.SSLContext, workers: Workers) -> Way:
    """The way of a route. Raises `UsageError` for a file that cannot be read."""
    if route.kind == "mail":
        return _mail(route, node, tls, workers)
    if route.kind == "command":
        return _command(route, node)
    return _webhook(route, node, tls)


# --- webhook --------------------------------------------------------------------------------------


def _webhook(route: NotifyRoute, node: str, tls: ssl.SSLContext) -> Way:
    url = _url(route)
    timeout = aiohttp.ClientTimeout(total=route.timeout.total_seconds())

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Send]:
        connector = aiohttp.TCPConnector(ssl=tls, limit=1)
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=jar
        ) as session:

            async def send(message: Announcement) -> None:
                body = payload(message, node)
                try:
                    async with session.post(url, json=body, allow_redirects=False) as answer:
                        if answer.status // 100 != 2:
                            final = answer.status in _PERMANENT
                            raise NotSent(f"HTTP {answer.status}", permanent=final)
                except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
                    permanent = isinstance(error, aiohttp.InvalidURL)
                    raise NotSent(type(error).__name__, permanent=permanent) from None

            yield send

    return opened


def payload(message: Announcement, node: str) -> dict[str, Any]:
    """The document of a message. `text` is what chat programs show."""
    lines = message.lines()
    return {
        "version": 1,
        "node": node,
        "drill": message.drill,
        "kind": message.kind,
        "severity": message.severity.value,
        "check": message.check,
        "system": message.system,
        "state": message.state.value if message.state else None,
        "since_us": to_us(message.since) if message.since else None,
        "at_us": to_us(message.at),
        "resolved": message.resolved,
        "logged": message.logged,
        "text": "\n".join(line.ja for line in lines),
        "text_en": "\n".join(line.en for line in lines),
    }


def _url(route: NotifyRoute) -> str:
    if route.url is not None:
        return route.url
    url = _read(route, route.url_file or "").strip()
    if not url.startswith(("http://", "https://")):
        raise UsageError(
            f"通知先が URL ではありません / route {route.id} is not a URL",
            where=route.url_file,
            expected="https://…",
        )
    return url


# --- mail -----------------------------------------------------------------------------------------


def _mail(route: NotifyRoute, node: str, tls: ssl.SSLContext, workers: Workers) -> Way:
    to = tuple(filter(None, map(str.strip, _read(route, route.to_file or "").splitlines())))
    if not to or any("@" not in one or any(c.isspace() for c in one) for one in to):
        raise UsageError(
            f"宛先が読めません / the addresses of route {route.id} cannot be read",
            where=route.to_file,
            expected="1行に1つ / one address per line",
        )
    password = _read(route, route.password_file).strip() if route.password_file else None

    def deliver(message: EmailMessage) -> None:
        host, _, port = (route.smtp or "").rpartition(":")
        address, seconds = (host.strip("[]"), int(port)), route.timeout.total_seconds()
        with (
            smtplib.SMTP_SSL(*address, timeout=seconds, context=tls)
            if route.tls == "tls"
            else smtplib.SMTP(*address, timeout=seconds)
        ) as server:
            if route.tls == "starttls":
                server.starttls(context=tls)
            if route.user is not None and password is not None:
                server.login(route.user, password)
            server.send_message(message, route.sender, to)

    async def send(message: Announcement) -> None:
        try:
            await workers.thread(deliver, _letter(route, node, message))
        except smtplib.SMTPResponseException as error:
            code = error.smtp_code
            raise NotSent(f"SMTP {code}", permanent=code >= 500) from None
        except (smtplib.SMTPException, OSError) as error:
            final = isinstance(error, smtplib.SMTPNotSupportedError)
            raise NotSent(type(error).__name__, permanent=final) from None

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Send]:
        yield send

    return opened


def _letter(route: NotifyRoute, node: str, message: Announcement) -> EmailMessage:
    """Recipients stand in the envelope alone: nobody sees who else is told."""
    lines, letter = message.lines(), EmailMessage()
    letter["From"], letter["To"] = route.sender, "undisclosed-recipients:;"
    letter["Subject"] = f"[ICT-BCP] {lines[0].ja}"[:_SUBJECT]
    letter["Date"] = format_datetime(message.at)
    letter["Message-ID"] = make_msgid(domain=f"{node}.ict-bcp.invalid")
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content("\n".join([*(line.ja for line in lines), "", *(line.en for line in lines)]))
    return letter


# --- a program of this host -----------------------------------------------------------------------


def _command(route: NotifyRoute, node: str) -> Way:
    async def send(message: Announcement) -> None:
        lines = [f"{line.ja}\n" for line in message.lines()]
        said = {"ICT_BCP_SEVERITY": message.severity.value, "ICT_BCP_KIND": message.kind}
        said |= {"ICT_BCP_NODE": node, "ICT_BCP_DRILL": "1" if message.drill else "0"}
        try:
            done = await process.run(
                route.argv,
                deadline=route.timeout.total_seconds(),
                env={**_ENV, **said},
                stdin="".join(lines).encode(),
                cap=1 << 16,
            )
        except OSError as error:
            raise NotSent(type(error).__name__, permanent=False) from None
        if done.timed_out or done.returncode != 0:
            word = "timeout" if done.timed_out else f"exit {done.returncode}"
            raise NotSent(word, permanent=False)

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Send]:
        yield send

    return opened


def _read(route: NotifyRoute, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"通知先のファイルが読めません / cannot read the file of route {route.id}",
            where=path,
            got=type(error).__name__,
            next_step="ファイルと権限を確かめる / check the file and its mode",
        ) from None
