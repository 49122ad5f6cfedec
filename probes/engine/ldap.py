"""The little of LDAP (RFC 4511) that one look needs: StartTLS, a bind, a search that counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bcp.kit.language import Text
from probes.engine import ber, redact
from probes.engine.login import Attempt
from probes.engine.reading import Reading
from probes.engine.trouble import Trouble
from probes.engine.wire import Wire

CAP = 1 << 20
"""Bytes a server may say in one look."""
_MESSAGE_MOST = 256 << 10
_START_TLS = "1.3.6.1.4.1.1466.20037"
_BIND, _BIND_ANSWER, _UNBIND = 0x60, 0x61, b"\x42\x00"
_SEARCH, _ENTRY, _DONE, _REFERENCE = 0x63, 0x64, 0x65, 0x73
_EXTENDED, _EXTENDED_ANSWER, _BETWEEN = 0x77, 0x78, 0x79
_BETWEEN_MOST = 1000
"""References and words in between that are read in one search."""
SUCCESS, SIZE_LIMIT = 0, 4
_NOT_THE_PASSWORD = frozenset({2, 8, 13, 51, 52})
"""Answers to a bind that do not count against the account; all others may."""
_CODES: Mapping[int, Text] = {
    3: Text("時間の上限を超えました", "over its time limit"),
    8: Text("もっと強い認証かTLSを求められました", "wants stronger authentication or TLS"),
    10: Text("他のサーバーへ案内されました", "pointed to another server"),
    11: Text("管理者の決めた上限を超えました", "over a limit its administrator set"),
    13: Text("TLSを求められました", "wants TLS"),
    32: Text("検索の起点がありません", "the search base does not exist"),
    48: Text("この認証は使えません", "does not take this way to authenticate"),
    50: Text("読む権限がありません", "may not be read by us"),
    51: Text("混んでいて答えられません", "too busy to answer"),
    52: Text("使えない状態です", "unavailable"),
    53: Text("実行を断られました", "unwilling to perform it"),
}
"""Appendix A.2: those people meet."""


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


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: how many entries came, and whether there are more than we asked for."""

    entries: int
    more: bool


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

    def goodbye(self) -> bytes:
        """What is said last; the server closes then (section 4.3)."""
        return ber.element(ber.SEQUENCE, ber.integer(self._number + 1), _UNBIND)

    async def bind(self) -> None:
        """Say that we are nobody (RFC 4513 section 5.1.1). Raises `Trouble`."""
        result = await self._bind("", "")
        if result.code != SUCCESS:
            raise refused("匿名のbindを断られました", "turned the anonymous bind away", result)

    async def login(self, attempt: Attempt, user: str, password: str) -> None:
        """Simple bind (section 5.1.3). Raises `Trouble`; `Refused` when it may be the password."""
        attempt.sent()
        result = await self._bind(user, password)
        if result.code == SUCCESS:
            attempt.accepted()
        elif result.code in _NOT_THE_PASSWORD:
            attempt.withdrawn()
            raise refused("bindを断られました", "turned the bind away", result)
        else:
            raise attempt.refused(result.line)

    async def _bind(self, user: str, password: str) -> Result:
        self.send(ber.element(_BIND, ber.integer(3), ber.octets(user), ber.octets(password, 0x80)))
        operation, body = await self.receive()
        if operation != _BIND_ANSWER:
            raise strange(ValueError("no answer to a bind"))
        return result_of(body)

    async def search(
        self, base: str, scope: int, wanted: bytes, *, most: int, seconds: int
    ) -> Found:
        """Count entries, no more than `most`; neither their names nor their content are kept.

        `scope`: 0 the base itself, 1 below it, 2 all; `wanted`: a filter in BER. Raises `Trouble`.
        """
        self.send(
            ber.element(
                _SEARCH,
                ber.octets(base),
                ber.integer(scope, ber.ENUMERATED),
                ber.integer(0, ber.ENUMERATED),  # aliases are not followed
                ber.integer(most),
                ber.integer(seconds),
                ber.element(ber.BOOLEAN, b"\xff"),
                wanted,
                ber.element(ber.SEQUENCE, ber.octets("1.1")),  # no attributes
            )
        )
        entries = between = 0
        while True:
            operation, body = await self.receive()
            if operation == _ENTRY:
                entries += 1
            elif operation in (_REFERENCE, _BETWEEN):
                between += 1
            elif operation == _DONE:
                result = result_of(body)
                if result.code in (SUCCESS, SIZE_LIMIT):
                    return Found(entries, result.code == SIZE_LIMIT)
                raise refused("検索を断られました", "turned the search away", result)
            else:
                raise strange(ValueError("no answer to a search"))
            if entries > most or between > _BETWEEN_MOST:
                raise strange(ValueError("more answers than asked for"))

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
    why = _CODES.get(result.code, Text("", ""))
    text = Text(
        f"{ja} (コード {result.code}{' ' + why.ja if why.ja else ''})",
        f"{en} with code {result.code}{': ' + why.en if why.en else ''}",
    )
    return Trouble(text, "answer", evidence=(result.line,))
