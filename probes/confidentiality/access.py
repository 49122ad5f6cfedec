"""Who besides the owner can reach a file: mode bits and POSIX ACLs, read by ourselves.

`ls` shows 0640 for a file whose ACL lets a stranger read; so the extended attribute
`system.posix_acl_access` is parsed (Linux, `include/uapi/linux/posix_acl_xattr.h`: a 32-bit
version 2, then entries of 16-bit tag, 16-bit permissions, 32-bit id, little endian). With an ACL
the group bits of the mode are its *mask*, not the group's rights.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
import struct
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

READ, WRITE, ENTER = 4, 2, 1

_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_ACCESS, _DEFAULT = "system.posix_acl_access", "system.posix_acl_default"

Who = Literal["user", "group", "others"]


@dataclass(frozen=True, slots=True)
class AclEntry:
    """One entry as stored; `id` is None for owner, owning group, mask and others."""

    tag: int
    perms: int
    id: int | None


@dataclass(frozen=True, slots=True)
class Grant:
    """Effective rights of somebody who is not the owner."""

    who: Who
    id: int | None
    perms: int
    acl: bool = False
    """By a named entry of an ACL, invisible in the mode."""
    default: bool = False
    """By a default ACL: what files made there from now on will grant."""

    def __str__(self) -> str:
        rights = "".join(c if self.perms & b else "-" for c, b in (("r", 4), ("w", 2), ("x", 1)))
        name = {"user": user_name, "group": group_name}.get(self.who)
        who = "others" if name is None or self.id is None else f"{self.who}:{name(self.id)}"
        return f"{'default:' if self.default else ''}{who}:{rights}"


def parse_acl(data: bytes) -> tuple[AclEntry, ...]:
    """Entries of the attribute's bytes. Raises ValueError when they are not an ACL."""
    if len(data) < 4 or (len(data) - 4) % 8 or struct.unpack_from("<I", data)[0] != 2:
        raise ValueError("not a POSIX ACL of version 2")
    entries = []
    for tag, perms, number in struct.iter_unpack("<HHI", data[4:]):
        if tag not in (_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER) or perms > 7:
            raise ValueError(f"unknown ACL entry {tag:#x}")
        entries.append(AclEntry(tag, perms, number if tag in (_USER, _GROUP) else None))
    return tuple(entries)


def grants_of_acl(
    entries: Collection[AclEntry], gid: int, *, default: bool = False
) -> tuple[Grant, ...]:
    """Effective rights: named users and all groups are limited by the mask, others are not."""
    mask = next((entry.perms for entry in entries if entry.tag == _MASK), 7)
    grants = []
    for entry in entries:
        if entry.tag == _USER:
            grants.append(Grant("user", entry.id, entry.perms & mask, True, default))
        elif entry.tag == _GROUP:
            grants.append(Grant("group", entry.id, entry.perms & mask, True, default))
        elif entry.tag == _GROUP_OBJ:
            grants.append(Grant("group", gid, entry.perms & mask, default, default))
        elif entry.tag == _OTHER:
            grants.append(Grant("others", None, entry.perms, default, default))
    return tuple(grant for grant in grants if grant.perms)


def grants_of_mode(mode: int, gid: int) -> tuple[Grant, ...]:
    """The same from the mode of a file without an ACL."""
    both = (Grant("group", gid, mode >> 3 & 7), Grant("others", None, mode & 7))
    return tuple(grant for grant in both if grant.perms)


@dataclass(frozen=True, slots=True)
class Access:
    """What is known of one path. Symbolic links are resolved before."""

    path: Path
    mode: int
    uid: int
    gid: int
    device: int
    inode: int
    size: int
    grants: tuple[Grant, ...]

    @property
    def is_dir(self) -> bool:
        """A folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """A regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def shown(self) -> str:
        """`0640 root:ssl-cert`, with the ACL's grants; never content."""
        text = f"{stat.S_IMODE(self.mode):04o} {user_name(self.uid)}:{group_name(self.gid)}"
        acl = [str(grant) for grant in self.grants if grant.acl]
        return f"{text} ACL {', '.join(acl)}" if acl else text


def _acl(path: Path, name: str) -> tuple[AclEntry, ...] | None:
    try:
        return parse_acl(os.getxattr(path, name, follow_symlinks=False))
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.EOPNOTSUPP, errno.ENOTSUP):
            return None
        raise


def look(path: Path) -> Access:
    """Mode, owner and ACLs of a path that is no link. Raises OSError or ValueError (odd ACL)."""
    status = os.lstat(path)
    acl = None if stat.S_ISLNK(status.st_mode) else _acl(path, _ACCESS)
    if acl is None:
        grants = grants_of_mode(status.st_mode, status.st_gid)
    else:
        grants = grants_of_acl(acl, status.st_gid)
    if stat.S_ISDIR(status.st_mode):
        later = _acl(path, _DEFAULT)
        if later is not None:
            grants += grants_of_acl(later, status.st_gid, default=True)
    return Access(
        path,
        status.st_mode,
        status.st_uid,
        status.st_gid,
        status.st_dev,
        status.st_ino,
        status.st_size,
        grants,
    )


def strangers(access: Access, wanted: int, groups: Collection[str]) -> tuple[Grant, ...]:
    """Grants of any of the `wanted` rights to somebody who should not have them.

    Not strangers: root, the owner again, the groups the plan allows, and a group that only the
    owner is in (Debian's one group per user).
    """
    found = []
    for grant in access.grants:
        if not grant.perms & wanted:
            continue
        if grant.who == "user" and grant.id in (0, access.uid):
            continue
        if grant.who == "group" and grant.id is not None:
            name = group_name(grant.id)
            if grant.id == 0 or name in groups or _only_member(grant.id, access.uid):
                continue
        found.append(grant)
    return tuple(found)


def closed_above(path: Path) -> Path | None:
    """The nearest folder above that others cannot enter; None when the way is open.

    Reads the modes of folders above, nothing in them. One that cannot be read counts as open.
    """
    for folder in path.parents:
        try:
            if not folder.stat().st_mode & ENTER:
                return folder
        except OSError:
            return None
    return None


@cache
def user_name(uid: int) -> str:
    """The user's name, else the number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@cache
def group_name(gid: int) -> str:
    """The group's name, else the number."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _only_member(gid: int, uid: int) -> bool:
    """True for the private group of the user: same name, nobody else in it."""
    try:
        group, user = grp.getgrgid(gid), pwd.getpwuid(uid)
    except KeyError:
        return False
    return (
        group.gr_name == user.pw_name and user.pw_gid == gid and set(group.gr_mem) <= {user.pw_name}
    )
