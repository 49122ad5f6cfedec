"""A log is made once: dying while it is made loses nothing, a missing one is never made anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bcp.journal.journal import Journal
from bcp.kit.errors import BcpError
from bcp.service.stores import Places, open_or_create
from tests.fakes import ManualClock


def opened(places: Places) -> Journal:
    return open_or_create(places, origin="town/x", node="town", clock=ManualClock())


async def test_the_first_start_makes_it_and_the_next_opens_the_same(tmp_path: Path) -> None:
    places = Places(tmp_path)
    first = opened(places)
    identity = first.identity
    await first.close()

    second = opened(places)

    assert second.identity == identity
    assert not places.creating.exists()
    await second.close()


@pytest.mark.parametrize("left", ["nothing", "real", "real and head"])
async def test_a_start_that_died_while_making_it_makes_it_again(tmp_path: Path, left: str) -> None:
    places = Places(tmp_path)
    places.creating.write_bytes(b"the log is being made\n")
    for folder in (places.real, places.head)[: {"nothing": 0, "real": 1}.get(left, 2)]:
        folder.mkdir(parents=True)
        (folder / "half").write_bytes(b"half")

    made = opened(places)

    assert made.size == 1
    assert not places.creating.exists()
    await made.close()


@pytest.mark.parametrize("lost", ["real", "head"])
async def test_a_log_that_is_gone_is_refused_and_not_made_anew(tmp_path: Path, lost: str) -> None:
    places = Places(tmp_path)
    await opened(places).close()
    shutil.rmtree(getattr(places, lost))

    with pytest.raises(BcpError) as refusal:
        opened(places)

    assert refusal.value.next_step
    assert not (getattr(places, lost) / "log.sqlite").exists()
