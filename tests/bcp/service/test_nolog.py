"""Where no log could be opened: everything that would touch one is answered, nothing is made up."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from bcp.journal.entry import Actor, NewEntry
from bcp.journal.journal import Journal
from bcp.kit.errors import BcpError, Unwritable
from bcp.service.nolog import NoLog
from bcp.service.stores import FOLDS
from tests.fakes import ManualClock

ME = Actor("uid:0", "console")
REASON = BcpError("前より短い / rolled back", where="real", next_step="stop and look")


@pytest.fixture
def log() -> NoLog:
    return NoLog(REASON, ManualClock(), FOLDS, "town")


INHERITED = {"create", "open", "append"}
"""`append` is `transact`; the other two make real logs."""


def test_nothing_of_an_open_log_is_inherited() -> None:
    public = {name for name in vars(Journal) if not name.startswith("_")}

    assert public - set(vars(NoLog)) == INHERITED


def test_it_takes_what_the_real_one_takes() -> None:
    for name, real in inspect.getmembers(Journal, inspect.iscoroutinefunction):
        if name.startswith("_") or name in INHERITED:
            continue
        wanted = set(inspect.signature(real).parameters)
        given = inspect.signature(getattr(NoLog, name)).parameters
        loose = any(one.kind is one.VAR_KEYWORD for one in given.values())
        assert loose or wanted <= set(given), name


async def test_every_write_is_refused_with_the_reason_of_the_opening(log: NoLog) -> None:
    new = NewEntry("x.made", "x", {}, None, ManualClock().utc())
    tries: list[Any] = [
        log.append(new, op="a", actor=ME),
        log.transact(lambda _view: (new,), op="b", actor=ME),
        log.export(Path("nowhere")),
        log.checkpoint(),
        log.prove(0),
        log.verify(),
    ]
    for one in tries:
        with pytest.raises(Unwritable, match="rolled back") as refusal:
            await one
        assert refusal.value.next_step == "stop and look"
    with pytest.raises(Unwritable):
        _ = log.evidence


async def test_reading_gives_nothing_and_says_it_is_not_writable(log: NoLog) -> None:
    assert await log.read() == ()
    assert await log.find_op("a") == ()
    assert await log.query("p", "q") == []
    assert log.size == 0
    assert log.state("incidents") == FOLDS["incidents"].initial
    assert not log.writable.ok
    assert (await log.probe()).ok is False
    await log.keep_signing()
    await log.close()
