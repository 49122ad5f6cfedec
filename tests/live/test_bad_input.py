"""Bad input to the real program: one clear message, the right exit code, nothing lost."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.large_plan import write
from tests.live.small_town import Town, get
from tests.service_process import Service, wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

GOOD = """organization: {name: 試験市}
node: {id: town, zone: インターネット接続系}
systems:
  - {id: juki, name: 住民記録, zone: インターネット接続系}
checks:
  - {id: juki/port, kind: tcp, system: juki, host: 127.0.0.1, port: 9}
"""
CYCLE = """apiVersion: ict-bcp/v1
kind: Runbook
id: turn
version: 1
title: まわる手順
purpose: recover
system: juki
owner_role: joho
steps:
  - {id: turn.a, type: action, title: はじめ, needs: [turn.c], detail: [する]}
  - {id: turn.b, type: action, title: つぎ, needs: [turn.a], detail: [する]}
  - {id: turn.c, type: action, title: おわり, needs: [turn.b], detail: [する]}
"""


def bcp(*words: object) -> subprocess.CompletedProcess[str]:
    """The program, as typed, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "bcp", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


def plan(folder: Path, text: str = GOOD) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.yaml").write_text(text)
    return folder


def one_message(done: subprocess.CompletedProcess[str], *words: str, code: int = 2) -> None:
    """That exit code, nothing on stdout, these words on stderr, and no trace of our own."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


BAD = {
    "broken YAML": (GOOD + "systems: [", "plan.yaml:8:1", "YAML"),
    "a duplicate key": (GOOD + "organization: {name: 二つ目}\n", "plan.yaml:7:1", "二重"),
    "an unknown reference": (
        GOOD.replace("system: juki,", "system: juukii,"),
        "plan.yaml:6:32: checks.0.system",
        "did you mean 'juki'?",
    ),
    "an unknown key": (GOOD + "systens: []\n", "plan.yaml:7:1", "did you mean 'systems'?"),
    "an empty file": ("", "plan.yaml:1:1", "node"),
    "only a word": ("こんにちは\n", "plan.yaml:1:1", "キー: 値"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_plan_is_named_by_line_and_column(tmp_path: Path, what: str) -> None:
    text, *words = BAD[what]
    folder = plan(tmp_path / "plan", text)

    one_message(bcp("check-config", folder), *words)
    one_message(bcp("run", folder, "--data", tmp_path / "data"), *words)
    assert not (tmp_path / "data").exists(), "a plan refused leaves nothing behind"
    done = bcp("check-config", "--json", folder)
    assert done.returncode == 2
    assert json.loads(done.stdout)["ok"] is False


def test_files_that_are_no_plan_are_refused_each_by_name(tmp_path: Path) -> None:
    folder = plan(tmp_path / "plan")
    (folder / "a-book.yaml").write_bytes(b"kind: Runbook\nname: \xff\xfe\n")
    (folder / "b-folder.yaml").mkdir()
    os.mkfifo(folder / "c-pipe.yaml")
    (folder / "d-loop.yaml").symlink_to("d-loop.yaml")
    (folder / "again").symlink_to(folder)
    with (folder / "e-dump.yaml").open("wb") as file:
        file.truncate(50_000_000)

    begun = time.monotonic()
    done = bcp("check-config", folder)

    one_message(done, "a-book.yaml:1:1: UTF-8", "b-folder.yaml:1:1", "c-pipe.yaml:1:1")
    one_message(done, "d-loop.yaml:1:1", "e-dump.yaml:1:1: 大きすぎます", "5 件の誤り")
    assert time.monotonic() - begun < 30


def test_a_plan_folder_that_is_missing_or_empty_is_said(tmp_path: Path) -> None:
    one_message(bcp("check-config", tmp_path / "nowhere"), "計画のフォルダがありません", "nowhere")
    one_message(bcp("check-config", tmp_path), "YAML がありません")


WRONG = (
    ("    tmeout: 3s\n", "did you mean 'timeout'?"),
    ("    timeout: abc\n", "duration"),
    ("    site: nowhere\n", "nowhere"),
    ("    port: 10\n", "二重"),
    ("    confirm: {failures: 0}\n", "greater than"),
)


def test_fifty_faults_in_ten_thousand_checks_are_all_listed(tmp_path: Path) -> None:
    wrong = {7 + 200 * k: WRONG[k % len(WRONG)][0] for k in range(50)}
    folder = write(tmp_path / "plan", 10_000, wrong=wrong)

    done = bcp("check-config", folder)

    lines = [line for line in done.stderr.splitlines() if line.startswith("checks.yaml:")]
    one_message(done, "50 件の誤り")
    assert len(lines) == 50
    for number, line in zip(sorted(wrong), lines, strict=True):
        row = (
            2 + number * 6 + (number + 199 - 7) // 200
        )  # six lines each, one more per fault before
        file, at, column, *_rest = line.split(":")
        assert (file, int(at) - row in range(7)) == ("checks.yaml", True), (number, line)
        assert int(column) > 1
        assert WRONG[(number - 7) // 200 % len(WRONG)][1] in line


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path, tmp_path / "data")
    try:
        town.service.start()
        yield town
    finally:
        town.close()


def test_a_running_daemon_keeps_its_plan_when_the_new_one_is_bad(town: Town) -> None:
    wait_for(lambda: town.state() == "ok", 20)
    wrong = {7 + 200 * k: WRONG[k % len(WRONG)][0] for k in range(50)}
    write(town.plan, 10_000, wrong=wrong)
    (town.plan / "plan.yaml").unlink()

    status, answer = asyncio.run(town.service.call("/-/reload", {}))

    assert status == 400
    assert "50 件の誤り" in answer["what"]
    assert answer["what"].count("checks.yaml:") >= 50
    assert town.metric("ict_bcp_config_last_reload_successful") == 0
    assert [row["check"] for row in town.call("/api/v1/status")[1]["checks"]] == [
        "juki/port",
        "juki/seen",
    ]
    assert town.state() == "ok"
    assert town.ready() == 200
    assert [e["kind"] for e in town.entries()].count("plan.accepted") == 1

    shutil.rmtree(town.plan)
    town.plan.mkdir()
    status, answer = asyncio.run(town.service.call("/-/reload", {}))
    assert (status, "YAML がありません" in answer["what"]) == (400, True)
    town.write_plan()
    assert asyncio.run(town.service.call("/-/reload", {}))[0] == 200
    assert town.metric("ict_bcp_config_last_reload_successful") == 1


def test_a_runbook_that_goes_in_circles_is_told_and_traps_nobody(tmp_path: Path) -> None:
    folder = plan(tmp_path / "plan")
    (folder / "turn.yaml").write_text(CYCLE)

    done = bcp("check-config", folder)
    assert done.returncode == 1, done.stderr
    assert "turn.yaml:8:" in done.stdout
    assert "E001" in done.stdout
    assert bcp("runbook", "lint", folder).returncode == 1

    data = tmp_path / "data"
    service = Service.over(folder, data)
    service.start()
    try:
        wait_for(lambda: "E001" in service.said(), 20, service.said)

        def call(path: str, body: dict[str, object] | None = None) -> tuple[int, dict[str, Any]]:
            return asyncio.run(service.call(f"/api/v1/{path}", body))

        status, shown = call("disaster/declare", {"reason": "試験", "level": 3})
        assert status == 200, shown
        for _turn in range(3):
            step = call("disaster/show")[1]["next"][0]["step"]
            for result in ("start", "done"):
                status, answer = call("disaster/step", {"step": step, "result": result})
                assert status == 200, (answer, call("disaster/show")[1])
        assert set(call("disaster/show")[1]["steps"].values()) == {"done"}
    finally:
        service.stop()


def test_a_port_in_use_is_said_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        folder, data = plan(tmp_path / "plan"), tmp_path / "data"

        done = bcp("run", folder, "--data", data, "--port", port)

    assert done.returncode == 2
    assert f"ポート {port} は使われています" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (data / "control.sock").exists()


def test_a_second_daemon_names_the_first_and_leaves_it_alone(town: Town) -> None:
    assert town.service.process is not None

    done = bcp("run", town.plan, "--data", town.service.data, "--port", 0)

    one_message(done, "別の ict-bcp が使っています", f"pid {town.service.process.pid}", "--data")
    assert town.ready() == 200
    assert town.call("/api/v1/log/verify")[1]["ok"]


def test_a_data_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    folder = plan(tmp_path / "plan")
    (tmp_path / "file").write_text("not a folder")
    one_message(bcp("run", folder, "--data", tmp_path / "file"), "データフォルダが使えません")
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0)
    command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]  # root, held to modes
    done = subprocess.run(
        [
            *(command if os.geteuid() == 0 else []),
            *(sys.executable, "-m", "bcp", "run", str(folder), "--data", str(closed)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    closed.chmod(0o700)
    one_message(done, "データフォルダが使えません", "所有者と権限")


@pytest.mark.skipif(shutil.which("restic") is None, reason="no restic here")
def test_a_repository_with_a_wrong_password_is_a_result_not_an_end(tmp_path: Path) -> None:
    source, repository = tmp_path / "source", tmp_path / "repository"
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    source.mkdir()
    (source / "a.txt").write_text("住民\n")
    for file, secret in ((right, "right-and-secret"), (wrong, "wrong-and-secret")):
        file.write_text(f"{secret}\n")
        file.chmod(0o600)
    restic = ["restic", "init", "-r", str(repository), "--password-file", str(right)]
    subprocess.run(restic, check=True, capture_output=True)
    text = f"""backups:
  - id: juki
    kind: restic
    system: juki
    sources: ["{source}"]
    every: null
    repositories: [{{id: main, location: "{repository}", password_file: "{wrong}"}}]
"""
    service = Service.over(plan(tmp_path / "plan", GOOD + text), tmp_path / "data")
    service.start()
    try:
        status, answer = asyncio.run(service.call("/api/v1/backup/run", {"set": "juki"}))
        assert status == 200, answer
        assert answer["verdict"] in ("finding", "unknown")
        assert answer["done"][0]["snapshot"] is None
        assert "合言葉" in answer["done"][0]["sentence"] or "パスワード" in str(answer), answer
        status, board = asyncio.run(service.call("/api/v1/status"))
        rows = {row["check"]: row["status"] for row in board["checks"]}
        assert rows["backup/juki/main/1"] in ("failed", "unknown"), rows
        assert get(f"{service.url}/-/ready")[0] == 200
        assert "and-secret" not in service.said() + json.dumps([answer, board])
    finally:
        assert service.stop() == 0
