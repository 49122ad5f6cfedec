"""Whose name stands under an entry: a session speaks for itself, the console may name another."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bcp.journal.entry import Actor
from bcp.kit.errors import Refused, UsageError
from bcp.service import control
from bcp.service.access.roles import Role
from bcp.service.access.store import Account
from bcp.service.operations.operation import Caller
from bcp.service.operations.recovering import actor_of


def _account() -> Account:
    return Account("p-7f3a", "tocho", "担当1", frozenset({Role.STAFF}), "")


HOUSE = cast(
    Any,
    SimpleNamespace(accounts=SimpleNamespace(everybody=lambda: [_account()])),
)
CONSOLE = Caller(control.actor(0), "op")


@pytest.mark.parametrize("role", ["staff", "commander", "administrator", "program"])
def test_nobody_who_signed_in_records_in_another_persons_name(role: str) -> None:
    caller = Caller(Actor("p-1111", role), "op")

    with pytest.raises(Refused, match="another person"):
        actor_of(HOUSE, caller, "tocho")
    assert actor_of(HOUSE, caller, None) == caller.actor


def test_the_console_names_who_acts_and_only_people_there_are() -> None:
    assert actor_of(HOUSE, CONSOLE, "tocho") == Actor("p-7f3a", control.CONSOLE)
    with pytest.raises(UsageError):
        actor_of(HOUSE, CONSOLE, "nobody")
