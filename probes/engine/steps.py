"""Steps of a journey as the plan writes them: what is asked, what must come, which words are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from bcp.plan.types import Model
from probes.engine.conditions import HeaderCondition, JsonCondition, StatusSet, charset, value_at
from probes.engine.fields import FROM_FILES_ONLY, header
from probes.engine.http import Answer
from probes.engine.jar import places, usable
from probes.engine.patterns import Pattern, first

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
"""Of a word that is put into later steps as `{name}`."""


class Capture(Model):
    """A word of an answer, for later steps as `{name}`: by a pattern (its first group) or in JSON."""

    matches: Pattern | None = None
    pointer: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Capture:
        if (self.matches is None) == (self.pointer is None):
            raise ValueError("matches か pointer のどちらか一つ / either matches or pointer")
        return self


class Step(Model):
    """One request, and what its answer must be."""

    name: str = Field(min_length=1, max_length=60)
    path: str = Field(pattern=r"^/")
    """On the journey's host; `{word}` is put in, encoded."""
    method: Literal["GET", "POST"] = "GET"
    form: dict[str, str] = Field({}, max_length=30)
    """Fields of a form that POST sends."""
    json_body: str | None = Field(None, max_length=8192)
    """A JSON text that POST sends instead."""
    request_headers: dict[str, str] = Field({}, max_length=16)
    status: StatusSet = ("2xx",)
    """Judged after redirects."""
    contains: str | None = Field(None, min_length=1, max_length=1024)
    not_contains: str | None = Field(None, min_length=1, max_length=1024)
    matches: Pattern | None = None
    not_matches: Pattern | None = None
    json_conditions: tuple[JsonCondition, ...] = Field((), alias="json", max_length=16)
    headers: tuple[HeaderCondition, ...] = Field((), max_length=16)
    capture: dict[Name, Capture] = Field({}, max_length=10)
    login: bool = False
    """The step that shows the secrets: an answer that is not as wanted is a refused log-in."""
    finally_: bool = Field(False, alias="finally")
    """Done at the end whatever happened after the log-in (log out)."""

    @field_validator("request_headers")
    @classmethod
    def _clean(cls, value: dict[str, str]) -> dict[str, str]:
        for name, content in value.items():
            header(name, content)
            if name.lower() in FROM_FILES_ONLY and not places([content]):
                raise ValueError(f"{name} の値は {{言葉}} で書く / only as a {{word}}")
        return value

    @model_validator(mode="after")
    def _one_body(self) -> Step:
        if self.method == "GET" and (self.form or self.json_body is not None):
            raise ValueError("form と json_body は POST だけ / only with method: POST")
        if self.form and self.json_body is not None:
            raise ValueError("form か json_body のどちらか一つ / form or json_body, not both")
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything a word may be put into."""
        return (
            self.path,
            *self.form.values(),
            self.json_body or "",
            *self.request_headers.values(),
        )


async def captured(wanted: Mapping[str, Capture], answer: Answer) -> dict[str, str | None]:
    """The words in an answer; None where one is not there, or could not be used."""
    body, found = answer.body.decode(charset(answer), "replace"), dict[str, str | None]()
    document = _document(body) if any(how.pointer is not None for how in wanted.values()) else None
    for name, how in wanted.items():
        if how.matches is not None:
            word = await first(how.matches, body)
        else:
            word = _at(document, how.pointer or "")
        found[name] = word if word is not None and usable(word) else None
    return found


def _document(body: str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _at(document: object, pointer: str) -> str | None:
    try:
        value = value_at(document, pointer)
    except LookupError:
        return None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
