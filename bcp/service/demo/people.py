"""The practice city's accounts: one per role, passphrases drawn by chance, in one file (0600).

The file is the only place where a passphrase stands; the command line prints it, nothing logs it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bcp.kit.durable import write_atomic
from bcp.service.access.accounts import Accounts
from bcp.service.access.roles import Role

_NAMES: Mapping[Role, str] = {
    Role.VIEWER: "閲覧 次郎",
    Role.STAFF: "職員 花子",
    Role.COMMANDER: "統括 太郎",
    Role.AUDITOR: "監査 文",
    Role.ADMINISTRATOR: "管理 進",
}
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_HEAD = (
    "# 練習市の利用者: ログイン名、パスフレーズ、名前 (架空)\n"
    "# Accounts of the practice city: login, passphrase, name (fictitious)\n"
)


@dataclass(frozen=True, slots=True)
class PracticeAccount:
    """Somebody to sign in as."""

    login: str
    name: str
    role: Role
    passphrase: str = field(repr=False)


def passphrase() -> str:
    """`k7mq-x2pd-9nhe`: 59 bits, no letters that look alike."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def load_or_make(path: Path) -> tuple[PracticeAccount, ...]:
    """The accounts on file; those that are missing are drawn and written. Blocking."""
    known: dict[str, str] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            parts = line.split("\t")
            if len(parts) == 3 and not line.startswith("#"):
                known[parts[0]] = parts[1]
    accounts = tuple(
        PracticeAccount(role.value, name, role, known.get(role.value) or passphrase())
        for role, name in _NAMES.items()
    )
    if len(known) < len(accounts):
        rows = [f"{one.login}\t{one.passphrase}\t{one.name}\n" for one in accounts]
        write_atomic(path, (_HEAD + "".join(rows)).encode())
    return accounts


async def enrol(accounts: Accounts, wanted: tuple[PracticeAccount, ...]) -> None:
    """Add those that the access store does not have yet. Raises `Unwritable`."""
    there = {account.login for account in accounts.everybody()}
    for one in wanted:
        if one.login not in there:
            await accounts.add(one.login, one.name, [one.role], one.passphrase, must_change=False)
