"""Steps of a journey as the plan writes them: what is asked, what must come, which words are kept."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bcp.plan.types import Model
from probes.engine.conditions import HeaderCondition, JsonCondition, StatusSet, charset, value_at
from probes.engine.http import Answer
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

    async def word(self, answer: Answer) -> str | None:
        """The word in this answer; None where it is not there."""
        body = answer.body.decode(charset(answer), "replace")
        if self.matches is not None:
            return await first(self.matches, body)
        try:
            value = value_at(json.loads(body), self.pointer or "")
        except (ValueError, LookupError, RecursionError):
            return None
        return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


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
