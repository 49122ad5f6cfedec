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

from bcp.kit.errors import BcpError

Lang = Literal["ja", "en"]
_TEXT_TAG = "tag:yaml.org,2002:str"


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
        texts |= {f"{file.stem}.{key}": said for key, said in read_page(file).items()}
    return texts


def read_page(file: Path) -> dict[str, Text]:
    """One file of the catalogue by key. Raises `BcpError` with the file and the line of a fault."""
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise _unfit(file, 1, str(error)) from error
    if not isinstance(root, yaml.MappingNode):
        raise _unfit(file, 1, "not a mapping")
    page: dict[str, Text] = {}
    for key, value in root.value:
        line, pair = key.start_mark.line + 1, getattr(value, "value", None)
        fits = isinstance(value, yaml.SequenceNode) and len(value.value) == 2
        if not fits or any(item.tag != _TEXT_TAG for item in value.value):
            raise _unfit(file, line, f"{key.value}: {pair if isinstance(pair, str) else 'list'}")
        if key.value in page:
            raise _unfit(file, line, f"{key.value} twice")
        page[key.value] = Text(*(item.value for item in value.value))
    return page


def _unfit(file: Path, line: int, got: str) -> BcpError:
    return BcpError(
        "文言の書き方が違います / an entry of the catalogue is not a pair of texts",
        where=f"{file}:{line}",
        expected="key: [日本語, English]",
        got=got,
    )


def text(key: str, /, **values: object) -> Text:
    """The catalogue's text; an unknown key shows itself, so a page never breaks on a word."""
    found = catalogue().get(key) or same(key)
    return found.format(**values) if values else found
