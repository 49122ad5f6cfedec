"""Templates of announcements: approved beforehand, filled from a closed list. Pure.

A template stands in the plan (`announcements.templates`); its approval is an entry with the digest of
its words, so a changed word asks for a new approval. Placeholders take values of the plan or of a
narrow shape, never free text: that is why one person may publish a filled approved template at once,
while free text needs a second one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from string import Formatter
from typing import Literal, Self

from pydantic import Field, model_validator

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.plan.loader import unknown
from bcp.plan.model import City
from bcp.plan.types import Id, Model
from runbooks.notices import speech

Audience = Literal["staff", "residents", "press", "shelters", "vendors"]
AUDIENCES: tuple[Audience, ...] = ("staff", "residents", "press", "shelters", "vendors")

PLACES = ("service", "system", "site", "time", "until", "day", "phone", "count")
"""Every placeholder there is: 業務名, システム名, 場所, 時刻, いつまで, 日, 電話番号, 数."""

_SHAPES = {
    "time": (r"([01]?\d|2[0-3]):[0-5]\d", "14:30"),
    "until": (r"([01]?\d|2[0-3]):[0-5]\d", "17:15"),
    "day": (r"(1[0-2]|[1-9])月(3[01]|[12]\d|[1-9])日", "11月24日"),
    "phone": (r"0\d{1,4}-\d{1,4}-\d{3,4}", "0228-00-0000"),
    "count": (r"\d{1,6}", "12"),
}
_EXAMPLES = {"service": "住民票の交付", "system": "住民記録システム", "site": "本庁舎"}
_PERCENT = re.compile(r"[%％]|パーセント|percent", re.IGNORECASE)
FIELDS = ("title", "body", "easy", "title_en", "body_en", "radio")


class Template(Model):
    """One text in Japanese, やさしい日本語 and English, with its 防災行政無線 sentence."""

    id: Id
    audiences: tuple[Audience, ...] = Field(min_length=1)
    title: str = Field(min_length=1, max_length=120)
    body: str = Field(min_length=1, max_length=1500)
    easy: str = Field("", max_length=1500)
    title_en: str = Field("", max_length=120)
    body_en: str = Field("", max_length=1500)
    radio: str = Field("", max_length=200)
    """One or two short sentences; said twice. Residents' templates need it."""
    unconfirmed: bool = False

    @model_validator(mode="after")
    def _fit(self) -> Self:
        for name in FIELDS:
            said = getattr(self, name)
            strange = [place for place in places(said) if place not in PLACES]
            if strange:
                raise ValueError(f"{name}: {unknown(strange[0], PLACES, 'placeholder')}")
            if _PERCENT.search(said):
                raise ValueError(f"{name}: {_both('no_percent')}")
        if "residents" in self.audiences and not (self.radio and self.easy and self.body_en):
            raise ValueError(_both("residents_need"))
        if bool(self.title_en) != bool(self.body_en):
            raise ValueError(_both("english_whole"))
        if set(self.places) != set(places(self.title + self.body)):
            raise ValueError(_both("same_places"))
        self._readable()
        return self

    def _readable(self) -> None:
        sample = _filled(self.radio, example())
        if strange := speech.unreadable(sample):
            raise ValueError(_both("unreadable", signs=" ".join(strange)))
        from runbooks.notices.forms import radio_text  # the form needs this module's values

        took = speech.length(radio_text("市役所", sample, None))
        if took > speech.LIMIT:
            raise ValueError(_both("too_long_aloud", seconds=int(took.total_seconds())))

    @property
    def places(self) -> tuple[str, ...]:
        """What must be filled in, in order."""
        return tuple(dict.fromkeys(p for name in FIELDS for p in places(getattr(self, name))))

    @property
    def digest(self) -> str:
        """Of its words and audiences: what an approval speaks of."""
        document = self.model_dump(mode="json", exclude={"unconfirmed"})
        said = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(said.encode()).hexdigest()


def places(said: str) -> list[str]:
    """The placeholders of a text. Raises ValueError for a brace that is none."""
    return [name for _, name, _, _ in Formatter().parse(said) if name is not None]


def example() -> dict[str, str]:
    """A value for every placeholder: for previews and for the length aloud."""
    return {**{name: shown for name, (_shape, shown) in _SHAPES.items()}, **_EXAMPLES}


def choices(city: City, place: str) -> tuple[str, ...]:
    """What the plan offers for a placeholder; empty: a narrow shape decides."""
    if place == "service":
        return tuple(service.name for service in city.services)
    if place == "system":
        return tuple(system.name for system in city.systems)
    return tuple(site.name for site in city.sites) if place == "site" else ()


def shape(place: str) -> str:
    """How a value looks, by example; empty where the plan offers a list."""
    return _SHAPES[place][1] if place in _SHAPES else ""


def fill(template: Template, given: Mapping[str, str], city: City) -> dict[str, str]:
    """Field -> text. Raises UsageError for a value that is missing, unknown or of another shape."""
    values = {}
    for place in template.places:
        value = given.get(place, "").strip()
        known = choices(city, place)
        if known and value not in known:
            raise UsageError(_both("not_of_plan"), where=place, got=value, expected=known[0])
        if not known:
            pattern, shown = _SHAPES.get(place, (r"(?!)", "-"))
            if re.fullmatch(pattern, value) is None:
                raise UsageError(_both("not_that_shape"), where=place, got=value, expected=shown)
        values[place] = value
    for place in given:
        if given[place].strip() and place not in template.places:
            raise UsageError(unknown(place, template.places, "placeholder"), where=template.id)
    return {name: _filled(getattr(template, name), values) for name in FIELDS}


def _filled(said: str, values: Mapping[str, str]) -> str:
    return said.format(**values) if said else ""


def percents(*texts: str) -> bool:
    """Whether one of them holds a percentage: it never goes to an announcement (R-87)."""
    return any(_PERCENT.search(said) for said in texts)


def _both(key: str, **values: object) -> str:
    said = text(f"announce.{key}", **values)
    return f"{said.ja} / {said.en}"
