"""Roles, permissions and the table between them. Closed, default deny.

A permission names what a person wants to do, never who they are; a route asks for one permission.
An auditor changes nothing (R-88). Anybody on the spot may declare (R-28): `staff` declares
provisionally, `command` confirms it afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """What somebody is to this program. One person may have several."""

    VIEWER = "viewer"
    STAFF = "staff"
    COMMANDER = "commander"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """What a route asks for."""

    PUBLIC = "public"
    """No account: health, the login page, static files, the public status page."""
    OWN = "own"
    """Any account, for itself: log out, change the password."""
    READ = "read"
    """Board, systems, checks, backups, disaster, runbooks."""
    READ_METRICS = "read_metrics"
    READ_FINDINGS = "read_findings"
    """Open findings tell a burglar where to go: not for mere viewers."""
    READ_LOG = "read_log"
    READ_PERSONAL = "read_personal"
    """Telephone numbers of people and printed contact sheets (R-96)."""
    OBSERVE = "observe"
    """目視: confirm by eye what a check cannot see."""
    STEP = "step"
    DECLARE = "declare"
    COMMAND = "command"
    """Ratify, transfer the command, stand down, close a gate by decision."""
    ANNOUNCE = "announce"
    """Approve templates and free text, withdraw."""
    NOTICE = "notice"
    """Publish a filled approved template; write free text for another to approve."""
    WAIVE = "waive"
    OPERATE = "operate"
    """Reload the plan, run a check now, practise faults in the practice city."""
    ACCOUNTS = "accounts"


_EVERYBODY = frozenset({Permission.OWN, Permission.READ, Permission.READ_METRICS})
_INSIDE = _EVERYBODY | {Permission.READ_FINDINGS, Permission.READ_LOG}
_STAFF = _INSIDE | {
    Permission.READ_PERSONAL,
    Permission.OBSERVE,
    Permission.STEP,
    Permission.DECLARE,
    Permission.NOTICE,
}

GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _EVERYBODY,
    Role.STAFF: _STAFF,
    Role.COMMANDER: _STAFF | {Permission.COMMAND, Permission.ANNOUNCE, Permission.WAIVE},
    Role.AUDITOR: _INSIDE,
    Role.ADMINISTRATOR: _INSIDE
    | {Permission.OPERATE, Permission.ACCOUNTS, Permission.WAIVE, Permission.READ_PERSONAL},
}

Decision = Literal["yes", "who", "no"]


def granted(roles: Iterable[Role]) -> frozenset[Permission]:
    """Everything these roles may do together."""
    return frozenset({Permission.PUBLIC}).union(*(GRANTS[role] for role in roles))


def decide(permissions: frozenset[Permission] | None, wanted: Permission) -> Decision:
    """May a visitor with these permissions (None: nobody signed in) do this?

    `who` asks to sign in, `no` is a refusal that signing in again would not change.
    """
    if wanted is Permission.PUBLIC:
        return "yes"
    if permissions is None:
        return "who"
    return "yes" if wanted in permissions else "no"
