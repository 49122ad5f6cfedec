"""Full and read-only disks under the running program: watching, telling and showing go on."""

from __future__ import annotations

import resource
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.small_town import Town, disk, fill, get, remount
from tests.service_process import wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

NOTE = "/api/v1/disaster/note"


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """The data folder on a file system of 8 MiB."""
    yield from disk(tmp_path / "data", "8m")


@pytest.fixture
def town(tmp_path: Path, data: Path) -> Iterator[Town]:
    """Running and ready, with a declared event."""
    town = Town(tmp_path, data)
    try:
        town.service.start()
        wait_for(lambda: town.state() == "ok", 20)
        status, answer = town.call("/api/v1/disaster/declare", {"reason": "試験", "level": 3})
        assert status == 200, answer
        yield town
    finally:
        town.close()


def spoil(town: Town, how: str) -> None:
    """`full`, `read-only` (only while nobody has a file open), `refusing` (every write fails)."""
    match how:
        case "full":
            fill(town.service.data)
        case "read-only":
            remount(town.service.data, "ro")
        case _:
            _limit(town, 0)


def mend(town: Town, how: str) -> None:
    match how:
        case "full":
            (town.service.data / "filler").unlink()
        case "read-only":
            remount(town.service.data, "rw")
        case _:
            _limit(town, resource.RLIM_INFINITY)


def _limit(town: Town, size: int) -> None:
    assert town.service.process is not None
    resource.prlimit(
        town.service.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY)
    )


@pytest.mark.parametrize("how", ["full", "refusing"])
def test_watching_and_telling_go_on_while_nothing_can_be_recorded(town: Town, how: str) -> None:
    assert town.service.process is not None
    pid, before = town.service.process.pid, len(town.service.said())
    acknowledged = [entry["op"] for entry in town.entries()]
    spoil(town, how)

    # a command is refused with a sentence, and nothing of it stays
    def refused() -> bool:
        status, answer = town.call(NOTE, {"text": "余震あり" * 400, "op": "refused"})
        assert status in (200, 503), answer
        if status == 200:  # the last free page took it
            acknowledged.append("refused")
            return False
        assert "記録できていません" in answer["what"]
        assert answer["next"]
        return True

    wait_for(refused, 20)
    wait_for(lambda: town.metric("ict_bcp_log_writable") == 0, 10)
    assert town.ready() == 503
    assert "記録できていません" in get(f"{town.service.url}/-/ready")[1]
    assert get(f"{town.service.url}/status")[0] == 200
    status, answer = town.call("/api/v1/status")
    assert status == 200
    assert any("記録できていません" in line for line in answer["lines"])
    assert town.call("/api/v1/disaster/show")[1]["incident"]

    # probing goes on, and people are told, also that it is not on record
    town.target.down()
    wait_for(lambda: town.state() == "failed", 20)
    wait_for(lambda: bool(town.receiver.told("failed")), 45)
    assert town.receiver.told("failed")[0]["logged"] is False
    assert "記録" in town.receiver.told("failed")[0]["text"]
    town.target.up()
    wait_for(lambda: town.state() == "ok", 20)
    time.sleep(3)
    said = town.service.said()[before:]
    assert "Traceback" not in said
    repeated = Counter(line.split('"timestamp"')[0] for line in said.splitlines())
    assert all(times <= 3 for times in repeated.values()), repeated.most_common(3)

    mend(town, how)
    wait_for(lambda: town.metric("ict_bcp_log_writable") == 1, 20, town.service.said)
    wait_for(lambda: town.ready() == 200, 10)
    status, answer = town.call(NOTE, {"text": "再開", "op": "after"})
    assert status == 200, answer
    wait_for(lambda: bool(town.entries("check.changed")), 30)
    found = town.entries()
    assert [entry["seq"] for entry in found] == list(range(len(found)))
    assert [e["op"] for e in found if e["op"] in acknowledged] == acknowledged
    assert sum(entry["kind"] == "log.gap" for entry in found) == 1
    assert town.call("/api/v1/log/verify")[1]["ok"]
    assert town.service.process is not None
    assert town.service.process.pid == pid
    assert town.service.process.poll() is None, "nothing restarted"


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_restart_on_a_bad_disk_watches_and_knows_the_event(town: Town, how: str) -> None:
    town.call("/api/v1/user/add", _account())
    assert town.service.stop() == 0
    spoil(town, how)

    town.start()

    wait_for(lambda: town.ready() == 503, 10)
    town.target.down()
    wait_for(lambda: bool(town.receiver.told("failed")), 60, town.service.said)
    assert town.receiver.told("failed")[0]["logged"] is False
    assert "Traceback" not in town.service.said()
    if how == "full":
        assert town.call("/api/v1/disaster/show")[1]["incident"]
        assert town.call(NOTE, {"text": "x"})[0] == 503
    assert town.service.stop() == 0, town.service.said()
    mend(town, how)
    town.target.up()
    town.service.start()
    assert town.call("/api/v1/disaster/show")[1]["incident"]
    assert town.call("/api/v1/user/list")[1]["accounts"][0]["login"] == "sato"
    assert town.call(NOTE, {"text": "再開"})[0] == 200


def _account() -> dict[str, object]:
    password = "kuri-no-ki-mori-2026"
    return {"login": "sato", "name": "佐藤", "roles": ["commander"], "password": password}


def test_a_first_start_on_a_full_disk_watches_and_makes_the_log_when_it_can(
    tmp_path: Path, data: Path
) -> None:
    town = Town(tmp_path, data)
    fill(data)
    try:
        town.start()
        town.target.down()
        wait_for(lambda: bool(town.receiver.told("failed")), 60, town.service.said)
        assert town.receiver.told("failed")[0]["logged"] is False
        assert town.ready() == 503
        assert get(f"{town.service.url}/status")[0] == 200
        assert "Traceback" not in town.service.said()
        assert not (data / "real").exists()
        assert town.service.process is not None
        pid = town.service.process.pid

        (data / "filler").unlink()

        wait_for(lambda: town.ready() == 200, 60, town.service.said)
        assert town.service.process.poll() is None
        assert (data / "lock").read_text().strip() == str(pid), "nobody had to restart it"
        wait_for(lambda: bool(town.entries("log.gap")), 20)
        kinds = [entry["kind"] for entry in town.entries()]
        assert kinds[:2] == ["log.created", "log.gap"]
        assert town.entries("log.gap")[0]["detail"]["from_us"] > 0
        assert town.call(NOTE, {"text": "x"})[0] == 409, "no event runs, but the log would take it"
        assert town.call("/api/v1/log/verify")[1]["ok"]
        assert "Traceback" not in town.service.said()
        assert town.service.stop() == 0
    finally:
        town.close()


def test_a_log_rolled_back_is_refused_and_never_made_anew(town: Town, tmp_path: Path) -> None:
    data = town.service.data
    assert town.service.stop() == 0
    old = tmp_path / "old"
    shutil.copytree(data / "real", old)
    town.service.start()
    assert town.call(NOTE, {"text": "あとから"})[0] == 200
    assert town.service.stop() == 0
    shutil.rmtree(data / "real")
    shutil.copytree(old, data / "real")
    files = [p for p in (data / "real").rglob("*") if p.is_file() and p.name != "lock"]
    kept = {p: p.read_bytes() for p in files}

    town.start()

    wait_for(lambda: town.state() == "ok", 20)
    assert town.ready() == 503
    assert town.metric("ict_bcp_log_writable") == 0
    status, answer = town.call(NOTE, {"text": "x"})
    assert status == 503
    assert "記録できていません" in answer["what"]
    assert town.call("/api/v1/disaster/declare", {"reason": "x"})[0] == 503
    _status, board = town.call("/api/v1/status")
    assert any("記録できていません" in line for line in board["lines"])
    assert get(f"{town.service.url}/status")[0] == 200
    town.target.down()
    wait_for(lambda: bool(town.receiver.told("failed")), 60)
    assert town.receiver.told("failed")[0]["logged"] is False
    assert "Traceback" not in town.service.said()
    assert town.service.stop() == 0
    assert kept == {p: p.read_bytes() for p in kept}, "nothing of it was touched"
