"""BER as LDAP speaks it (X.690, narrowed by RFC 4511 section 5.1): definite lengths, short tags."""

from __future__ import annotations

from collections.abc import Iterator

from probes.engine.reading import Reading

BOOLEAN, INTEGER, OCTETS, ENUMERATED, SEQUENCE = 0x01, 0x02, 0x04, 0x0A, 0x30
_LENGTH_BYTES = 4


def element(tag: int, *parts: bytes) -> bytes:
    """Tag, length and the parts one after the other."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Zero or more."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1))


def octets(value: str | bytes, tag: int = OCTETS) -> bytes:
    """A string; text as UTF-8."""
    return element(tag, value.encode() if isinstance(value, str) else value)


def elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, content) of each element in `content`. Raises ValueError when they do not fill it."""
    at = 0
    while at < len(content):
        if len(content) - at < 2:
            raise ValueError("an element without a length")
        tag, size, at = content[at], content[at + 1], at + 2
        if size >= 0x80:
            count = size & 0x7F
            if not 1 <= count <= _LENGTH_BYTES or len(content) - at < count:
                raise ValueError("a length that cannot be")
            size, at = int.from_bytes(content[at : at + count]), at + count
        if len(content) - at < size:
            raise ValueError("an element longer than what holds it")
        yield tag, content[at : at + size]
        at += size


def number(content: bytes) -> int:
    """The value of an INTEGER or ENUMERATED. Raises ValueError when it has no bytes or too many."""
    if not 1 <= len(content) <= 8:
        raise ValueError("a number that cannot be")
    return int.from_bytes(content, signed=True)


async def take(reading: Reading, wanted: int, most: int) -> bytes:
    """The content of the next element of a connection. Raises ValueError when it has another tag
    or is over `most` bytes, `Trouble`."""
    tag, size = await reading.exactly(2)
    if tag != wanted:
        raise ValueError("another kind of element")
    if size >= 0x80:
        count = size & 0x7F
        if not 1 <= count <= _LENGTH_BYTES:
            raise ValueError("a length that cannot be")
        size = int.from_bytes(await reading.exactly(count))
    if size > most:
        raise ValueError("an element that is too long")
    return await reading.exactly(size)
