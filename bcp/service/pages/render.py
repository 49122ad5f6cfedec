"""The one place of templates: Jinja2 with autoescape, strict about undefined names.

Templates get the visit as `v` and a handful of functions that put words and instants into the
visitor's language. Rendering is a blocking call of a few milliseconds: it runs in a worker thread.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from bcp.kit.language import Lang, Text, text
from bcp.kit.units import JST, duration_ja, format_duration, jst, jst_short
from bcp.plan.model import City
from bcp.service.pages.outbox_words import script_words
from bcp.watch.board import Board

_HERE = Path(__file__).parent
STATIC = _HERE / "static"


_GOAL = {
    "attained": "pass",
    "pending": "pending",
    "overdue": "failed",
    "unset": "unset",
    "unproven": "unknown",
}
_STAND = {
    "blocked": "unset",
    "ready": "ready",
    "running": "running",
    "waiting": "waiting",
    "done": "pass",
    "failed": "failed",
    "skipped": "waived",
    "not_applicable": "unset",
    "cancelled": "unset",
}
_STAGE = {
    "stopped": "failed",
    "alternate": "waiting",
    "recovering": "running",
    "technical": "pending",
    "confirmed": "pass",
    "normal": "ok",
    "voluntary": "planned",
    "planned": "planned",
    "unknown": "unknown",
}
"""Targets, steps and stages wear the same few shapes as everything else."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["called_by_plan"] = _called_by_plan
    environment.filters["check_name"] = _check_name
    environment.globals |= {"outbox_words": script_words}
    environment.globals |= {"static": static_url, "goal": _GOAL, "looks": _STAND, "stages": _STAGE}
    return environment


def _called_by_plan(id: str, city: City) -> str:
    """The name of a service, system or role of the plan; the id of anything else."""
    found = city.service(id) or city.system(id) or city.role(id)
    return found.name if found else id


def _check_name(id: str, board: Board) -> str:
    """The name the plan gives a check; its id where there is none, or no such check any more."""
    return (board.view(id).check.name or id) if id in board else id


@cache
def static_digest(name: str) -> str:
    """Of the file's content: part of its address, so that it may be cached for ever."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def static_url(name: str) -> str:
    """The address of a static file."""
    return f"/static/{static_digest(name)}/{name}"


class Words:
    """Words and instants in one language, as seen at one instant."""

    def __init__(self, lang: Lang, now: datetime) -> None:
        self.lang, self.now = lang, now

    def t(self, key: str, /, **values: object) -> str:
        """A word of the pages' own catalogue page."""
        return self.word(f"pages.{key}", **values)

    def word(self, key: str, /, **values: object) -> str:
        """A word of any catalogue page; an instant in it (`at`) stays what it is."""
        if any(isinstance(value, Markup) for value in values.values()):
            safe = {name: escape(value) for name, value in values.items()}
            return Markup(text(key, **safe).pick(self.lang))  # noqa: S704 - all that came in is escaped
        return text(key, **values).pick(self.lang)

    def pick(self, said: Text | str | None) -> str:
        """A bilingual text in this language."""
        return said.pick(self.lang) if isinstance(said, Text) else (said or "")

    def length(self, value: timedelta | float | None) -> str:
        """A duration for people; `-` when there is none."""
        if value is None:
            return "-"
        value = value if isinstance(value, timedelta) else timedelta(seconds=value)
        if self.lang == "ja":
            return duration_ja(value)
        seconds = int(abs(value.total_seconds()))
        unit = 3600 if seconds >= 86400 else 60 if seconds >= 60 else 1
        return format_duration(timedelta(seconds=seconds // unit * unit))

    def exact(self, value: timedelta) -> str:
        """A measured duration: tenths of a second below a minute."""
        if value < timedelta(minutes=1):
            return self.word("entries.seconds", seconds=round(value.total_seconds(), 1))
        return self.length(value)

    def took(self, seconds: float) -> str:
        """How long a check took: milliseconds below a second."""
        if seconds < 1:
            return self.word("entries.milliseconds", count=max(1, round(seconds * 1000)))
        return self.exact(timedelta(seconds=seconds))

    def second(self, instant: datetime) -> str:
        """`22:58:04` today, with the day otherwise."""
        today = instant.astimezone(JST).date() == self.now.astimezone(JST).date()
        return jst(instant, "%H:%M:%S" if today else "%m/%d %H:%M:%S")

    def ago(self, instant: datetime | None) -> str:
        """How long it has been."""
        return self.length(self.now - instant) if instant else "-"

    def at(self, instant: datetime | None) -> Markup | str:
        """`10:32` today, `11/22 10:32` otherwise, with the exact instant behind it."""
        if instant is None:
            return "-"
        exact = instant.isoformat(timespec="seconds")
        return Markup('<time datetime="{}">{}</time>').format(exact, jst_short(instant, self.now))

    def clock(self, instant: datetime) -> str:
        """`13:27`."""
        return jst(instant, "%H:%M")

    def stamp(self, instant: datetime) -> str:
        """`2026-11-23 10:02:31` (JST)."""
        return jst(instant)

    def state(self, name: str, words: str | None = None) -> Markup:
        """A state by shape, word and colour. The shape comes from the style sheet."""
        said = words or self.t(f"state_{name}")
        return Markup('<span class="s {}">{}</span>').format(name, said)

    def functions(self) -> dict[str, Any]:
        """For the template."""
        names = (
            "t",
            "word",
            "pick",
            "length",
            "exact",
            "took",
            "second",
            "ago",
            "at",
            "clock",
            "stamp",
            "state",
        )
        return {name: getattr(self, name) for name in names}


def render(template: str, words: Words, values: dict[str, Any]) -> bytes:
    """The page's bytes. Raises jinja2's errors: they are our bugs."""
    page = _environment().get_template(template)
    return page.render({**words.functions(), **values}).encode("utf-8")
