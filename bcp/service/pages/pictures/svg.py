"""The little of SVG that the pictures need: escaping, elements, one value for the result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing and its text twin."""

    svg: str
    """Safe markup: everything that came from outside was escaped here."""
    twin: str
    """The same in words, for ears, text browsers and the alternative text."""
    lines: tuple[str, ...] = ()
    """The twin in detail, one line per thing drawn."""

    def __html__(self) -> str:
        return self.svg


def number(value: float) -> str:
    """Short coordinates: pages are weighed."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def percent(value: float) -> str:
    """A position as a share of the width, so that the picture fits any screen unscaled."""
    return f"{number(min(100.0, max(0.0, value)))}%"


def element(name: str, inside: str | None = None, **attributes: object) -> str:
    """One element; `class_` and the like lose their underscore, `_` becomes `-`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}/>" if inside is None else f"<{name}{written}>{inside}</{name}>"


def words(text: str, **attributes: object) -> str:
    """A text element."""
    return element("text", escape(text), **attributes)


def drawing(parts: Iterable[str], twin: str, **attributes: object) -> str:
    """The outermost element; decorative parts are hidden behind the alternative text."""
    return element("svg", "".join(parts), role="img", aria_label=twin, **attributes)


def cut(text: str, width: int) -> str:
    """At most `width` half-width columns (a Japanese character takes two)."""
    used, kept = 0, ""
    for character in text:
        used += 1 if character < "\u0100" else 2
        if used > width:
            return kept.rstrip() + "…"
        kept += character
    return kept
