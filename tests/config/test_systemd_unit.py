"""The unit: what the daemon needs is allowed, all else is not."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tests.config.dashboard_expressions import ROOT

UNIT = ROOT / "config" / "systemd" / "ict-bcp.service"
LINES = [
    line.partition("=")[::2]
    for line in UNIT.read_text("utf-8").splitlines()
    if "=" in line and not line.startswith("#")
]
SET = dict(LINES)


def test_systemd_feeds_on_the_scheduler_and_restarts_what_stops() -> None:
    assert SET["Type"] == "notify"
    assert SET["NotifyAccess"] == "main"
    assert SET["WatchdogSec"] == "30"
    assert SET["Restart"] == "always"


def test_a_wrong_plan_is_not_restarted_in_a_loop() -> None:
    assert SET["RestartPreventExitStatus"] == "2"
    assert int(SET["StartLimitBurst"]) > 0


def test_the_data_outlive_the_user_and_only_the_daemon_reads_them() -> None:
    assert SET["DynamicUser"] == "yes"
    assert (SET["StateDirectory"], SET["StateDirectoryMode"]) == ("ict-bcp", "0700")
    assert SET["UMask"] == "0077"


def test_secrets_come_as_credentials_and_never_by_the_environment() -> None:
    assert SET["LoadCredential"].startswith("secret:")
    assert not any(key.startswith("Environment") for key, _value in LINES)


def test_the_plan_of_the_sample_city_names_its_secrets_as_systemd_hands_them_over() -> None:
    name = SET["LoadCredential"].partition(":")[0]
    folder = f"/run/credentials/{UNIT.name}/{name}_"
    texts = [path.read_text("utf-8") for path in (ROOT / "config" / "kurihara").glob("*.yaml")]
    named = [
        found
        for text in texts
        for found in re.findall(r"(?:password|url)_file: (\S+?)[,}\s]", text)
    ]

    assert named
    assert all(path.startswith(folder) for path in named), named


@pytest.mark.parametrize("key", ["MemoryDenyWriteExecute", "ProtectClock", "ProcSubset"])
def test_what_would_break_a_check_is_left_out_and_the_reason_stands_there(key: str) -> None:
    # pyOpenSSL makes executable callbacks; the clock's error is read by adjtimex and boot_id.
    assert key not in SET
    assert re.search(rf"^#.*{key}.*\(.+\)", UNIT.read_text("utf-8"), re.MULTILINE)


@pytest.mark.live
def test_the_exposure_is_small() -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", str(UNIT)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)

    assert found, done.stdout + done.stderr
    assert float(found[1]) <= 2.0
