"""The little of LDAP (RFC 4511) that is said before and around a look: StartTLS."""

from __future__ import annotations

from dataclasses import dataclass

from bcp.kit.language import Text
from probes.engine import ber, redact
from probes.engine.reading import Reading
from probes.engine.trouble import Trouble
from probes.engine.wire import Wire

CAP = 1 << 20
"""Bytes a server may say in one look."""
_MESSAGE_MOST = 256 << 10
_START_TLS = "1.3.6.1.4.1.1466.20037"
_EXTENDED, _EXTENDED_ANSWER = 0x77, 0x78
SUCCESS = 0


@dataclass(frozen=True, slots=True)
class Result:
    """How an operation ended (section 4.1.9): 0 is success."""

    code: int
    said: str
    """The server's own words; may hold anything."""

    @property
    def line(self) -> str:
        """For the evidence."""
        return f"LDAP {self.code} {redact.line(self.said)}".strip()


class Session:
    """One connection, one operation at a time."""

    def __init__(self, wire: Wire, reading: Reading) -> None:
        self._wire, self._reading = wire, reading
        self._number = 0

    def send(self, operation: bytes) -> None:
        """Put it in an envelope with the next number."""
        self._number += 1
        self._wire.send(ber.element(ber.SEQUENCE, ber.integer(self._number), operation))

    async def receive(self) -> tuple[int, bytes]:
        """Tag and content of the next answer to what was sent last. Raises `Trouble`."""
        try:
            content = await ber.take(self._reading, ber.SEQUENCE, _MESSAGE_MOST)
            (_integer, number), (operation, body), *_controls = ber.elements(content)
            said = ber.number(number)
        except ValueError as error:
            raise strange(error) from error
        if said == 0:  # section 4.4.1: it says goodbye unasked
            raise refused("切断の通知", "told that it disconnects", result_of(body))
        if said != self._number:
            raise strange(ValueError("an answer to another question"))
        return operation, body

    async def start_tls(self) -> None:
        """Ask for TLS; it must begin with the next byte (section 4.14). Raises `Trouble`."""
        self.send(ber.element(_EXTENDED, ber.octets(_START_TLS, 0x80)))
        operation, body = await self.receive()
        if operation != _EXTENDED_ANSWER:
            raise strange(ValueError("no extended answer"))
        result = result_of(body)
        if result.code != SUCCESS:
            raise refused("STARTTLS で断られました", "turned away at STARTTLS", result)


def result_of(body: bytes) -> Result:
    """The result at the head of an answer. Raises `Trouble`."""
    try:
        (_enumerated, code), (_octets, _matched), (_text, said), *_rest = ber.elements(body)
        return Result(ber.number(code), said.decode("utf-8", "replace"))
    except ValueError as error:
        raise strange(error) from error


def strange(error: ValueError) -> Trouble:
    """The other side does not speak LDAP."""
    text = Text("LDAPとして読めない応答です", "the answer is not LDAP")
    return Trouble(text, "answer", evidence=(redact.line(str(error)),))


def refused(ja: str, en: str, result: Result) -> Trouble:
    """It said no, with a number."""
    text = Text(f"{ja} (コード {result.code})", f"{en} with code {result.code}")
    return Trouble(text, "answer", evidence=(result.line,))
