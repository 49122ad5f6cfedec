"""Every fault of the detection matrix, injected into a real repository: found, named, in its state."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from backups.restic import arguments
from bcp.kit import process
from bcp.watch.values import Status
from tests.backups.conftest import Place

pytestmark = pytest.mark.live


class Keeper:
    """Keeps a good copy of the repository, so that each fault is injected into a fresh one."""

    def __init__(self, place: Place) -> None:
        self.place, self.good = place, place.folder / "kept"

    def keep(self) -> None:
        shutil.rmtree(self.good, ignore_errors=True)
        shutil.copytree(self.place.repository, self.good)

    def heal(self, copy: Path | None = None) -> None:
        shutil.rmtree(self.place.repository)
        shutil.copytree(copy or self.good, self.place.repository)


async def two_backups(place: Place) -> tuple[Keeper, Path]:
    """A repository with two snapshots on record, and a copy of how it was after the first."""
    await place.init()
    await place.room.backup("juki")
    older = place.folder / "older"
    shutil.copytree(place.repository, older)
    (place.source / "new").write_bytes(b"second" * 9000)
    await place.room.backup("juki")
    keeper = Keeper(place)
    keeper.keep()
    return keeper, older


async def by_hand(place: Place, *words: str) -> process.Completed:
    """restic as somebody with the password would use it."""
    target = arguments.Target(
        place.restic,
        str(place.repository),
        place.password,
        place.folder / "cache",
        place.folder,
    )
    (place.folder / "cache").mkdir(exist_ok=True)
    base = [place.restic, "-r", str(place.repository), "--password-file", str(place.password)]
    done = await process.run(
        [*base, "--no-cache", *words], deadline=60, env=arguments.environment(target)
    )
    assert done.returncode == 0, done.last_lines
    return done


def recorded(place: Place) -> list[str]:
    return [one.snapshot for one in place.room.custody("juki", "main").custody]


def _snapshot_file(place: Place, which: int) -> Path:
    return place.repository / "snapshots" / recorded(place)[which]


def _no_snapshots(place: Place) -> None:
    for path in (place.repository / "snapshots").iterdir():
        path.unlink()


def _cut_a_pack(place: Place) -> None:
    pack = place.packs()[0]
    pack.chmod(0o600)
    pack.write_bytes(pack.read_bytes()[:-1])


def _gone(folder: str) -> Callable[[Place], None]:
    return lambda place: next((place.repository / folder).iterdir()).unlink()


FAULTS: dict[str, tuple[Callable[[Place], None], str]] = {
    "the newest snapshot is deleted": (lambda p: _snapshot_file(p, -1).unlink(), "deleted"),
    "the oldest snapshot is deleted": (lambda p: _snapshot_file(p, 0).unlink(), "deleted"),
    "all snapshots are deleted": (_no_snapshots, "emptied"),
    "a snapshot file has a flipped bit": (
        lambda p: p.flip(_snapshot_file(p, -1)),
        "deleted|damaged",
    ),
    "a data pack is deleted": (lambda p: p.packs()[0].unlink(), "objects_missing"),
    "a data pack is cut by one byte": (_cut_a_pack, "objects_changed"),
    "an index file is deleted": (_gone("index"), "objects_missing"),
    "the only key file is deleted": (_gone("keys"), "keys_gone"),
    "the config is deleted": (lambda p: (p.repository / "config").unlink(), "no_repository"),
}


async def test_what_restic_leaves_at_exit_zero_is_found_by_one_look(place: Place) -> None:
    keeper, older = await two_backups(place)
    assert (await place.room.verify("juki", "main", 1)).status is Status.OK
    for name, (inject, expected) in FAULTS.items():
        inject(place)
        rung = await place.room.verify("juki", "main", 1)
        assert rung.evidence is not None
        assert rung.status is Status.FAILED, (name, rung.sentence)
        assert rung.evidence.reason in expected.split("|"), (name, rung.evidence)
        keeper.heal()
    keeper.heal(older)
    rung = await place.room.verify("juki", "main", 1)
    assert rung.evidence is not None
    assert (rung.status, rung.evidence.reason) == (Status.FAILED, "rolled_back")
    assert place.room.custody("juki", "main").anomalies == ("rolled_back",)
    keeper.heal()
    healed = await place.room.verify("juki", "main", 1)
    assert healed.status is Status.OK, healed.sentence
    assert place.room.custody("juki", "main").anomalies == ()


async def test_strangers_and_rewriters_with_the_password_are_found(place: Place) -> None:
    keeper, _older = await two_backups(place)
    other = place.folder / "other"
    other.mkdir()
    (other / "x").write_text("not ours")
    await by_hand(place, "backup", str(other))
    rung = await place.room.verify("juki", "main", 1)
    assert rung.evidence is not None
    assert rung.evidence.reason == "foreign"
    keeper.heal()
    await by_hand(place, "tag", "--add", "seen", recorded(place)[-1])
    rung = await place.room.verify("juki", "main", 1)
    assert rung.evidence is not None
    assert rung.evidence.reason == "rewritten"
    keeper.heal()
    await by_hand(place, "forget", "--prune", recorded(place)[0])
    rung = await place.room.verify("juki", "main", 1)
    assert rung.evidence is not None
    assert rung.evidence.reason in ("deleted", "rolled_back")
    shutil.rmtree(place.repository)
    await by_hand(place, "init")
    rung = await place.room.verify("juki", "main", 1)
    assert rung.evidence is not None
    assert rung.evidence.reason == "recreated"
    (refused,) = await place.room.backup("juki")
    assert refused.evidence.reason == "recreated", "nothing is written into a stranger's repository"


async def test_a_flipped_bit_is_found_by_reading_and_by_restoring(place: Place) -> None:
    keeper, _older = await two_backups(place)
    for level in (2, 3, 4):
        assert (await place.room.verify("juki", "main", level)).status is Status.OK
    place.flip(place.packs()[0], 5000)
    assert (await place.room.verify("juki", "main", 1)).status is Status.OK, (
        "size and name as before"
    )
    assert (await place.room.verify("juki", "main", 2)).status is Status.OK, "check reads no data"
    read = await place.room.verify("juki", "main", 3)
    assert read.status is Status.FAILED, read
    back = await place.room.verify("juki", "main", 4)
    assert back.status is Status.FAILED, back
    assert back.evidence is not None
    assert back.evidence.facts["changed"] + back.evidence.facts["missing"] == 1
    assert list((place.folder / "data" / "scratch").iterdir()) == [], "residents' data is destroyed"
    keeper.heal()
    assert (await place.room.verify("juki", "main", 3)).status is Status.OK
    assert (await place.room.verify("juki", "main", 4)).status is Status.OK


async def test_a_loss_is_not_forgotten_by_the_next_backup_on_top_of_it(place: Place) -> None:
    await two_backups(place)
    place.packs()[0].unlink()
    (done,) = await place.room.backup("juki")
    assert done.evidence.good, "restic takes the lost pack for granted: exit code 0"
    rung = await place.room.verify("juki", "main", 1)
    assert rung.evidence is not None
    assert (rung.status, rung.evidence.reason) == (Status.FAILED, "objects_missing")
