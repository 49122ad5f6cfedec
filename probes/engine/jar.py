"""What a browser keeps in mind from page to page: cookies of one host, and words taken from answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from probes.engine.http import Answer

PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
"""`{csrf}` in a text of the plan."""
_MOST_COOKIES, _MOST_LENGTH = 30, 4096


class Cookies:
    """Cookies of one host, for one run; paths and domains are not told apart (one site, one visit)."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, bool]] = {}

    def take(self, answer: Answer) -> None:
        """Keep what an answer sets; forget what it ends."""
        for line in answer.values("Set-Cookie"):
            pair, *rest = line.split(";")
            name, equals, value = pair.strip().partition("=")
            words = [word.strip().lower() for word in rest]
            if not equals or not name or len(line) > _MOST_LENGTH:
                continue
            if "max-age=0" in words or not value:
                self._kept.pop(name, None)
            elif name in self._kept or len(self._kept) < _MOST_COOKIES:
                self._kept[name] = (value, "secure" in words)

    def header(self, *, secure: bool) -> str:
        """What is sent back; cookies marked Secure never in the clear."""
        return "; ".join(f"{n}={v}" for n, (v, only) in self._kept.items() if secure or not only)

    @property
    def values(self) -> tuple[str, ...]:
        """Secrets of this visit."""
        return tuple(value for value, _only in self._kept.values())


def places(texts: Iterable[str]) -> set[str]:
    """Names of the words a plan's texts ask for."""
    return {name for text in texts for name in PLACE.findall(text)}


def in_url(text: str, words: Mapping[str, str]) -> str:
    """Words put into an address, encoded: none can change where it leads."""
    return PLACE.sub(lambda place: quote(words[place[1]], safe=""), text)


def in_text(text: str, words: Mapping[str, str]) -> str:
    """Words put in as they are (a value of a form, which is encoded afterwards)."""
    return PLACE.sub(lambda place: words[place[1]], text)


def in_json(text: str, words: Mapping[str, str]) -> str:
    """Words put into the strings of a JSON text, escaped."""
    return PLACE.sub(lambda place: json.dumps(words[place[1]])[1:-1], text)


def usable(value: str) -> bool:
    """Whether a word taken from an answer may be used: short, one line."""
    return 0 < len(value) <= _MOST_LENGTH and value.isprintable()
