"""Who holds which role: accounts of this node tied to people of the plan by `login`."""

from __future__ import annotations

from collections.abc import Mapping

from bcp.plan.model import City
from bcp.service.access.accounts import Accounts
from bcp.service.access.roles import Permission
from runbooks.desk import Desk


def holders(city: City, accounts: Accounts) -> dict[str, frozenset[str]]:
    """Pseudonym -> roles of the plan (ids) and capacities of the account."""
    by_login = {person.login.lower(): person.id for person in city.people if person.login}
    plan: dict[str, set[str]] = {}
    for role in city.roles:
        for person in role.succession:
            plan.setdefault(person, set()).add(role.id)
    return {
        account.id: frozenset(
            {
                *(role.value for role in account.roles),
                *plan.get(by_login.get(account.login, ""), ()),
            }
        )
        for account in accounts.everybody()
        if not account.disabled
    }


def not_the_owner(city: City, accounts: Accounts, system: str | None, account: str) -> str | None:
    """業務主管: the owner role of a system, when this account does not hold it and another one does."""
    known = city.system(system) if system is not None else None
    owner = known.owner_role if known is not None else None
    held = holders(city, accounts)
    if owner is None or owner in held.get(account, ()):
        return None
    return owner if any(owner in roles for roles in held.values()) else None


def name_of(city: City, id: str, called: str) -> str:
    """A person of the plan by name, else what the accounts call the id."""
    person = city.person(id)
    return person.name if person else called


def account_of(city: City, accounts: Accounts, person: str) -> str | None:
    """The pseudonym of a person of the plan who has an account here."""
    known = city.person(person)
    if known is None or not known.login:
        return None
    login = known.login.lower()
    return next((one.id for one in accounts.everybody() if one.login == login), None)


def entrusted(desks: Mapping[str, Desk], account: str, stage: str) -> frozenset[Permission]:
    """What an event gives beside the roles: whoever took the command over may command (統括者)."""
    desk = desks.get(stage)
    taken = desk is not None and any(
        event.hand_overs and event.commander == account for event in desk.active()
    )
    return frozenset({Permission.COMMAND, Permission.ANNOUNCE}) if taken else frozenset()
