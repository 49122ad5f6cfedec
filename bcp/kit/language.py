"""Words in two languages: Japanese first, English second.

A check's texts live in its own file as `Text`. Everything else is in one catalogue, the YAML files
of `bcp/kit/catalogue/` (one page per room; keys are `page.key`, values `[ja, en]`), read once.
A test demands that both languages are there and that every key used exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

Lang = Literal["ja", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence for people, in both languages."""

    ja: str
    en: str

    def __str__(self) -> str:
        return self.ja

    def pick(self, lang: Lang = "ja") -> str:
        """The sentence in the language asked for."""
        return self.en if lang == "en" else self.ja

    def format(self, **values: object) -> Text:
        """Fill `{name}` places in both languages."""
        return Text(self.ja.format(**values), self.en.format(**values))


def same(text: str) -> Text:
    """A name that reads the same in both languages."""
    return Text(text, text)


@cache
def catalogue() -> dict[str, Text]:
    """Every text of the catalogue by `page.key`."""
    texts: dict[str, Text] = {}
    for file in sorted((Path(__file__).parent / "catalogue").glob("*.yaml")):
        page = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}
        for key, (ja, en) in page.items():
            texts[f"{file.stem}.{key}"] = Text(ja, en)
    return texts


def text(key: str, /, **values: object) -> Text:
    """The catalogue's text; an unknown key shows itself, so a page never breaks on a word."""
    found = catalogue().get(key) or same(key)
    return found.format(**values) if values else found
