"""Search filters as people write them (RFC 4515), to what goes over the wire (RFC 4511, 4.5.1.7)."""

from __future__ import annotations

import re

from probes.engine import ber

_DEEPEST = 16
_ATTRIBUTE = r"[A-Za-z][A-Za-z0-9-]*(?:;[A-Za-z0-9-]+)*|[0-9]+(?:\.[0-9]+)+"
_PLAIN = re.compile(rf"({_ATTRIBUTE})(=|>=|<=|~=)(.*)", re.DOTALL)
_EXTENSIBLE = re.compile(
    rf"({_ATTRIBUTE})?(:dn)?(?::({_ATTRIBUTE}))?:=(.*)", re.DOTALL | re.IGNORECASE
)
_ESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2})|\\")
_MANY = {"&": 0xA0, "|": 0xA1}
_TAGS = {"=": 0xA3, ">=": 0xA5, "<=": 0xA6, "~=": 0xA8}
_NOT, _SUBSTRINGS, _PRESENT, _MATCHES = 0xA2, 0xA4, 0x87, 0xA9


def encoded(text: str) -> bytes:
    """The filter in BER. Raises ValueError (bilingual) with the place that cannot be read."""
    reader = _Reader(text.strip())
    found = reader.whole(0)
    if reader.left:
        raise reader.fault()
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    @property
    def left(self) -> str:
        return self._text[self._at :]

    def fault(self) -> ValueError:
        shown = self.left[:20] or "(end)"
        return ValueError(
            f"フィルタの {self._at + 1} 文字目から読めません: {shown} / "
            "write a filter like (&(objectClass=person)(uid=a*))"
        )

    def _take(self, sign: str) -> None:
        if not self.left.startswith(sign):
            raise self.fault()
        self._at += len(sign)

    def whole(self, depth: int) -> bytes:
        """One filter with its brackets."""
        if depth > _DEEPEST:
            raise self.fault()
        self._take("(")
        sign = self.left[:1]
        if sign in _MANY:
            self._at += 1
            parts = [self.whole(depth + 1)]
            while self.left.startswith("("):
                parts.append(self.whole(depth + 1))
            found = ber.element(_MANY[sign], *parts)
        elif sign == "!":
            self._at += 1
            found = ber.element(_NOT, self.whole(depth + 1))
        else:
            found = self._item()
        self._take(")")
        return found

    def _item(self) -> bytes:
        end = next((n for n, char in enumerate(self.left) if char in "()"), len(self.left))
        item = self.left[:end]
        made = self._plain(item) or self._extensible(item)
        if made is None:
            raise self.fault()
        self._at += end
        return made

    def _plain(self, item: str) -> bytes | None:
        match = _PLAIN.fullmatch(item)
        if match is None:
            return None
        attribute, sign, value = match.groups()
        if sign == "=" and value == "*":
            return ber.octets(attribute, _PRESENT)
        if sign == "=" and "*" in value:
            return ber.element(_SUBSTRINGS, ber.octets(attribute), self._substrings(value))
        return ber.element(_TAGS[sign], ber.octets(attribute), ber.octets(self._value(value)))

    def _substrings(self, value: str) -> bytes:
        first, *middle, last = [self._value(part) for part in value.split("*")]
        parts = [ber.octets(first, 0x80)] if first else []
        parts += [ber.octets(part, 0x81) for part in middle if part]
        parts += [ber.octets(last, 0x82)] if last else []
        if not parts or b"" in middle:
            raise self.fault()
        return ber.element(ber.SEQUENCE, *parts)

    def _extensible(self, item: str) -> bytes | None:
        match = _EXTENSIBLE.fullmatch(item)
        if match is None:
            return None
        attribute, whole_name, rule, value = match.groups()
        if attribute is None and rule is None:
            return None
        parts = [ber.octets(rule, 0x81)] if rule else []
        parts += [ber.octets(attribute, 0x82)] if attribute else []
        parts.append(ber.octets(self._value(value), 0x83))
        parts += [ber.element(0x84, b"\xff")] if whole_name else []
        return ber.element(_MATCHES, *parts)

    def _value(self, text: str) -> bytes:
        def unescaped(match: re.Match[bytes]) -> bytes:
            if match.group(1) is None:
                raise self.fault()
            return bytes.fromhex(match.group(1).decode())

        if "*" in text or "\0" in text:
            raise self.fault()
        return _ESCAPED.sub(unescaped, text.encode())
