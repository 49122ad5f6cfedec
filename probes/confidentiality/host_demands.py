"""What is demanded of each sort of sensitive file. Tables, no code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from probes.confidentiality.access import ENTER, READ, WRITE

Holds = Literal[
    "private_key",
    "dump",
    "repository",
    "password_file",
    "pgpass",
    "authorized_keys",
    "sudoers",
    "shadow",
    "folder",
]

ACL = "file.acl_grants_access"
UNENCRYPTED = "backup.unencrypted_at_rest"
SECRET = "file.secret_in_backup_dir"
DIRECTORY = "file.dir_permissions"


@dataclass(frozen=True, slots=True)
class Demand:
    """Rights nobody but the owner may have, and the finding when somebody does."""

    rule: str
    rights: int
    expected: str


DEMANDS: Mapping[Holds, tuple[Demand, ...]] = {
    "private_key": (Demand("file.private_key_readable", READ | WRITE, "0600"),),
    "dump": (
        Demand("file.backup_dump_readable", READ, "0600"),
        Demand("file.backup_world_writable", WRITE, "0600"),
    ),
    "repository": (Demand("file.backup_world_writable", WRITE, "0700"),),
    "password_file": (Demand("file.password_file_readable", READ | WRITE, "0600"),),
    "pgpass": (Demand("file.pgpass_readable", READ | WRITE, "0600"),),
    "authorized_keys": (Demand("file.authorized_keys_writable", WRITE, "0600"),),
    "sudoers": (Demand("file.sudoers_writable", WRITE, "0440 root"),),
    "shadow": (Demand("file.shadow_readable", READ | WRITE, "0640 root:shadow"),),
    "folder": (Demand(DIRECTORY, READ | WRITE | ENTER, "0700"),),
}
GROUPS: Mapping[Holds, frozenset[str]] = {"shadow": frozenset({"shadow"})}
OWNERS: Mapping[Holds, frozenset[str]] = {
    "sudoers": frozenset({"root"}),
    "shadow": frozenset({"root"}),
}
PUBLIC: frozenset[Holds] = frozenset({"sudoers", "authorized_keys"})
"""Folders that others may read."""
WATCH_PARENT: frozenset[Holds] = frozenset(
    {"private_key", "authorized_keys", "pgpass", "password_file"}
)
WRITABLE_FOLDER: Mapping[Holds, str] = {
    "dump": "file.backup_world_writable",
    "repository": "file.backup_world_writable",
    "authorized_keys": "file.authorized_keys_writable",
    "sudoers": "file.sudoers_writable",
}
"""What it means when others can write in the folder."""
NO_ACL = "余分なACLなし no extra ACL"


class PlaceLike(Protocol):
    """The fields of a place that are needed here."""

    @property
    def path(self) -> str: ...
    @property
    def holds(self) -> Holds: ...
    @property
    def owners(self) -> tuple[str, ...]: ...
    @property
    def groups(self) -> tuple[str, ...]: ...
    @property
    def optional(self) -> bool: ...
