"""What people say and sign about copies: a provider's report (申告), the opening of the sealed things. Pure.

Kinds: `backup.attested` (a report for a period, kept by its digest), `backup.escrow` (封印物: the sealed
password, key and config opened the copy, or did not; the second person's signature). The owner's
acceptance (level 5) is a `backup.evidence` like any other rung. Names of files and remarks are values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backups.restorerecord import Result
from bcp.journal.canonical import Json
from bcp.journal.entry import Entry, NewEntry
from bcp.kit.units import from_us, to_us

ATTESTED, ESCROW = "backup.attested", "backup.escrow"


@dataclass(frozen=True, slots=True)
class Attestation:
    """A report somebody else made about their copies, and who took it over (受理)."""

    set: str
    at: datetime
    digest: str
    """SHA-256 of the report; its bytes lie in the evidence store."""
    size: int
    begin: datetime
    end: datetime
    """The period the report speaks of."""
    copy_time: datetime | None = None
    """Of the newest good copy, as the report says."""
    by: str = ""
    """Who accepted it."""
    name: str = ""
    note: str = ""
    seq: int = -1

    def entry(self) -> NewEntry:
        """The log entry."""
        detail: dict[str, Json] = {
            "set": self.set,
            "report": self.digest,
            "size": self.size,
            "begin_us": to_us(self.begin),
            "end_us": to_us(self.end),
            "copy_us": to_us(self.copy_time) if self.copy_time else None,
        }
        said = {"name": self.name, "note": self.note}
        values = {key: value for key, value in said.items() if value}
        subject = f"backup/{self.set}"
        return NewEntry(ATTESTED, subject, detail, None, self.at, values, evidence=(self.digest,))


@dataclass(frozen=True, slots=True)
class Escrow:
    """The sealed things were tried on a copy (`signs` empty), or that trial was signed."""

    set: str
    repository: str
    at: datetime
    run: str
    result: Result
    reason: str = ""
    materials: str = "password"
    """`password` alone, or `whole`: with the sealed key file and config."""
    signs: bool = False
    by: str = ""
    seq: int = -1
    role: str = ""
    """The role of the plan it is signed in; empty: any second person's."""
    last: bool = True
    """With this signature all are there that the plan asked for."""

    def entry(self) -> NewEntry:
        """The log entry."""
        detail: dict[str, Json] = {
            "set": self.set,
            "repository": self.repository,
            "run": self.run,
            "result": self.result.value,
            "reason": self.reason,
            "materials": self.materials,
            "signs": self.signs,
        }
        if self.role:
            detail |= {"role": self.role, "last": self.last}
        return NewEntry(ESCROW, f"backup/{self.set}/{self.repository}", detail, None, self.at)


def read(entry: Entry) -> Attestation | Escrow | None:
    """The record in an entry; None for kinds of others."""
    d: Mapping[str, Any] = entry.detail
    if entry.kind == ATTESTED:
        copy_us = d["copy_us"]
        return Attestation(
            d["set"],
            entry.occurred_at,
            d["report"],
            d["size"],
            from_us(d["begin_us"]),
            from_us(d["end_us"]),
            from_us(copy_us) if copy_us is not None else None,
            entry.actor.id,
            seq=entry.seq,
        )
    if entry.kind == ESCROW:
        return Escrow(
            d["set"],
            d["repository"],
            entry.occurred_at,
            d["run"],
            Result(d["result"]),
            d["reason"],
            d["materials"],
            d["signs"],
            entry.actor.id,
            entry.seq,
            d.get("role", ""),
            d.get("last", True),
        )
    return None
