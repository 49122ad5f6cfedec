"""What people did around the steps: alone or in two, handed over, typed in late, promised. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

from bcp.journal.entry import Entry
from bcp.kit.units import from_us
from runbooks.folding import PREFIX
from runbooks.proofstate import Estimate
from runbooks.report.goalrows import Goals
from runbooks.report.material import ANNOUNCED, ERASED, Material, in_time, late


@dataclass(frozen=True, slots=True)
class AloneRow:
    """単独実施: one person where two were asked."""

    at: datetime
    kind: str
    subject: str
    by: str
    reason: str
    signed_by: str
    signed_at: datetime | None
    owed: bool
    """A countersignature is asked for and missing."""


@dataclass(frozen=True, slots=True)
class HandRow:
    """引継ぎ of the command."""

    offered_at: datetime | None
    by: str
    to: str
    at: datetime | None
    """When it took effect; None: withdrawn, or still waiting."""
    how: Literal["both", "alone", "told", "withdrawn", "waiting"]
    words: str


@dataclass(frozen=True, slots=True)
class LateRow:
    """後入力: when it happened, when it was typed, who did it and who typed."""

    seq: int
    at: datetime
    recorded_at: datetime
    kind: str
    subject: str
    did: str
    typed_by: str
    mode: str
    sheet: str

    @property
    def delay(self) -> timedelta:
        """From the deed to the entry."""
        return self.recorded_at - self.at


@dataclass(frozen=True, slots=True)
class EstimateRow:
    """見込み: who said when, how far it slipped from the one before, what came of it."""

    said: Estimate
    name: str
    slip: timedelta | None
    """Against the estimate before it; None for the first, or where one of them was 未定."""
    missed: timedelta | None
    """Real first green minus this estimate."""


@dataclass(frozen=True, slots=True)
class PartRow:
    """Level, scope, onset, parts: how the frame of the event was stated, and by whom."""

    at: datetime
    kind: str
    subject: str
    level: int | None
    instant: datetime | None
    """Onset or intrusion as stated."""
    named: tuple[str, ...]
    """Systems, services, sites: the scope, the part, or what was waived."""
    by: str
    words: str


def alone_rows(material: Material) -> tuple[AloneRow, ...]:
    """Everything done alone where two were asked, and who looked at it afterwards."""
    runs, changes = material.incident.automations, material.incident.changes
    signed: dict[tuple[str, str], Entry] = {}
    for entry in material.of("run_countersigned", "run_confirmed", "change_countersigned"):
        key = entry.detail.get("run", entry.subject)
        signed[(entry.kind.removeprefix(PREFIX).split("_")[0], key)] = entry
    rows = []
    for entry in in_time(material.own):
        word = entry.kind.removeprefix(PREFIX)
        if not (entry.detail.get("alone") or word == "hand_over_alone"):
            continue
        kind = word.split("_")[0]
        key = str(entry.detail.get("run", entry.subject))
        by = signed.get((kind, key))
        owed = (kind == "run" and key in runs and runs[key].owes_countersign) or (
            kind == "change" and key in changes and not changes[key].signed
        )
        rows.append(
            AloneRow(
                entry.occurred_at,
                word,
                entry.subject,
                entry.actor.id,
                _why_alone(material, entry),
                by.actor.id if by is not None else "",
                by.occurred_at if by is not None else None,
                owed,
            )
        )
    return tuple(rows)


def _why_alone(material: Material, entry: Entry) -> str:
    """The reason; never the whole text of an announcement."""
    said = material.word(entry.seq, "alone") or material.word(entry.seq, "reason")
    if said or entry.kind.startswith(ANNOUNCED):
        return said or ERASED
    return material.words(entry)


def hand_rows(material: Material) -> tuple[HandRow, ...]:
    """Offered, confirmed, withdrawn, or done by one side alone."""
    rows: list[HandRow] = []
    offer: Entry | None = None
    kinds = ("offered", "confirmed", "withdrawn", "alone")
    asked = {f"{PREFIX}hand_over_{kind}" for kind in kinds} | {PREFIX + "hand_over"}
    for entry in (one for one in material.own if one.kind in asked):
        word = entry.kind.removeprefix(PREFIX + "hand_over")
        if word == "_offered":
            offer = entry
            continue
        rows.append(_hand(material, entry, offer, word))
        offer = None
    if offer is not None:
        to = str(offer.detail["to"])
        words = material.words(offer)
        rows.append(HandRow(offer.occurred_at, offer.actor.id, to, None, "waiting", words))
    return tuple(rows)


def _hand(material: Material, entry: Entry, offer: Entry | None, word: str) -> HandRow:
    said = [material.words(one) for one in (offer, entry) if one is not None]
    words = " / ".join(text for text in said if text)
    offered = offer.occurred_at if offer is not None else None
    detail = entry.detail if "to" in entry.detail else offer.detail if offer is not None else {}
    by = str(entry.detail.get("from") or (offer.actor.id if offer else entry.actor.id))
    to = str(detail.get("to", ""))
    if word == "_withdrawn":
        return HandRow(offered, by, to, None, "withdrawn", words)
    how: Literal["both", "alone", "told"] = (
        "both" if word == "_confirmed" else "alone" if word == "_alone" else "told"
    )
    return HandRow(offered, by, to, entry.occurred_at, how, words)


def late_rows(material: Material) -> tuple[LateRow, ...]:
    """In the order in which things happened."""
    return tuple(
        LateRow(
            entry.seq,
            entry.occurred_at,
            entry.recorded_at,
            word_of(entry),
            entry.subject,
            str(entry.detail.get("did") or material.word(entry.seq, "doer") or ""),
            entry.actor.id,
            str(entry.detail.get("mode", "")),
            str(entry.detail.get("sheet") or ""),
        )
        for entry in in_time(one for one in material.own if late(one))
    )


def word_of(entry: Entry) -> str:
    """The word a kind is known by in the catalogue."""
    if entry.kind.startswith(ANNOUNCED):
        return entry.kind.replace(".", "_")
    return entry.kind.removeprefix(PREFIX)


def middle(delays: list[timedelta]) -> timedelta | None:
    """The median, to the second."""
    if not delays:
        return None
    return timedelta(seconds=round(median(delay.total_seconds() for delay in delays)))


def estimate_rows(material: Material, found: Goals) -> tuple[EstimateRow, ...]:
    """By system and service, oldest first; slips stay visible (R-72)."""
    names, real = _real(found)
    rows: list[EstimateRow] = []
    before: dict[tuple[str, str], Estimate] = {}
    for said in sorted(material.incident.estimates, key=lambda e: (e.kind, e.id, e.said_at, e.seq)):
        key = (said.kind, said.id)
        last = before.get(key)
        slip = None
        if last is not None and last.eta is not None and said.eta is not None:
            slip = said.eta - last.eta
        at = real.get(key)
        missed = at - said.eta if at is not None and said.eta is not None else None
        rows.append(EstimateRow(said, names.get(key, said.id), slip, missed))
        before[key] = said
    return tuple(rows)


def _real(
    found: Goals,
) -> tuple[Mapping[tuple[str, str], str], Mapping[tuple[str, str], datetime | None]]:
    names = {("system", row.system): row.name for row in found.systems}
    names |= {("service", row.target.service): row.target.name for row in found.services}
    real = {
        ("system", row.target.system): row.target.attained_at
        for row in found.levels
        if row.required
    }
    real |= {("service", row.target.service): row.target.attained_at for row in found.services}
    return names, real


_FRAME = (
    "declared",
    "level_changed",
    "scope_changed",
    "onset_corrected",
    "ratified",
    "overruled",
    "part_ended",
    "part_resumed",
    "restored",
    "relapsed",
    "stand_down_started",
    "stood_down",
    "cancelled",
    "preempted",
    "intrusion_dated",
)


def part_rows(material: Material) -> tuple[PartRow, ...]:
    """History of onset, level, scope and parts: the last counts, none is forgotten."""
    return tuple(
        PartRow(
            entry.occurred_at,
            word_of(entry),
            entry.subject,
            entry.detail.get("level"),
            _instant(entry),
            _named(entry),
            entry.actor.id,
            material.words(entry),
        )
        for entry in material.of(*_FRAME)
    )


def _instant(entry: Entry) -> datetime | None:
    said = next((entry.detail[key] for key in _INSTANTS if key in entry.detail), None)
    return from_us(said) if said is not None else None


_INSTANTS = ("onset_us", "intrusion_us")


def _named(entry: Entry) -> tuple[str, ...]:
    if "kind" in entry.detail:
        return (f"{entry.detail['kind']}:{entry.subject}",)
    keys = ("systems", "services", "sites", "waived")
    return tuple(
        f"{key.removesuffix('s')}:{id}" for key in keys for id in entry.detail.get(key) or ()
    )
