"""Taking over a changed plan without holding the loop: read elsewhere, rebuilt here in slices.

A spawned worker reads and checks everything (YAML of ten thousand checks holds the interpreter for
seconds); what comes back is a list of small JSON documents that passed, so that each is validated
again in microseconds and the loop breathes in between. A bad plan changes nothing.
"""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bcp.kit.clock import Clock
from bcp.kit.language import Text
from bcp.plan.marks import Fault, PlanInvalid
from bcp.service.plan import CITY, LISTS, SECTIONS, Plan, load
from bcp.watch.slices import Slices
from probes import kinds
from runbooks.book import Book, canonical
from runbooks.form import RUNBOOK


@dataclass(frozen=True, slots=True)
class Portable:
    """A checked plan in pieces that travel between processes cheaply."""

    city: bytes
    checks: bytes
    """A line each, `KIND JSON`: one block is copied in no time, ten thousand pieces hold the loop."""
    lists: dict[str, tuple[bytes, ...]]
    sections: dict[str, bytes]
    runbooks: tuple[bytes, ...]
    blocked: tuple[tuple[str, str, str], ...]
    files: dict[str, bytes]
    digest: str
    kept: bytes
    personal: dict[str, str]
    confidential: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A plan taken over: its digest, and the sections that wait for a restart."""

    digest: str
    needs_restart: tuple[str, ...]


def read_portable(root: str, today: str) -> Portable | tuple[Fault, ...]:
    """In the worker process: the plan in pieces, or every fault."""
    try:
        plan = load(Path(root), date.fromisoformat(today))
    except PlanInvalid as error:
        return tuple(error.faults)
    return Portable(
        city=CITY.dump_json(plan.city, by_alias=True),
        checks=b"\n".join(
            f"{check.kind} {check.model_dump_json(by_alias=True)}".encode() for check in plan.checks
        ),
        lists={
            key: tuple(adapter.dump_json(item, by_alias=True) for item in getattr(plan, key))
            for key, adapter in LISTS.items()
        },
        sections={
            key: SECTIONS[key].dump_json(getattr(plan, key), by_alias=True)
            for key in ("access", "log", "announcements")
        },
        runbooks=tuple(canonical(runbook) for runbook in plan.book),
        blocked=tuple((id, why.ja, why.en) for id, why in plan.blocked.items()),
        files=dict(plan.files),
        digest=plan.digest,
        kept=plan.kept,
        personal=dict(plan.personal),
        confidential=plan.confidential,
    )


async def assemble(portable: Portable, clock: Clock) -> Plan:
    """The plan again, in slices of at most 5 ms."""
    slices = Slices(clock)

    async def each(adapter: TypeAdapter[Any], items: tuple[bytes, ...]) -> tuple[Any, ...]:
        made = []
        for item in items:
            made.append(adapter.validate_json(item))
            if slices.due():
                await asyncio.sleep(0)
        return tuple(made)

    adapters = {kind: TypeAdapter(model) for kind, model in kinds().items()}
    checks = []
    for line in io.BytesIO(portable.checks):
        kind, _space, data = line.partition(b" ")
        checks.append(adapters[kind.decode()].validate_json(data))
        if slices.due():
            await asyncio.sleep(0)
    lists = {key: await each(LISTS[key], items) for key, items in portable.lists.items()}
    return Plan(
        city=CITY.validate_json(portable.city),
        checks=tuple(checks),
        blocked={id: Text(ja, en) for id, ja, en in portable.blocked},
        book=Book(await each(RUNBOOK, portable.runbooks)),
        access=SECTIONS["access"].validate_json(portable.sections["access"]),
        log=SECTIONS["log"].validate_json(portable.sections["log"]),
        announcements=SECTIONS["announcements"].validate_json(portable.sections["announcements"]),
        files=portable.files,
        digest=portable.digest,
        kept=portable.kept,
        personal=portable.personal,
        confidential=portable.confidential,
        **lists,
    )


def needs_restart(started: Plan, new: Plan) -> tuple[str, ...]:
    """Sections that changed since the start and are only read then: doors, routes, keys, this node."""
    changed = [
        key for key in ("access", "notify", "log") if getattr(started, key) != getattr(new, key)
    ]
    node, other = started.city.node, new.city.node
    changed += [
        f"node.{key}"
        for key in ("id", "host_roots", "ca_file")
        if getattr(node, key) != getattr(other, key)
    ]
    return tuple(changed)
