"""One copy of a set as the plan writes it: where it is, how it is reached, what it stands on."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from bcp.plan.types import Duration, Id, Model, Zone

Medium = Literal["disk", "nas", "tape", "removable", "object_storage"]

_SECRET = re.compile(r"//[^/@]*:[^/]*@")
_SSH_FILE = re.compile(r"/[^\s\"'\\%$]*\Z")


class Repository(Model):
    """One copy: where it is, what it stands on, whether it can be reached and rewritten."""

    id: Id
    location: str = Field(min_length=1)
    """A folder (absolute path), `sftp:USER@HOST:/PATH` (with a port `sftp://USER@HOST:PORT//PATH`),
    `rest:https://HOST:8000/NAME/` or `s3:https://HOST/BUCKET/NAME`. Never with a password in it."""
    password_file: str
    """A file with the password; the password itself stands nowhere else (never in YAML)."""
    site: Id | None = None
    medium: Medium | None = None
    offline: bool = False
    """Not attached most of the time: unreachable is its normal state."""
    rotate: Duration = timedelta(days=31)
    """For an offline copy: so long after it was last attached it must be attached again (入替)."""
    immutable: bool = False
    """Declared in the plan; declared is not proven."""
    zone: Zone | None = None
    restic: str | None = None
    """The restic program for this repository; default: the one of the room."""
    credentials_file: str | None = None
    """For S3: a credentials file in AWS's form with a profile `default`. For a REST server: a file with
    one line `USER:PASSWORD`."""
    ca_file: str | None = None
    """For REST and S3: certificates (PEM) of the city's own authority, beside the machine's."""
    ssh_identity_file: str | None = None
    """For SFTP: the private key (without a passphrase, mode 0400); default: this user's own."""
    ssh_known_hosts_file: str | None = None
    """For SFTP: the host keys that are believed, as `ssh-keyscan` writes them and a person has compared
    them; default: this user's own. A host that is not in it is never asked for anything."""
    region: str = "us-east-1"
    """For S3: the region requests are signed for."""
    retention_password_file: str | None = None
    """The password for forget, prune, tag and key acts; default: the backup's own (then whoever can
    back up can also delete)."""
    retention_location: str | None = None
    """Where those acts reach it, when the backup's own way is append-only."""
    retention_credentials_file: str | None = None
    """Their own `credentials_file`, when the storage gives the backup's no right to delete."""
    retention_ssh_identity_file: str | None = None
    """Their own `ssh_identity_file`."""

    @field_validator("location", "retention_location")
    @classmethod
    def _without_a_secret(cls, location: str | None) -> str | None:
        if location is not None and _SECRET.search(location):
            # What was written must not be repeated: a fault is shown and logged.
            raise ValueError(
                "場所にパスワードを書かない。credentials_file に置く / no password in a location: put it"
                " into credentials_file"
            )
        return location

    @field_validator("ssh_identity_file", "ssh_known_hosts_file", "retention_ssh_identity_file")
    @classmethod
    def _plain_path(cls, file: str | None) -> str | None:
        if file is not None and not _SSH_FILE.match(file):
            raise ValueError(
                f"空白や記号のない絶対パスで書く / an absolute path without blanks and signs: {file}"
            )
        return file

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Repository:
        ssh = ("ssh_identity_file", "ssh_known_hosts_file", "retention_ssh_identity_file")
        for name in ssh:
            if getattr(self, name) is not None and not self.location.startswith("sftp:"):
                raise ValueError(f"{name} は sftp: の場所だけ / only for a location sftp:")
        if self.ca_file is not None and not self.location.startswith(("rest:", "s3:")):
            raise ValueError("ca_file は rest: と s3: の場所だけ / only for rest: and s3:")
        return self

    @property
    def folder(self) -> Path | None:
        """The folder, when the repository is one on this host."""
        return Path(self.location) if self.location.startswith("/") else None
