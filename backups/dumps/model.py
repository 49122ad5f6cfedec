"""The plan's `dumps:` of a backup set: what is written to a file before the backup runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, field_validator

from bcp.plan.types import Duration, Id, Model

SCRATCH_DATABASE = "ict_bcp_restore_test"
"""The database a restore test loads into; no live one may have this name."""

Words = tuple[str, ...]


class _Dump(Model):
    id: Id
    deadline: Duration = timedelta(hours=2)
    """A dump that takes longer is stopped; the backup is not taken then."""


class _Database(_Dump):
    database: str = Field(min_length=1, max_length=63)
    host: str | None = None
    """A name, an address, or the folder of a unix socket (PostgreSQL) or the socket (MariaDB)."""
    port: int | None = Field(None, ge=1, le=65535)
    user: str | None = None
    programs: str | None = None
    """The folder of the engine's programs; default: the newest installed."""

    @field_validator("database")
    @classmethod
    def _not_ours(cls, name: str) -> str:
        if name == SCRATCH_DATABASE or name.startswith("-") or not name.isprintable():
            raise ValueError(f"このデータベース名は使えません / not a name for a database: {name}")
        return name


class PostgresDump(_Database):
    """`pg_dump` of one database, expectations from the same snapshot."""

    kind: Literal["postgresql"]
    password_file: str | None = None
    """A file in libpq's .pgpass form, mode 0600."""
    format: Literal["custom", "plain"] = "custom"


class MariaDump(_Database):
    """`mariadb-dump --single-transaction` of one database (MySQL too). The engine cannot share a
    snapshot, so rows are counted before and after the dump and must lie between."""

    kind: Literal["mariadb"]
    defaults_file: str | None = None
    """An option file with the credentials (`[client]`), mode 0600."""


class CommandDump(_Dump):
    """Any program that writes one file: `{out}` in its words is where."""

    kind: Literal["command"]
    command: Words = Field(min_length=1)
    trailer: str | None = None
    """The last line that is not empty must contain it: what tells a whole file from a cut one."""
    open_with: Words = ()
    """Run by the restore test over the restored file, `{file}`: 0 opens, else it does not."""

    @field_validator("command", "open_with")
    @classmethod
    def _full_path(cls, words: Words) -> Words:
        if words and not words[0].startswith("/"):
            raise ValueError("プログラムは / で始まる場所で書く / the program by its full path")
        return words

    @field_validator("command")
    @classmethod
    def _says_where(cls, words: Words) -> Words:
        if not any("{out}" in word for word in words[1:]):
            raise ValueError("{out} がありません / {out} is missing: where the file is written")
        return words


class FilesDump(_Dump):
    """A file another program exports by itself: it must be there, young and whole."""

    kind: Literal["files"]
    path: str
    """Inside one of the sources."""
    within: Duration = timedelta(hours=26)
    """Older than this it is stale: no backup of it is called good."""
    trailer: str | None = None
    open_with: Words = ()

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if not path.startswith("/"):
            raise ValueError(f"絶対パスで書く / write an absolute path: {path}")
        return path


AnyDump = Annotated[PostgresDump | MariaDump | CommandDump | FilesDump, Field(discriminator="kind")]
"""One item of `dumps:`, told apart by `kind`."""
