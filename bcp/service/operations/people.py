"""Accounts for the command line: add, new passphrase, disable, list."""

from __future__ import annotations

from typing import Any

from bcp.kit.language import Text
from bcp.plan.types import Model
from bcp.service.access.roles import Permission, Role
from bcp.service.access.store import Account
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, NoParameters, Operation


class New(Model):
    """A new account."""

    login: str
    name: str
    roles: tuple[Role, ...]
    password: str


class Fresh(Model):
    """A new passphrase given by somebody else; it must be changed at the next login."""

    login: str
    password: str


class Who(Model):
    """Names an account."""

    login: str


def _row(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "login": account.login,
        "name": account.name,
        "roles": sorted(role.value for role in account.roles),
        "disabled": account.disabled,
    }


async def add(house: House, caller: Caller, parameters: New) -> Answer:
    """Make an account; the passphrase given must be changed at the first login."""
    account = await house.accounts.add(
        parameters.login,
        parameters.name,
        parameters.roles,
        parameters.password,
        by=caller.actor.id,
    )
    line = f"足しました / added: {account.login} ({account.id})"
    return Answer(_row(account), (line,))


async def passwd(house: House, caller: Caller, parameters: Fresh) -> Answer:
    """Give a new passphrase; every session of the account ends."""
    await house.accounts.set_password(parameters.login, parameters.password, by=caller.actor.id)
    line = f"合言葉を変えました / new passphrase: {parameters.login}"
    return Answer({"login": parameters.login}, (line,))


async def disable(house: House, caller: Caller, parameters: Who) -> Answer:
    """Close the door at once."""
    await house.accounts.disable(parameters.login, by=caller.actor.id)
    return Answer({"login": parameters.login}, (f"止めました / disabled: {parameters.login}",))


async def everybody(house: House, caller: Caller, _parameters: NoParameters) -> Answer:
    """Everybody with an account."""
    rows = [_row(account) for account in house.accounts.everybody()]
    lines = tuple(
        f"{row['login']:<16} {row['name']}  {', '.join(row['roles'])}"
        + ("  (停止中)" if row["disabled"] else "")
        for row in rows
    )
    return Answer({"accounts": rows}, lines)


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation("user.add", Text("利用者を足す", "add"), Permission.ACCOUNTS, New, add, True),
    Operation(
        "user.passwd",
        Text("合言葉を変える", "passphrase"),
        Permission.ACCOUNTS,
        Fresh,
        passwd,
        True,
    ),
    Operation("user.disable", Text("止める", "disable"), Permission.ACCOUNTS, Who, disable, True),
    Operation("user.list", Text("一覧", "everybody"), Permission.ACCOUNTS, NoParameters, everybody),
)
