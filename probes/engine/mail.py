"""The first words of SMTP (RFC 5321), IMAP (RFC 9051) and POP3 (RFC 1939), and no more: nobody
logs in, reads or sends."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Protocol

from bcp.kit.language import Text
from probes.engine import redact
from probes.engine.reading import Reading
from probes.engine.trouble import Trouble
from probes.engine.wire import Wire

CAP = 64 << 10
"""Bytes a server may say in one look."""
_LINES_MOST = 200
_REPLY = re.compile(r"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)


class Talk(Protocol):
    """What the three have in common."""

    goodbye: bytes
    tls_word: str
    """The capability that offers TLS."""

    async def greeting(self) -> str:
        """What the server says first. Raises `Trouble` when it does not welcome us."""

    async def capabilities(self) -> tuple[str, ...]:
        """What it offers, one capability with its parameters each. Raises `Trouble`."""

    async def start_tls(self) -> None:
        """Ask for TLS; it must begin with the next byte. Raises `Trouble`."""


class Smtp:
    """SMTP up to EHLO."""

    goodbye = b"QUIT\r\n"
    tls_word = "STARTTLS"

    def __init__(self, wire: Wire, reading: Reading) -> None:
        self._wire, self._reading = wire, reading

    async def greeting(self) -> str:
        """The 220 line."""
        return (await self._reply("greeting", "220"))[0]

    async def capabilities(self) -> tuple[str, ...]:
        """The lines of EHLO. We name ourselves by address (RFC 5321 section 4.1.3)."""
        own = self._wire.own_address
        literal = f"IPv6:{own}" if ":" in own else own
        self._wire.send(f"EHLO [{literal}]\r\n".encode())
        return tuple(await self._reply("EHLO", "250"))[1:]

    async def start_tls(self) -> None:
        """RFC 3207."""
        self._wire.send(b"STARTTLS\r\n")
        await self._reply("STARTTLS", "220")

    async def _reply(self, asked: str, wanted: str) -> list[str]:
        lines: list[str] = []
        while len(lines) < _LINES_MOST:
            line = (await self._reading.line()).decode("utf-8", "replace")
            match = _REPLY.fullmatch(line)
            if match is None:
                raise _strange("SMTP", line)
            lines.append((match.group(3) or "").strip())
            if match.group(1) != wanted:
                raise _refused(asked, match.group(1), line)
            if match.group(2) != "-":
                return lines
        raise _strange("SMTP", lines[-1])


class Imap:
    """IMAP up to CAPABILITY."""

    goodbye = b"bye LOGOUT\r\n"
    tls_word = "STARTTLS"

    def __init__(self, wire: Wire, reading: Reading) -> None:
        self._wire, self._reading = wire, reading
        self._number = 0

    async def greeting(self) -> str:
        """The untagged greeting (section 7.1)."""
        line = (await self._reading.line()).decode("utf-8", "replace")
        star, _, rest = line.partition(" ")
        said = rest.partition(" ")[0].upper()
        if star != "*" or said not in ("OK", "PREAUTH", "BYE"):
            raise _strange("IMAP", line)
        if said != "OK":
            # PREAUTH: let in without a password, and TLS can no longer be asked for.
            raise _refused("greeting", said, line)
        return rest

    async def capabilities(self) -> tuple[str, ...]:
        """The words of CAPABILITY."""
        said = await self._ask("CAPABILITY")
        found = [line.split()[2:] for line in said if line.upper().startswith("* CAPABILITY")]
        return tuple(word for words in found for word in words)

    async def start_tls(self) -> None:
        """Section 6.2.1."""
        await self._ask("STARTTLS")

    async def _ask(self, command: str) -> list[str]:
        self._number += 1
        tag = f"a{self._number}"
        self._wire.send(f"{tag} {command}\r\n".encode())
        lines: list[str] = []
        while len(lines) < _LINES_MOST:
            line = (await self._reading.line()).decode("utf-8", "replace")
            first, _, rest = line.partition(" ")
            if first == tag:
                state = rest.partition(" ")[0].upper()
                if state != "OK":
                    raise _refused(command, redact.line(state, limit=20), line)
                return lines
            if first != "*":
                raise _strange("IMAP", line)
            lines.append(line)
        raise _strange("IMAP", lines[-1])


class Pop:
    """POP3 up to CAPA (RFC 2449)."""

    goodbye = b"QUIT\r\n"
    tls_word = "STLS"

    def __init__(self, wire: Wire, reading: Reading) -> None:
        self._wire, self._reading = wire, reading

    async def greeting(self) -> str:
        """The `+OK` line."""
        good, line = await self._reply()
        if not good:
            raise _refused("greeting", "-ERR", line)
        return line

    async def capabilities(self) -> tuple[str, ...]:
        """The lines of CAPA; a server that does not know CAPA offers nothing."""
        self._wire.send(b"CAPA\r\n")
        if not (await self._reply())[0]:
            return ()
        lines: list[str] = []
        while len(lines) < _LINES_MOST:
            line = (await self._reading.line()).decode("utf-8", "replace")
            if line == ".":
                return tuple(lines)
            lines.append(line)
        raise _strange("POP3", lines[-1])

    async def start_tls(self) -> None:
        """RFC 2595 section 4."""
        self._wire.send(b"STLS\r\n")
        good, line = await self._reply()
        if not good:
            raise _refused("STLS", "-ERR", line)

    async def _reply(self) -> tuple[bool, str]:
        line = (await self._reading.line()).decode("utf-8", "replace")
        said, _, rest = line.partition(" ")
        if said not in ("+OK", "-ERR"):
            raise _strange("POP3", line)
        return said == "+OK", rest


TALKS: Mapping[str, Callable[[Wire, Reading], Talk]] = {"smtp": Smtp, "imap": Imap, "pop3": Pop}


def offers(capabilities: tuple[str, ...], wanted: str) -> bool:
    """`AUTH PLAIN` is offered by `AUTH LOGIN PLAIN`; case does not matter."""
    first, *parameters = wanted.upper().split()
    for capability in capabilities:
        words = capability.upper().split()
        if words and words[0] == first and set(parameters) <= set(words[1:]):
            return True
    return False


def _strange(protocol: str, line: str) -> Trouble:
    text = Text(f"{protocol}として読めない応答です", f"the answer is not {protocol}")
    return Trouble(text, "answer", evidence=(f"受信 heard: {redact.line(line)}",))


def _refused(asked: str, said: str, line: str) -> Trouble:
    what = "あいさつ" if asked == "greeting" else asked
    text = Text(f"{what} で断られました ({said})", f"turned away at {asked} with {said}")
    return Trouble(text, "answer", evidence=(f"受信 heard: {redact.line(line)}",))
