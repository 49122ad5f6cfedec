"""Who is asking, and what the doors answer to somebody who knocks."""

from __future__ import annotations

from dataclasses import dataclass

from bcp.kit.errors import Refused
from bcp.service.access.limits import Limit
from bcp.service.access.roles import Permission, Role, granted
from bcp.service.access.store import Account, Session


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking, for this request."""

    id: str
    login: str
    name: str
    roles: frozenset[Role]
    permissions: frozenset[Permission]
    csrf: str
    digest: str
    """Of the session; empty for a bearer token."""
    must_change: bool = False
    limit: Limit | None = None
    """Set for sealed codes and visiting helpers."""

    def may(self, permission: Permission) -> bool:
        """Whether the button is worth showing."""
        return permission in self.permissions

    @property
    def helper(self) -> bool:
        """A visiting helper: only what is lent to him opens."""
        return self.limit is not None and self.limit.helper


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session: the token goes into the cookie and is kept nowhere else."""

    token: str
    identity: Identity


class TooFast(Refused):
    """Throttled; `seconds` until the next attempt is heard."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, round(seconds))
        super().__init__(
            f"間違いが続いたため、あと{self.seconds}秒お待ちください / "
            f"too many attempts: wait {self.seconds} s"
        )


_NOT_BY_CODE = frozenset({Permission.READ_FINDINGS})
"""Open findings tell a burglar where to go; nobody needs them to start a recovery at night."""


def identity(account: Account, session: Session, limit: Limit | None) -> Identity:
    """The account as a request knows it."""
    permissions = granted(account.roles)
    if limit is not None:
        permissions -= _NOT_BY_CODE
    return Identity(
        account.id,
        account.login,
        account.name,
        account.roles,
        permissions,
        session.csrf,
        session.digest,
        account.must_change,
        limit,
    )
