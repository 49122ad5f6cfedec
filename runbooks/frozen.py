"""The plan and the book as they stood at a declaration: one document in the evidence store.

An edit of the plan never changes a running event (R-86). People are reduced to their ids: names and
telephone numbers must not enter a store that is exported and proven for ever.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from bcp.kit.errors import BcpError
from bcp.plan.model import City, Person
from runbooks.book import Book, canonical
from runbooks.form import RUNBOOK

FORMAT = 1


@dataclass(frozen=True)
class Frozen:
    """What a running event is worked by."""

    city: City
    book: Book


def freeze(city: City, book: Book) -> bytes:
    """The bytes to keep; equal input, equal bytes."""
    nameless = city.model_copy(
        update={"people": tuple(Person(id=person.id, name=person.id) for person in city.people)}
    )
    document = {
        "format": FORMAT,
        "city": nameless.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "runbooks": [json.loads(canonical(runbook)) for runbook in book],
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def thaw(data: bytes) -> Frozen:
    """The inverse of `freeze`. Raises BcpError when a newer program wrote it."""
    document = json.loads(data)
    if document.get("format") != FORMAT:
        raise BcpError(
            "凍結した計画の形式が違います / a frozen plan of another format",
            expected=str(FORMAT),
            got=str(document.get("format")),
            next_step="新しい版の ict-bcp で開く / open it with a newer ict-bcp",
        )
    runbooks = tuple(RUNBOOK.validate_json(json.dumps(item)) for item in document["runbooks"])
    return Frozen(City.model_validate_json(json.dumps(document["city"])), Book(runbooks))
