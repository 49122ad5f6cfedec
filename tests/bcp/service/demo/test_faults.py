"""Every fault is seen by the check it is meant for, and healing brings back exactly what was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backups.restic import arguments
from bcp.kit import process
from bcp.kit.clock import SystemClock
from bcp.kit.errors import BcpError, Refused, UsageError
from bcp.kit.language import catalogue
from bcp.kit.workers import Workers
from bcp.service.demo.city import PracticeCity
from bcp.service.demo.damage import TakeAway
from bcp.service.demo.data import restic_program
from bcp.service.demo.faults import FAULTS
from bcp.service.demo.folders import Folders
from bcp.service.demo.remote import list_faults, set_fault
from bcp.watch.values import Status
from tests.bcp.service.demo.conftest import Eyes, tree_of

SEEN_BY = {
    "stop-juki": ["juki/shokai"],
    "stop-print": ["insatsu/tcp"],
    "stop-dns": ["dns/portal"],
    "wrong-dns": ["dns/portal"],
    "cut-branch": ["line/tcp", "insatsu/tcp"],
    "cut-head-office": ["lan/tcp", "juki/shokai", "zei/http", "dns/portal"],
    "weak-tls": ["shomei/tls-policy"],
    "open-key": ["kimitsu/kagi"],
    "open-dump": ["kimitsu/dump"],
    "expire-certificate": ["shomei/tls", "shomei/http", "juki/kofu"],
}


async def _backup(folders: Folders) -> None:
    cache = folders.root / "cache"
    target = arguments.Target(
        restic_program(), str(folders.repository), folders.password, cache, cache
    )
    argv = [target.program, "-r", target.location, "--password-file", str(target.password_file)]
    done = await process.run(
        [*argv, "--no-cache", "backup", "--force", "--", str(folders.register)],
        deadline=60,
        env=arguments.environment(target),
    )
    assert done.returncode == 0, done.last_lines


async def _restic(folders: Folders, *words: str) -> process.Completed:
    cache = folders.root / "cache"
    target = arguments.Target(
        restic_program(), str(folders.repository), folders.password, cache, cache
    )
    argv = [target.program, "-r", target.location, "--password-file", str(target.password_file)]
    return await process.run(
        [*argv, "--no-cache", "--no-lock", *words], deadline=60, env=arguments.environment(target)
    )


async def _snapshots(folders: Folders) -> list[str]:
    done = await _restic(folders, "snapshots", "--json")
    assert done.returncode == 0, done.last_lines
    return [row["id"] for row in json.loads(done.stdout)]


@pytest.mark.parametrize("id", SEEN_BY)
async def test_a_broken_service_is_seen_by_its_checks_and_healed(
    city: PracticeCity, eyes: Eyes, id: str
) -> None:
    await city.faults.inject(id)
    for check in SEEN_BY[id]:
        assert (await eyes.see(check)).status is Status.FAILED, check
    untouched = "line/tcp" if id == "cut-head-office" else "zei/http"
    assert (await eyes.see(untouched)).status is Status.OK
    await city.faults.heal(id)
    for check in SEEN_BY[id]:
        assert (await eyes.see(check)).status is Status.OK, check


async def test_a_flipped_bit_is_found_by_reading_the_data_and_healed_to_the_byte(
    city: PracticeCity,
) -> None:
    await _backup(city.folders)
    before = tree_of(city.folders.repository)
    await city.faults.inject("flip-byte")
    after = tree_of(city.folders.repository)
    [changed] = [name for name in before if before[name] != after[name]]
    assert changed.startswith("data/")
    assert after[changed][:2] == before[changed][:2]  # mode and time look untouched
    assert (await _restic(city.folders, "check", "--read-data")).returncode != 0
    await city.faults.heal("flip-byte")
    assert tree_of(city.folders.repository) == before
    assert (await _restic(city.folders, "check", "--read-data")).returncode == 0


@pytest.mark.parametrize("id", ["roll-back", "delete-snapshot"])
async def test_a_vanished_snapshot_leaves_restic_content_and_comes_back(
    city: PracticeCity, id: str
) -> None:
    await _backup(city.folders)
    (city.folders.register / "異動履歴.json").write_bytes(b"[]")
    await _backup(city.folders)
    before, snapshots = tree_of(city.folders.repository), await _snapshots(city.folders)
    await city.faults.inject(id)
    assert len(await _snapshots(city.folders)) == 1
    assert (await _restic(city.folders, "check", "--read-data")).returncode == 0
    if id == "roll-back":
        assert {
            name.split("/")[0] for name in before.keys() - tree_of(city.folders.repository)
        } == {
            "data",
            "index",
            "snapshots",
        }
    await _backup(city.folders)  # the daemon goes on meanwhile: what it writes must stay
    await city.faults.heal(id)
    after = tree_of(city.folders.repository)
    assert {name: after[name] for name in before} == before
    assert set(snapshots) < set(await _snapshots(city.folders))
    assert (await _restic(city.folders, "check", "--read-data")).returncode == 0


async def test_with_one_snapshot_rolling_back_empties_the_repository(city: PracticeCity) -> None:
    await _backup(city.folders)
    before = tree_of(city.folders.repository)
    await city.faults.inject("roll-back")
    assert await _snapshots(city.folders) == []
    await city.faults.heal("roll-back")
    assert tree_of(city.folders.repository) == before


async def test_without_a_backup_there_is_nothing_to_damage(city: PracticeCity) -> None:
    for id in ("flip-byte", "roll-back", "delete-snapshot"):
        with pytest.raises(Refused, match="まだバックアップがありません"):
            await city.faults.inject(id)
    assert not any(state.active for state in city.faults.states())


async def test_two_damages_of_one_repository_exclude_each_other(city: PracticeCity) -> None:
    await _backup(city.folders)
    await city.faults.inject("flip-byte")
    with pytest.raises(Refused, match="heal 'flip-byte' first"):
        await city.faults.inject("roll-back")
    await city.faults.inject("flip-byte")  # twice is the same as once
    await city.faults.inject("open-key")


async def test_a_restart_keeps_what_is_broken(
    data: Path, workers: Workers, city: PracticeCity
) -> None:
    for id in ("cut-branch", "expire-certificate", "open-key", "stop-juki"):
        await city.faults.inject(id)
    since = {state.fault.id: state.since for state in city.faults.states() if state.active}
    await city.stop()

    again = PracticeCity(data, SystemClock(), workers)
    await again.prepare()
    await again.start()
    states = {state.fault.id: state.since for state in again.faults.states() if state.active}
    modes = again.town.modes()
    await again.faults.heal_all()
    healed = set(again.town.modes().values())
    await again.stop()
    assert states == since
    assert (modes["line"], modes["juki"], modes["zei"]) == ("cut", "stopped", "running")
    assert healed == {"running"}
    assert again.folders.sealing_key.stat().st_mode & 0o777 == 0o600


async def test_a_kill_between_writing_down_and_damaging_is_made_good_at_the_next_start(
    data: Path, workers: Workers, city: PracticeCity
) -> None:
    await _backup(city.folders)
    before = tree_of(city.folders.repository)
    damage = TakeAway("roll-back", rollback=True)
    memory = damage.choose(city.folders)
    entry = {"roll-back": {"since_us": 1, "memory": memory}}
    await city.stop()
    city.folders.faults.write_text(json.dumps(entry), encoding="utf-8")

    again = PracticeCity(data, SystemClock(), workers)
    await again.prepare()
    await again.start()
    broken = tree_of(again.folders.repository)
    await again.faults.heal("roll-back")
    healed = tree_of(again.folders.repository)
    await again.stop()
    assert broken != before
    assert healed == before


async def test_a_damaged_book_of_faults_is_named_and_not_guessed(
    data: Path, workers: Workers, city: PracticeCity
) -> None:
    await city.stop()
    city.folders.faults.write_bytes(b"{")
    again = PracticeCity(data, SystemClock(), workers)
    await again.prepare()
    with pytest.raises(BcpError, match="faults"):
        await again.start()
    await again.stop()


async def test_an_unknown_fault_is_refused_with_a_guess(city: PracticeCity) -> None:
    with pytest.raises(UsageError, match="stop-juki"):
        await city.faults.inject("stop-jyuki")


async def test_the_command_line_breaks_lists_and_heals(city: PracticeCity) -> None:
    row = await set_fault(city, "open-key", True)
    assert row["active"]
    assert isinstance(row["since_us"], int)
    assert [one["id"] for one in await list_faults(city) if one["active"]] == ["open-key"]
    assert json.dumps(await list_faults(city))
    await set_fault(city, "all", False)
    assert not any(one["active"] for one in await list_faults(city))


def test_every_fault_says_what_it_is_and_what_to_look_at_in_both_languages() -> None:
    for fault in FAULTS:
        for part in ("title", "look"):
            said = catalogue()[f"demo.fault.{fault.id}.{part}"]
            assert said.ja
            assert said.en
            assert said.ja != said.en


FILE_FAULTS = ["flip-byte", "delete-snapshot", "roll-back", "open-key", "open-dump", "stop-juki"]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.sampled_from(FILE_FAULTS), st.booleans()), max_size=12))
async def test_whatever_is_broken_in_whatever_order_healing_all_brings_everything_back(
    city: PracticeCity, acts: list[tuple[str, bool]]
) -> None:
    if not list((city.folders.repository / "snapshots").iterdir()):
        await _backup(city.folders)
        await _backup(city.folders)
    before = tree_of(city.folders.repository), tree_of(city.folders.host)
    for id, on in acts:
        try:
            await (city.faults.inject(id) if on else city.faults.heal(id))
        except Refused:
            pass
    await city.faults.heal_all()
    assert (tree_of(city.folders.repository), tree_of(city.folders.host)) == before
