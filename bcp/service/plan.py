"""The whole plan as frozen values, and how one is read: shape, names, zones, permissions.

`load` does everything at once (start, check-config). For a reload of a large plan `portable` runs
in a worker process and `assemble` rebuilds its result in slices, so that the loop is never held.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from backups.care import care_ids
from backups.ladder import derived_ids
from backups.model import AnySet, Backups
from backups.model import cross_check as check_backups
from backups.systems import rpo_ids
from bcp.kit.language import Text
from bcp.plan.crosscheck import cross_check
from bcp.plan.loader import Source, parse_files, read_source, unknown, validate
from bcp.plan.marks import Fault, PlanInvalid, Tree, dotted
from bcp.plan.model import City
from bcp.service import keeping, rules
from bcp.service.sections import Access, Announcements, Log
from bcp.watch.check import Check
from bcp.watch.routes import NotifyRoute
from bcp.watch.values import Pillar
from probes import kinds
from runbooks import book as books

CITY = TypeAdapter(City)
SECTIONS: Mapping[str, TypeAdapter[Any]] = {
    "access": TypeAdapter(Access),
    "log": TypeAdapter(Log),
    "announcements": TypeAdapter(Announcements),
    "runbooks": TypeAdapter(books.RunbooksSection),
}
LISTS: Mapping[str, TypeAdapter[Any]] = {
    "backups": TypeAdapter(AnySet),
    "notify": TypeAdapter(NotifyRoute),
}
TOP_KEYS = (*City.model_fields, "checks", *LISTS, *SECTIONS)


@dataclass(frozen=True, slots=True)
class Plan:
    """An accepted plan; incidents fold against the one they froze."""

    city: City
    checks: tuple[Check, ...]
    blocked: Mapping[str, Text]
    """Checks that do not run, and the sentence that says why (no permission, expired)."""
    backups: Backups
    book: books.Book
    notify: tuple[NotifyRoute, ...]
    access: Access
    log: Log
    announcements: Announcements
    files: Mapping[str, bytes]
    digest: str
    kept: bytes
    """What is kept for ever, people's texts taken out (`service.keeping`); `digest` is its SHA-256."""
    personal: Mapping[str, str] = field(repr=False)
    """These texts: value name -> JSON."""
    confidential: tuple[str, ...]
    """Ids of the checks on confidentiality: looked for once, few among many thousands."""

    def blocked_by(self, blocked: Mapping[str, Text]) -> Plan:
        """The same plan on another day: other permissions hold."""
        return replace(self, blocked=blocked)


class Draft:
    """A plan being read: parts found so far and every fault."""

    def __init__(self, source: Source, today: date) -> None:
        self.source, self.tree, self.today = source, source.tree, today
        self.faults: list[Fault] = list(source.faults)
        self.data: dict[str, Any] = source.tree.data  # type: ignore[assignment]
        self.kinds = {kind: TypeAdapter(model) for kind, model in kinds().items()}
        self.parts: dict[str, Any] = {}
        self.files = dict(source.files)

    def take(self, adapter: TypeAdapter[Any], path: tuple[str | int, ...], data: Any) -> Any:
        """Validate one part; its faults are kept, None comes back."""
        value, found = validate(adapter, self.tree, path, data)
        self.faults += found
        return value

    def read(self) -> None:
        """Every section against its model."""
        for key in self.data:
            if key not in TOP_KEYS:
                place = self.tree.mark((key,))
                self.faults.append(Fault(place, key, unknown(key, TOP_KEYS, "key")))
        city = {key: self.data[key] for key in City.model_fields if key in self.data}
        self.parts["city"] = self.take(CITY, (), city)
        for key, adapter in SECTIONS.items():
            given = self.data.get(key)
            self.parts[key] = self.take(adapter, (key,), {} if given is None else given)
        for key, adapter in LISTS.items():
            rows = [self.take(adapter, (key, i), row) for i, row in self._rows(key)]
            self.parts[key] = tuple(row for row in rows if row is not None)
        checks = [self._check(i, row) for i, row in self._rows("checks")]
        self.parts["checks"] = tuple((i, c) for i, c in checks if c is not None)
        self.parts["book"] = self._book()

    def _rows(self, key: str) -> Iterator[tuple[int, Any]]:
        rows = self.data.get(key)
        if rows is None:
            return
        if not isinstance(rows, list):
            message = "一覧 (- で始まる行) で書く / must be a list"
            self.faults.append(Fault(self.tree.mark((key,)), key, message))
            return
        yield from enumerate(rows)

    def _check(self, index: int, row: Any) -> tuple[int, Check | None]:
        kind = row.get("kind") if isinstance(row, dict) else None
        adapter = self.kinds.get(kind) if isinstance(kind, str) else None
        if adapter is None:
            path = ("checks", index, "kind")
            message = (
                unknown(str(kind), self.kinds, "kind")
                if kind
                else "kind が必要です / kind is required"
            )
            self.faults.append(Fault(self.tree.mark(path), dotted(path), message))
            return index, None
        return index, self.take(adapter, ("checks", index), row)

    def _book(self) -> books.Book:
        """The plan's own runbooks and the shipped ones it takes; these join the plan's files."""
        book, found = books.load(self.source.runbooks)
        self.faults += found
        section: books.RunbooksSection | None = self.parts.get("runbooks")
        if section is None or not section.library:
            return book
        shipped, found = books.shipped()
        self.faults += found
        known = [runbook.id for runbook in shipped]
        if section.library != "all":
            for place, name in enumerate(section.library):
                if name not in known:
                    path = ("runbooks", "library", place)
                    self.faults.append(
                        Fault(self.tree.mark(path), dotted(path), unknown(name, known))
                    )
        joined = book.joined(shipped, section.library)
        for runbook in joined:
            name = joined.trees[runbook.id].file
            if book.get(runbook.id) is None:
                self.files[name] = (files("runbooks") / name).read_bytes()
        return joined

    def finish(self) -> Plan | None:
        """Cross-check the rooms against each other; None when anything is wrong."""
        city: City | None = self.parts["city"]
        if city is None:
            return None
        self.faults += cross_check(city, self.tree)
        checks = rules.all_checks(city, self.parts["checks"], kinds())
        sets = self.parts["backups"]
        ids = {check.id for _i, check in checks}
        ids |= {*derived_ids(sets), *care_ids(sets), *rpo_ids(city, sets)}
        self.faults += rules.check_faults(city, checks, self.tree)
        self.faults += rules.together_faults(checks, self.tree)
        self.faults += check_backups(self.parts["backups"], city, self.tree)
        self.faults += rules.proof_faults(city, ids, self.tree)
        if self.faults:
            return None
        kept, people = keeping.split(self.data, self.parts["book"].trees)
        return Plan(
            city=city,
            checks=tuple(check for _i, check in checks),
            blocked=rules.blocked(city, (check for _i, check in checks), self.today),
            backups=self.parts["backups"],
            book=self.parts["book"],
            notify=self.parts["notify"],
            access=self.parts["access"],
            log=self.parts["log"],
            announcements=self.parts["announcements"],
            files=self.files,
            digest=hashlib.sha256(kept).hexdigest(),
            kept=kept,
            personal=people,
            confidential=tuple(c.id for _i, c in checks if c.pillar is Pillar.CONFIDENTIALITY),
        )


def load(root: Path, today: date) -> Plan:
    """Read a plan folder. Raises `PlanInvalid` with every fault at once, `UsageError` if absent."""
    return _plan(read_source(root), today, str(root))


def load_files(kept: Mapping[str, bytes], today: date) -> Plan:
    """The same from files in memory."""
    return _plan(parse_files(kept), today, "memory")


def load_kept(kept: bytes, values: Mapping[str, str], today: date) -> Plan:
    """The same for an accepted plan from the evidence store; what was erased reads 消去済."""
    plan = _plan(keeping.parse(kept, values), today, "evidence")
    return replace(plan, digest=hashlib.sha256(kept).hexdigest(), kept=kept)


def _plan(source: Source, today: date, where: str) -> Plan:
    draft = Draft(source, today)
    draft.read()
    plan = draft.finish()
    if plan is None:
        raise PlanInvalid(draft.faults, where)
    return plan


def _arms(model: Any) -> list[Any]:
    """The models of a tagged union, or the model itself."""
    inner = get_args(model)
    return list(get_args(inner[0])) or [inner[0]] if inner else [model]


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a plan file, for editors."""
    many = {
        "checks": list(kinds().values()),
        "backups": _arms(AnySet),
        "notify": _arms(NotifyRoute),
    }
    one = {
        "access": Access,
        "log": Log,
        "announcements": Announcements,
        "runbooks": books.RunbooksSection,
    }
    models = [City, *one.values(), *(arm for arms in many.values() for arm in arms)]
    refs, schema = models_json_schema([(model, "validation") for model in models])
    definitions = schema["$defs"]

    def ref(model: Any) -> dict[str, Any]:
        return dict(refs[(model, "validation")])

    properties = dict(definitions[ref(City)["$ref"].rsplit("/", 1)[-1]]["properties"])
    for key, arms in many.items():
        properties[key] = {"type": "array", "items": {"oneOf": [ref(arm) for arm in arms]}}
    properties |= {key: ref(model) for key, model in one.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ict-bcp plan",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "$defs": definitions,
    }


def trees_of(plan: Plan) -> Tree:
    """The plan's tree again, with its places: for lint of runbooks against the city."""
    return parse_files(plan.files).tree
