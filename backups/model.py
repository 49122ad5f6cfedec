"""The plan's section `backups:`: which data, where its copies are, how fresh, how often proven."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from backups.dumps.model import AnyDump, FilesDump
from backups.files.model import FilesCopy, FilesSet
from backups.repository import Medium as Medium
from backups.repository import Repository as Repository
from backups.retention import Retention
from bcp.kit.units import format_duration
from bcp.plan.crosscheck import duplicates, fault
from bcp.plan.loader import unknown
from bcp.plan.marks import Fault, Tree
from bcp.plan.model import City
from bcp.plan.types import Day, Duration, Id, Model

LEVELS = (0, 1, 2, 3, 4, 5)
"""0 job said so, 1 exists and fresh, 2 structure, 3 data read, 4 restored and equal, 5 accepted."""

PROVEN_BY_US = (0, 1, 2, 3, 4)
"""The rungs this program can climb by itself; 5 is the owner's acceptance."""


class Verify(Model):
    """How often each rung is proven again. Past its period a proof no longer counts."""

    poll: Duration = timedelta(minutes=5)
    """Comparison of the repository with its custody record."""
    exists: Duration = timedelta(hours=1)
    """How long a comparison counts as proof of rung 1."""
    structure: Duration = timedelta(days=1)
    data: Duration = timedelta(days=1)
    """One part of the data is read each time; `parts` of them cover all."""
    parts: int = Field(7, ge=1, le=256)
    """restic's n/t: every pack is in exactly one of t parts (t is at most 256)."""
    acceptance: Duration = timedelta(days=365)
    """業務主管の受入: so long the owner's acceptance of a restored copy counts."""
    escrow: Duration | None = None
    """封印物の確認: so often the sealed password and key are tried; null: nothing is sealed."""
    escrow_roles: tuple[Id, ...] = Field((), max_length=4)
    """Roles that must each sign the trial, by different people; none: any second person."""
    restore: Duration = timedelta(days=1)
    """Restore test: the newest snapshot and an older one by lot."""
    whole: Duration = timedelta(days=30)
    """So often everything is restored; between, large sets are restored in part."""
    sample: int = Field(200, ge=1, le=5000)
    """Files drawn by lot from a large set."""
    sample_mib: int = Field(1024, ge=1)
    """Most MiB restored by lot; sets up to this size are always restored whole."""
    deadline: Duration = timedelta(hours=6)
    """A verification that takes longer is stopped: could not tell."""

    @model_validator(mode="after")
    def _polls_before_it_expires(self) -> Verify:
        if self.poll > self.exists:
            raise ValueError("poll は exists より短くする / poll must not exceed exists")
        return self

    def period(self, level: int) -> timedelta:
        """How long evidence of a rung counts."""
        every = {1: self.exists, 2: self.structure, 3: self.data, 4: self.restore}
        return every.get(level, self.acceptance)


class Limits(Model):
    """How much of the machine and the line restic may take. Rates in KiB a second; none: no limit."""

    upload: int | None = Field(None, ge=1)
    download: int | None = Field(None, ge=1)
    names: int | None = Field(None, ge=1)
    """For the names check, which reads the medium itself."""
    read: int | None = Field(None, ge=1)
    """For the manifest, which reads the whole source before each backup."""
    nice: int = Field(10, ge=0, le=19)
    idle_disk: bool = False
    """Read and write only when nobody else does (ionice class idle)."""


class BackupSet(Model):
    """Data that belongs together, backed up by restic into one or more repositories."""

    id: Id
    kind: Literal["restic"]
    system: Id | None = None
    name: str | None = None
    sources: tuple[str, ...] = ()
    dumps: tuple[AnyDump, ...] = ()
    """Databases written to files before the backup; at least a source or a dump."""
    marker: str | None = None
    """A file that must exist in each source: an unmounted share has none."""
    repositories: tuple[Repository, ...] = Field(min_length=1)
    every: Duration | None = timedelta(days=1)
    """How often the backup runs; null: started by a person or another timer only."""
    rpo: Duration | None = None
    """How old the newest good copy may be."""
    required_level: int = Field(4, ge=0, le=5)
    """The rung a copy must have reached to count for the RPO."""
    verify: Verify = Verify()
    retention: Retention = Retention()
    limits: Limits = Limits()
    names_every: Duration | None = timedelta(days=1)
    """How often every object is held against its name (copies in a folder of this host only)."""
    canary_every: Duration | None = timedelta(days=1)
    """How often copies said to be immutable are put to the test."""
    hold_at: int = Field(60, ge=1, le=101)
    """From this score of unusual change on, forget and prune wait for a person (101: never)."""
    decoys: tuple[str, ...] = ()
    """Files (absolute paths inside a source) that nobody ever touches: a change of one is an alarm."""
    exclude: tuple[str, ...] = ()
    """`*.tmp` (a name anywhere) or `/abs/path/*`; only `*` is special."""
    restore_to: str | None = Field(None, pattern="^/.")
    """復元先: a folder of this host in which restores begun from a page get a new folder each; without
    it a restore is begun from a terminal or a runbook only."""
    deadline: Duration = timedelta(hours=12)
    unconfirmed: bool = False

    @field_validator("sources")
    @classmethod
    def _absolute(cls, sources: tuple[str, ...]) -> tuple[str, ...]:
        for source in sources:
            if not source.startswith("/"):
                raise ValueError(f"絶対パスで書く / write an absolute path: {source}")
        return sources

    @field_validator("exclude")
    @classmethod
    def _plain_patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            # Only what means the same to us and to every version of restic: the manifest must
            # leave out exactly what restic leaves out.
            if set(pattern) & set("[]?\\$!#\n") or "**" in pattern or not pattern.strip("/ "):
                raise ValueError(f"除外に使える記号は * だけ / only * may be used: {pattern}")
            relative = "/" in pattern and not pattern.startswith("/")
            if pattern != pattern.strip() or relative or pattern.endswith("/"):
                raise ValueError(f"名前か絶対パスで書く / a name or an absolute path: {pattern}")
        return patterns

    @field_validator("repositories")
    @classmethod
    def _once_each(cls, copies: tuple[Repository, ...]) -> tuple[Repository, ...]:
        ids = [copy.id for copy in copies]
        if len(set(ids)) != len(ids):
            raise ValueError("リポジトリの id が二重です / repository id stands twice")
        return copies

    @model_validator(mode="after")
    def _something_to_back_up(self) -> BackupSet:
        if not self.sources and not self.dumps:
            raise ValueError("sources か dumps が要ります / sources or dumps are needed")
        ids = [dump.id for dump in self.dumps]
        if len(set(ids)) != len(ids):
            raise ValueError("dumps の id が二重です / an id of dumps stands twice")
        for dump in self.dumps:
            inside = (s.rstrip("/") + "/" for s in self.sources)
            if isinstance(dump, FilesDump) and not any(dump.path.startswith(s) for s in inside):
                raise ValueError(f"sources の中にありません / not inside the sources: {dump.path}")
        return self

    @property
    def levels(self) -> tuple[int, ...]:
        """The rungs of its copies."""
        return LEVELS

    def repository(self, id: str) -> Repository | None:
        """The copy with this id."""
        return next((copy for copy in self.repositories if copy.id == id), None)


class AttestedSet(Model):
    """A copy run by somebody else: shown as 申告, never in the colour or word of 実測."""

    id: Id
    kind: Literal["attested"]
    system: Id | None = None
    name: str | None = None
    provider: str
    rpo: Duration | None = None
    reference: str | None = None
    """The contract or report that attests it."""
    report_within: Duration = timedelta(days=45)
    """So long after the end of its period a report counts; by then the next one must be here."""
    accepted_by_role: Id | None = None
    accepted_on: Day | None = None
    repositories: tuple[()] = ()
    unconfirmed: bool = False


AnySet = Annotated[BackupSet | FilesSet | AttestedSet, Field(discriminator="kind")]
"""One item of the section, told apart by `kind`."""

Backups = tuple[AnySet, ...]
"""The section `backups:` (for `pydantic.TypeAdapter`)."""


ProvenSet = BackupSet | FilesSet
"""A set whose state this program measures: what is not merely attested."""
ProvenCopy = Repository | FilesCopy


def restic_sets(sets: Iterable[ProvenSet | AttestedSet]) -> tuple[BackupSet, ...]:
    """The sets this program backs up itself."""
    return tuple(item for item in sets if isinstance(item, BackupSet))


def proven_sets(sets: Iterable[ProvenSet | AttestedSet]) -> tuple[ProvenSet, ...]:
    """The sets whose state this program measures."""
    return tuple(item for item in sets if not isinstance(item, AttestedSet))


def cross_check(sets: Backups, city: City, tree: Tree) -> list[Fault]:
    """Names the city does not know, ids that stand twice, an RPO no schedule can hold."""
    faults = [*duplicates((item.id for item in sets), "backups", tree)]
    for index, item in enumerate(sets):
        faults += _of_one(index, item, city, tree)
    return faults


def _of_one(index: int, item: ProvenSet | AttestedSet, city: City, tree: Tree) -> Iterator[Fault]:
    here = ("backups", index)
    if item.system is not None and city.system(item.system) is None:
        names = [system.id for system in city.systems]
        yield fault(tree, (*here, "system"), unknown(item.system, names))
    if isinstance(item, AttestedSet):
        role = item.accepted_by_role
        if role is not None and city.role(role) is None:
            names = [known.id for known in city.roles]
            yield fault(tree, (*here, "accepted_by_role"), unknown(role, names))
        return
    copies: tuple[ProvenCopy, ...] = item.repositories
    for at, copy in enumerate(copies):
        if copy.site is not None and city.site(copy.site) is None:
            names = [site.id for site in city.sites]
            yield fault(tree, (*here, "repositories", at, "site"), unknown(copy.site, names))
    roles = item.verify.escrow_roles if isinstance(item, BackupSet) else ()
    for place, role in enumerate(roles):
        if city.role(role) is None:
            names = [known.id for known in city.roles]
            path = (*here, "verify", "escrow_roles", place)
            yield fault(tree, path, unknown(role, names))
    if isinstance(item, BackupSet) and item.rpo and item.every and item.rpo < item.every:
        message = (
            f"rpo {format_duration(item.rpo)} は every {format_duration(item.every)} より短い / "
            "rpo is shorter than the interval of the backup"
        )
        yield fault(tree, (*here, "rpo"), message)
