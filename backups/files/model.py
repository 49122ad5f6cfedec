"""The plan's part for copies made by other products."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from backups.retention import Retention
from bcp.plan.types import Duration, Id, Model, Zone

Form = Literal["folders", "files", "mirror"]
"""A generation is: each folder inside (NAS snapshots), each file inside (what backup software
writes), or all there is, replaced each time (a mirror)."""


class FilesVerify(Model):
    """How often it is looked at, and how long a proof by the product's own restore counts."""

    poll: Duration = timedelta(hours=1)
    """Comparison of what lies there with its record: names, sizes, times."""
    exists: Duration = timedelta(hours=3)
    """How long such a comparison counts."""
    restore: Duration = timedelta(days=92)
    """So long a restore by the product counts for the rungs 2 to 4."""
    acceptance: Duration = timedelta(days=365)
    """業務主管の受入."""
    deadline: Duration = timedelta(hours=24)
    """Time for the next proof to be made."""
    escrow: ClassVar[None] = None
    escrow_roles: ClassVar[tuple[Id, ...]] = ()
    parts: ClassVar[int] = 1

    @property
    def data(self) -> timedelta:
        """A restore reads the data too."""
        return self.restore

    def period(self, level: int) -> timedelta:
        """How long evidence of a rung counts."""
        return {1: self.exists, 5: self.acceptance}.get(level, self.restore)


class FilesCopy(Model):
    """Where the product leaves its copies, as this host can read it."""

    id: Id
    location: str = Field(pattern="^/")
    """A folder (absolute path), mounted read-only where that is possible."""
    generations: Form = "folders"
    dated_by: Literal["content", "name"] = "content"
    """When a generation was made: by its newest file, or by the date in its name (NAS snapshots, whose
    files are as old as they were). A date without a time counts as 00:00."""
    keep: int = Field(1, ge=1)
    """So many generations must be there; fewer is an alarm."""
    settle: Duration = timedelta(minutes=30)
    """A generation changed more recently is still being written and is not entered yet."""
    marker: str | None = None
    """A file inside that is always there: without it nothing is mounted."""
    site: Id | None = None
    medium: Literal["disk", "nas", "tape", "removable", "object_storage"] | None = None
    offline: bool = False
    """Not attached most of the time: unreachable is its normal state."""
    rotate: Duration = timedelta(days=31)
    """For an offline copy: so long after it was last attached it must be attached again (入替)."""
    immutable: bool = False
    zone: Zone | None = None

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return Path(self.location)


class FilesSet(Model):
    """Data whose copies another product makes."""

    id: Id
    kind: Literal["files"]
    system: Id | None = None
    name: str | None = None
    product: str = Field(min_length=1)
    """The product that makes the copies, as staff call it."""
    sources: tuple[str, ...] = ()
    """The originals, where this host can read them: without them no restore can be compared."""
    exclude: tuple[str, ...] = ()
    """Names left out of the comparison: `*.tmp`."""
    repositories: tuple[FilesCopy, ...] = Field(min_length=1)
    rpo: Duration | None = None
    """How old the newest good copy may be."""
    required_level: int = Field(1, ge=1, le=5)
    """The rung a copy must have reached to count for the RPO. A product is seldom made to restore
    every generation, so the age is that of the newest one that is whole and unchanged; what a restore
    proved stands beside it, with its own date."""
    verify: FilesVerify = FilesVerify()
    names_every: Duration | None = timedelta(days=1)
    """So often the newest generation and one by lot are read again and held against their digests."""
    limit_read: int | None = Field(None, ge=1)
    """How fast copies and originals are read, in KiB a second; null: as fast as they can be."""
    unconfirmed: bool = False
    every: ClassVar[timedelta | None] = None
    deadline: ClassVar[timedelta] = timedelta(hours=24)
    canary_every: ClassVar[timedelta | None] = None
    retention: ClassVar[Retention] = Retention()

    @field_validator("sources")
    @classmethod
    def _absolute(cls, sources: tuple[str, ...]) -> tuple[str, ...]:
        for source in sources:
            if not source.startswith("/") or source.rstrip("/") == "":
                raise ValueError(f"絶対パスで書く / write an absolute path: {source}")
        return sources

    @field_validator("repositories")
    @classmethod
    def _once_each(cls, copies: tuple[FilesCopy, ...]) -> tuple[FilesCopy, ...]:
        ids = [copy.id for copy in copies]
        if len(set(ids)) != len(ids):
            raise ValueError("repositories の id が二重です / an id of repositories stands twice")
        return copies

    @property
    def levels(self) -> tuple[int, ...]:
        """The rungs of its copies; there is no rung 0: the product's word is no evidence here."""
        return (1, 2, 3, 4, 5)

    def repository(self, id: str) -> FilesCopy | None:
        """The copy with this id."""
        return next((copy for copy in self.repositories if copy.id == id), None)
