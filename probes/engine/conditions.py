"""What an HTTP answer may be asked for: status, words, patterns, JSON, headers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, Field, model_validator

from bcp.kit.language import Text
from bcp.plan.types import Model
from probes.engine import redact
from probes.engine.http import Answer
from probes.engine.patterns import Pattern, found

Scalar = bool | int | float | str | None

StatusSet = Annotated[
    tuple[Annotated[int, Field(ge=100, le=599)] | Literal["2xx", "3xx", "4xx", "5xx"], ...],
    Field(min_length=1),
]


def allowed(status_set: Sequence[int | str], status: int) -> bool:
    """Whether a status is in the set."""
    return status in status_set or f"{status // 100}xx" in status_set


def _pointer(value: str) -> str:
    if value and not value.startswith("/"):
        raise ValueError("JSONポインタは / で始める / a JSON pointer begins with /")
    return value


class JsonCondition(Model):
    """One value of a JSON body, found by JSON pointer (RFC 6901)."""

    pointer: Annotated[str, AfterValidator(_pointer)]
    equals: Scalar = None
    contains: str | None = None
    """Text in a string, or an item of a list."""
    at_least: float | None = None
    at_most: float | None = None
    absent: bool = False

    @property
    def wanted(self) -> str:
        """The expectation in a few words."""
        if self.absent:
            return "無し absent"
        parts = []
        if "equals" in self.model_fields_set:
            parts.append(f"= {json.dumps(self.equals, ensure_ascii=False)}")
        if self.contains is not None:
            parts.append(f"∋ {self.contains}")
        if self.at_least is not None:
            parts.append(f"≥ {self.at_least:g}")
        if self.at_most is not None:
            parts.append(f"≤ {self.at_most:g}")
        return ", ".join(parts) or "有り present"

    def holds(self, document: Any) -> tuple[bool, str]:
        """Whether it holds, and the value seen (short)."""
        try:
            value = value_at(document, self.pointer)
        except LookupError:
            return self.absent, "無し absent"
        seen = redact.line(json.dumps(value, ensure_ascii=False), limit=80)
        good = not self.absent
        if "equals" in self.model_fields_set:
            good = good and type(value) is type(self.equals) and value == self.equals
        if self.contains is not None:
            good = good and isinstance(value, str | list) and self.contains in value
        if self.at_least is not None:
            good = good and _number(value) and value >= self.at_least
        if self.at_most is not None:
            good = good and _number(value) and value <= self.at_most
        return good, seen


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def value_at(document: Any, pointer: str) -> Any:
    """What stands at a JSON pointer. Raises LookupError."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list):
            if not key.isdecimal():
                raise LookupError(key)
            document = document[int(key)]
        elif isinstance(document, dict):
            document = document[key]
        else:
            raise LookupError(key)
    return document


class HeaderCondition(Model):
    """One header of the answer."""

    name: str = Field(min_length=1, max_length=100)
    contains: str | None = None
    matches: Pattern | None = None
    absent: bool = False

    @model_validator(mode="after")
    def _sense(self) -> HeaderCondition:
        if self.absent and (self.contains is not None or self.matches is not None):
            raise ValueError("absent と contains/matches は一緒に書けない / absent stands alone")
        return self

    async def holds(self, answer: Answer) -> bool:
        """Whether some value of the header fulfils it."""
        values = answer.values(self.name)
        if self.absent:
            return not values
        for value in values:
            if self.contains is not None and self.contains not in value:
                continue
            if self.matches is not None and not await found(self.matches, value):
                continue
            return True
        return False


class Conditions(Protocol):
    """The fields of kind `http` that are judged here."""

    @property
    def contains(self) -> str | None: ...
    @property
    def not_contains(self) -> str | None: ...
    @property
    def matches(self) -> str | None: ...
    @property
    def not_matches(self) -> str | None: ...
    @property
    def json_conditions(self) -> tuple[JsonCondition, ...]: ...
    @property
    def headers(self) -> tuple[HeaderCondition, ...]: ...


async def mistakes(wanted: Conditions, answer: Answer) -> list[Text]:
    """Every condition that does not hold, as a sentence each."""
    body = answer.body.decode(charset(answer), "replace")
    cut = Text(" (本文は上限で切りました)", " (the body was cut at max_body)")
    more = cut if answer.truncated else Text("", "")
    faults: list[Text] = []
    if wanted.contains is not None and wanted.contains not in body:
        w = redact.line(wanted.contains, limit=60)
        faults.append(Text(f"本文に「{w}」がない{more.ja}", f"'{w}' is not in the body{more.en}"))
    if wanted.not_contains is not None and wanted.not_contains in body:
        w = redact.line(wanted.not_contains, limit=60)
        faults.append(Text(f"本文に「{w}」がある", f"'{w}' is in the body"))
    if wanted.matches is not None and not await found(wanted.matches, body):
        w = redact.line(wanted.matches, limit=60)
        faults.append(
            Text(f"本文が /{w}/ に合わない{more.ja}", f"the body does not match /{w}/{more.en}")
        )
    if wanted.not_matches is not None and await found(wanted.not_matches, body):
        w = redact.line(wanted.not_matches, limit=60)
        faults.append(Text(f"本文が /{w}/ に合う", f"the body matches /{w}/"))
    if wanted.json_conditions:
        faults += _json_mistakes(wanted.json_conditions, body, answer.truncated)
    for condition in wanted.headers:
        if not await condition.holds(answer):
            sign = "無し" if condition.absent else condition.contains or condition.matches or "有り"
            faults.append(
                Text(
                    f"ヘッダ {condition.name} が期待 ({sign}) と違う",
                    f"header {condition.name} is not as expected ({sign})",
                )
            )
    return faults


def _json_mistakes(conditions: tuple[JsonCondition, ...], body: str, truncated: bool) -> list[Text]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        if truncated:
            return [Text("JSONが max_body より大きい", "the JSON is larger than max_body")]
        return [Text("本文がJSONではない", "the body is not JSON")]
    faults = []
    for condition in conditions:
        good, seen = condition.holds(document)
        if not good:
            where, want = condition.pointer or "(全体)", redact.line(condition.wanted, limit=80)
            faults.append(
                Text(
                    f"JSON {where} は {seen} (期待 {want})",
                    f"JSON {where} is {seen}, expected {want}",
                )
            )
    return faults


_CHARSETS = {
    **dict.fromkeys(("shift_jis", "shift-jis", "x-sjis", "windows-31j", "sjis", "cp932"), "cp932"),
    **dict.fromkeys(("euc-jp", "x-euc-jp"), "euc_jp"),
    "iso-2022-jp": "iso2022_jp",
    "iso-8859-1": "latin-1",
    "utf-16": "utf-16",
}
"""Encodings we decode; the server's word picks from here and never names a codec of its own."""


def charset(answer: Answer) -> str:
    """The body's encoding; Shift_JIS still lives in city halls."""
    kind = (answer.header("Content-Type") or "").lower()
    name = kind.partition("charset=")[2].partition(";")[0].strip(" \"'")
    return _CHARSETS.get(name, "utf-8-sig")
