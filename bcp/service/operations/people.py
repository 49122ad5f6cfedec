"""Accounts for the command line: add, new passphrase, disable, list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bcp.kit.errors import UsageError
from bcp.kit.language import Text, text
from bcp.kit.units import JST, to_us
from bcp.plan.loader import unknown
from bcp.plan.types import Id, Model
from bcp.service.access.limits import Limit
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
    until: datetime | None = None
    """With it: a visiting helper (受援), who sees and does only what is lent to him."""
    systems: tuple[Id, ...] = ()
    sites: tuple[Id, ...] = ()
    runbooks: tuple[Id, ...] = ()


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


def _lent(house: House, p: New) -> Limit | None:
    """What a visiting helper may do, and until when. Raises `UsageError`."""
    lent = (*p.systems, *p.sites, *p.runbooks)
    if p.until is None and not lent:
        return None
    if p.until is None or not lent or p.roles != (Role.STAFF,):
        said = text("access.scope_empty")
        raise UsageError(
            f"{said.ja} / {said.en}",
            expected="--role staff --until 2026-12-01T18:00 --system ID | --site ID | --runbook ID",
        )
    known = {
        "system": (p.systems, [one.id for one in house.city.systems]),
        "site": (p.sites, [one.id for one in house.city.sites]),
        "runbook": (p.runbooks, [one.id for one in house.book]),
    }
    for what, (asked, ids) in known.items():
        for id in asked:
            if ids and id not in ids:  # without a plan (no daemon) nobody knows them
                raise UsageError(unknown(id, ids), where=what)
    until = p.until if p.until.tzinfo else p.until.replace(tzinfo=JST)
    if until <= house.clock.utc():
        raise UsageError("期限が過ぎています / that time has passed", where="until", got=str(until))
    return Limit(to_us(until), "helper", p.sites, p.systems, p.runbooks)


async def add(house: House, caller: Caller, parameters: New) -> Answer:
    """Make an account; the passphrase given must be changed at the first login."""
    limit = _lent(house, parameters)
    account = await house.accounts.add(
        parameters.login,
        parameters.name,
        parameters.roles,
        parameters.password,
        by=caller.actor.id,
        limit=limit,
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
