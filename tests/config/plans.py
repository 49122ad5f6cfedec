"""The sample plans, read by the rooms' own models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter

import probes.availability
import probes.confidentiality
from backups.model import Backups
from backups.model import cross_check as check_backups
from bcp.plan.crosscheck import cross_check
from bcp.plan.loader import Source, read_source, validate
from bcp.plan.marks import Fault, Tree
from bcp.plan.model import City
from bcp.watch.check import Check
from bcp.watch.registry import find_kinds
from tests.config.dashboard_expressions import ROOT

CONFIG = ROOT / "config"
KINDS = find_kinds([probes.availability, probes.confidentiality])


@dataclass(frozen=True)
class Sample:
    """One sample plan as values, with every fault found on the way."""

    city: City
    checks: tuple[Check, ...]
    backups: Backups
    source: Source
    faults: tuple[Fault, ...]

    @property
    def tree(self) -> Tree:
        return self.source.tree

    @property
    def data(self) -> Mapping[str, Any]:
        assert isinstance(self.source.tree.data, dict)
        return self.source.tree.data

    def texts(self) -> Mapping[str, str]:
        return {name: content.decode() for name, content in self.source.files.items()}


@cache
def sample(name: str) -> Sample:
    """Read `config/NAME`."""
    source = read_source(CONFIG / name)
    tree, data = source.tree, source.tree.data
    assert isinstance(data, dict)
    faults = list(source.faults)
    own = {key: data[key] for key in City.model_fields if key in data}
    city, found = validate(TypeAdapter(City), tree, (), own)
    faults += found
    assert city is not None, "\n".join(map(str, faults))
    faults += cross_check(city, tree)
    checks: list[Check] = []
    for index, row in enumerate(data.get("checks", [])):
        adapter: TypeAdapter[Any] = TypeAdapter(KINDS[row["kind"]])
        check, found = validate(adapter, tree, ("checks", index), row)
        faults += found
        if check is not None:
            checks.append(check)
    rows = data.get("backups", [])
    sets: TypeAdapter[Any] = TypeAdapter(Backups)
    backups, found = validate(sets, tree, ("backups",), rows)
    faults += [*found, *check_backups(backups or (), city, tree)]
    return Sample(city, tuple(checks), backups or (), source, tuple(faults))
