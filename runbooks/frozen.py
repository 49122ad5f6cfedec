"""The plan and the book as they stood at a declaration: one document in the evidence store.

An edit of the plan never changes a running event (R-86). People are reduced to their ids, and where
another text (a step that says whom to call) holds a name or number of theirs, that becomes a value of
the declaring entry (`bcp.plan.personal`): it can be erased, and the event goes on with 消去済 there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bcp.kit.errors import BcpError
from bcp.plan import personal
from bcp.plan.model import City, Person
from runbooks.book import Book, canonical
from runbooks.form import RUNBOOK

FORMAT = 2


@dataclass(frozen=True)
class Frozen:
    """What a running event is worked by."""

    city: City
    book: Book


def freeze(city: City, book: Book) -> tuple[bytes, Mapping[str, str]]:
    """The bytes to keep (equal input, equal bytes), and the values of people they stand without."""
    nameless = city.model_copy(
        update={"people": tuple(Person(id=person.id, name=person.id) for person in city.people)}
    )
    document = {
        "format": FORMAT,
        "city": nameless.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "runbooks": [json.loads(canonical(runbook)) for runbook in book],
    }
    found = personal.split(document, [person.model_dump(mode="json") for person in city.people])
    text = json.dumps(found.document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode(), found.values


def thaw(data: bytes, values: Mapping[str, str]) -> Frozen:
    """The inverse of `freeze`. Raises BcpError when a newer program wrote it."""
    document = json.loads(data)
    if document.get("format") not in (1, FORMAT):
        raise BcpError(
            "凍結した計画の形式が違います / a frozen plan of another format",
            expected=str(FORMAT),
            got=str(document.get("format")),
            next_step="新しい版の ict-bcp で開く / open it with a newer ict-bcp",
        )
    if document["format"] == FORMAT:  # before, nothing was taken out of it
        document = personal.join(document, values)
    runbooks = tuple(RUNBOOK.validate_json(json.dumps(item)) for item in document["runbooks"])
    return Frozen(City.model_validate_json(json.dumps(document["city"])), Book(runbooks))
