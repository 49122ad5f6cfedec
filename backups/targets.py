"""From the plan's words to what restic is told: one target for backing up, one for deleting. Pure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from backups.model import BackupSet, Repository
from backups.restic.arguments import Target, gently
from backups.restic.reaching import Ssh


def of(
    one: BackupSet, copy: Repository, program: str, folder: Path, tie: str | None = None
) -> Target:
    """How the backup itself reaches the copy. `folder`: for the cache and temporary files; `tie`: the
    program that lets restic end with us."""
    return Target(
        program,
        copy.location,
        Path(copy.password_file),
        folder / "cache",
        folder / "tmp",
        gently(one.limits.nice, one.limits.idle_disk, tie),
        one.limits.upload,
        one.limits.download,
        _path(copy.credentials_file),
        _path(copy.ca_file),
        ssh(copy),
    )


def retaining(target: Target, copy: Repository) -> Target | None:
    """How forget, prune, tag and key acts reach it; None: as the backup does."""
    named = (
        copy.retention_password_file,
        copy.retention_location,
        copy.retention_credentials_file,
        copy.retention_ssh_identity_file,
    )
    if not any(named):
        return None
    return replace(
        target,
        location=copy.retention_location or copy.location,
        password_file=Path(copy.retention_password_file or copy.password_file),
        credentials=_path(copy.retention_credentials_file) or target.credentials,
        ssh=replace(
            target.ssh, identity=_path(copy.retention_ssh_identity_file) or target.ssh.identity
        ),
    )


def ssh(copy: Repository) -> Ssh:
    """What the backup's ssh proves itself with and whom it believes."""
    return Ssh(_path(copy.ssh_identity_file), _path(copy.ssh_known_hosts_file))


def _path(file: str | None) -> Path | None:
    return Path(file) if file else None
