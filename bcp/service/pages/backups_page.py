"""`/backups`: per set and copy, how far up the ladder of evidence it stands. Proof, not claims.

Everything comes from the room's own record (`backups.figures`): when each rung was proven, of which
snapshot, until when it counts. What a provider attests is shown as 申告, in other words and another
frame than what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from backups import figures, ordered
from backups.care import Concern
from backups.digits import ground_of
from backups.figures import CopyStatus, SetStatus
from backups.files.model import FilesSet
from backups.guided import INTERRUPTED
from backups.model import AttestedSet, BackupSet, ProvenCopy, ProvenSet
from backups.record import Custody, Result
from backups.speed import Estimate
from backups.standing import Rung as Proof
from backups.statements import Attestation, Escrow
from bcp.kit.language import catalogue, text
from bcp.plan.model import City
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.pictures.ladder import Rung, RungState, ladder
from bcp.service.pages.pictures.svg import Picture
from bcp.service.pages.render import Words
from bcp.service.pages.respond import Answer, Page, Pages
from bcp.service.pages.visit import Visit
from bcp.watch.values import Status

_LOOKS: Mapping[RungState, str] = {
    "proven": "pass",
    "weak": "degraded",
    "stale": "unknown",
    "never": "not_checked",
    "failed": "fail",
    "unknown": "unknown",
}


_OFFERED = 60
"""Snapshots offered on the page; older ones from a terminal."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rung as a line of the table."""

    proof: Proof
    state: RungState

    @property
    def level(self) -> int:
        """0 to 5."""
        return self.proof.level

    @property
    def looks(self) -> str:
        """The state as the style sheet knows it."""
        return _LOOKS[self.state]


@dataclass(frozen=True, slots=True)
class Restored:
    """The end of a restore for real."""

    at: datetime
    snapshot_time: datetime
    looks: str
    result: str
    """`good`, `bad`, `inconclusive`."""
    folder: Path | None
    """Where it lies, for one begun from the page."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a set."""

    repository: ProvenCopy
    site: str
    picture: Picture
    steps: tuple[Step, ...]
    restore: timedelta | None
    """Measured by the last good restore test."""
    busy: str
    """What is being done now, in words; empty: nothing."""
    anomalies: tuple[str, ...]
    """In words: how repository and custody record disagree."""
    concerns: tuple[Concern, ...]
    """What beside the ladder needs a person."""
    newest: datetime | None
    """The newest snapshot on record."""
    place: str
    """Hazard zones of its site."""
    attached: datetime | None
    """An offline copy: when it was last attached and agreed with its record."""
    listing: str
    """Digest of what it held then; empty: not known."""
    escrow: Escrow | None
    """A good trial of the sealed things that waits for its signatures."""
    signers: str
    """The roles that have not signed it; empty: any second person."""
    stopped: datetime | None
    """Time of the snapshot whose restore was cut off; it can be begun again."""

    restorable: tuple[Custody, ...]
    """What may be restored from this page, the newest first; empty: nothing, or not from here."""
    restored: Restored | None
    """How the last restore for real ended."""
    ordered: bool
    """A restore was asked for and has not ended."""
    not_begun: str
    """Why the last restore asked for could not be carried out."""

    @property
    def can_accept(self) -> bool:
        """Restored and equal: its owner may say that it is fit for work."""
        return any(step.level == 4 and step.state in ("proven", "weak") for step in self.steps)


@dataclass(frozen=True, slots=True)
class Figure:
    """One of 3-2-1-1-0, on proven copies alone."""

    wanted: int
    name: str
    shown: str
    looks: str


@dataclass(frozen=True, slots=True)
class SetRow:
    """One backup set."""

    set: ProvenSet
    system: str
    copies: tuple[Copy, ...]
    figures: tuple[Figure, ...]
    estimate: Estimate | None

    @property
    def product(self) -> str:
        """The product that makes the copies; empty: this program does."""
        return self.set.product if isinstance(self.set, FilesSet) else ""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a provider says of its copies, and who took that over."""

    item: AttestedSet
    system: str
    report: Attestation | None
    until: datetime | None
    """By when the next report must be here."""
    by: str


def routes(pages: Pages) -> list[Route]:
    """The page."""
    return [pages.route("GET", "/backups", Permission.READ, every_set)]


async def every_set(visit: Visit) -> Answer:
    """The page as it is asked for."""
    return await backups_page(visit)


async def backups_page(visit: Visit, wrong: str = "") -> Answer:
    """Every set. `wrong`: what was typed wrong, said on top of the page."""
    city, found = visit.house.city, _status(visit)
    covered = {s.system for s in visit.house.backups}
    rows = [_row(one, visit) for one in found.sets]
    values = {
        "rows": rows,
        "ripe": [
            (row.set.id, copy.repository.id, f"{row.set.name or row.set.id} → {copy.site}")
            for row in rows
            for copy in row.copies
            if copy.can_accept
        ],
        "attested": [_claim(one, visit) for one in found.attested],
        "bare": [s for s in city.systems if s.id not in covered],
        "paused": found.paused,
    }
    return Page(
        "backups.html", {**values, "wrong": wrong}, status=400 if wrong else 200, live=not wrong
    )


def _claim(one: AttestedSet, visit: Visit) -> Claim:
    said = visit.house.room.attestation(one.id)
    until = said.end + one.report_within if said is not None else None
    who = visit.called(said.by) if said is not None else ""
    return Claim(one, _system(visit.house.city, one.system), said, until, who)


def set_rows(visit: Visit, system: str) -> list[SetRow]:
    """The sets of one system."""
    return [_row(one, visit) for one in _status(visit).sets if one.set.system == system]


def _status(visit: Visit) -> figures.Status:
    return figures.status(visit.house.room, ground_of(visit.house.city, visit.now))


def _row(one: SetStatus, visit: Visit) -> SetRow:
    words, city = Words(visit.lang, visit.now), visit.house.city
    found = tuple(
        Figure(
            d.wanted,
            words.t(f"digit_{d.name}"),
            d.shown,
            "not_checked" if d.holds is None else "pass" if d.holds else "fail",
        )
        for d in one.digits
    )
    base = one.set.restore_to if isinstance(one.set, BackupSet) else None
    into = Path(base) if base is not None and visit.may(Permission.OPERATE) else None
    copies = tuple(_copy(copy, city, words, into) for copy in one.copies)
    return SetRow(one.set, _system(city, one.set.system), copies, found, one.estimate)


def _copy(copy: CopyStatus, city: City, words: Words, into: Path | None) -> Copy:
    steps = tuple(Step(proof, state_of(proof, words.now)) for proof in copy.rungs)
    drawn = [Rung(step.level, step.state, step.proof.at) for step in steps]
    site = city.site(copy.repository.site) if copy.repository.site else None
    return Copy(
        copy.repository,
        site.name if site else words.t("state_unset"),
        ladder(drawn, words.now, words.lang),
        steps,
        _restore(copy),
        _busy(copy, words),
        tuple(_anomaly(kind, words) for kind in copy.anomalies),
        copy.concerns,
        copy.newest.time if copy.newest else None,
        "・".join(site.hazard_zones or ()) if site else "",
        attached(copy),
        (copy.listing or "")[:12],
        copy.unsigned,
        "・".join(role.name if (role := city.role(id)) else id for id in copy.unsigned_roles),
        _stopped(copy),
        copy.restorable[:_OFFERED] if into is not None else (),
        _restored(copy, into),
        copy.ordered,
        _why(copy),
    )


def attached(copy: CopyStatus) -> datetime | None:
    """When an offline copy was last reached and could be judged; None: never."""
    first = next(rung for rung in copy.rungs if rung.level == 1)
    seen = first.evidence is not None and not first.evidence.inconclusive
    return first.at if copy.repository.offline and seen else None  # out of reach is not attached


def _stopped(copy: CopyStatus) -> datetime | None:
    last = copy.last_restore
    return last.snapshot_time if last is not None and last.reason == INTERRUPTED else None


def _why(copy: CopyStatus) -> str:
    error = copy.not_begun
    return " ".join(filter(None, (error.what, error.where, error.next_step))) if error else ""


def _restored(copy: CopyStatus, into: Path | None) -> Restored | None:
    last = copy.last_restore
    if last is None or last.result is None or last.reason == INTERRUPTED:
        return None
    folder = ordered.where(into, copy.restorable, last) if into is not None else None
    looks = {Result.GOOD: "pass", Result.BAD: "fail"}.get(last.result, "unknown")
    return Restored(last.at, last.snapshot_time, looks, last.result.value, folder)


def state_of(proof: Proof, now: datetime) -> RungState:
    """How a rung is drawn. Only what is proven and still counts is full."""
    if proof.evidence is None:
        return "never"
    if proof.status is Status.OK:
        return "proven"
    if proof.status is Status.DEGRADED:
        return "weak"
    if proof.status is Status.FAILED:
        return "failed"
    return "stale" if proof.expires is not None and proof.expires < now else "unknown"


def _restore(copy: CopyStatus) -> timedelta | None:
    """From the newest good restore test; the only ground for a forecast."""
    for proof in copy.rungs:
        tested = proof.evidence if proof.level == 4 else None
        if tested is not None and tested.good and "restore_ms" in tested.facts:
            return timedelta(milliseconds=tested.facts["restore_ms"])
    return None


def _busy(copy: CopyStatus, words: Words) -> str:
    if not copy.busy:
        return ""
    key = f"pages.busy_{copy.busy}"
    said = words.word(key) if key in catalogue() else copy.busy
    far = copy.progress
    if far is None:
        return said
    if copy.left is None:
        return f"{said} ({round(far.ratio * 10)}/10)"
    left = words.t("time_left", length=words.exact(copy.left))
    return f"{said} ({round(far.ratio * 10)}/10, {left})"


def _anomaly(kind: str, words: Words) -> str:
    key = f"pages.anomaly_{kind}"
    return text(key).pick(words.lang) if key in catalogue() else kind


def _system(city: City, id: str | None) -> str:
    found = city.system(id) if id else None
    return found.name if found else "-"
