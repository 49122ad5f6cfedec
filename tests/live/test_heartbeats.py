"""Jobs call the real daemon with curl, as a crontab would; it is killed in between."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.small_town import Town
from tests.service_process import wait_for

pytestmark = pytest.mark.live
SECRET = "kurikoma-yakan-7f3a91c2"
MORE = """  - {{id: juki/yakan, kind: heartbeat, system: juki, token_file: "{token}", cron: "0 1 * * *",
     grace: 30m, every: 1s, timeout: 1s}}
  - {{id: juki, kind: heartbeat, system: juki, token_file: "{other}", interval: 1h, every: 1s,
     timeout: 1s}}
"""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path, tmp_path / "data")
    token, other = tmp_path / "token", tmp_path / "other"
    for file, secret in ((token, SECRET), (other, SECRET[::-1])):
        file.write_text(secret + "\n")
        file.chmod(0o600)
    plan = town.plan / "plan.yaml"
    head, notify, tail = plan.read_text().partition("notify:")
    plan.write_text(head + MORE.format(token=token, other=other) + notify + tail)
    try:
        town.service.start()
        yield town
    finally:
        town.close()


def curl(town: Town, path: str, *options: str) -> str:
    """The status, as curl saw it."""
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "10", *options]
    done = subprocess.run(
        [*command, f"{town.service.url}/heartbeat/{path}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout


BEARER = ("-H", f"Authorization: Bearer {SECRET}")


def state(town: Town) -> str:
    return town.state("juki/yakan")


def test_a_job_reports_by_header_or_address_and_is_remembered_over_a_kill(town: Town) -> None:
    wait_for(lambda: state(town) == "unknown", 20)  # never heard is not failed

    assert curl(town, "juki/yakan/fail", *BEARER, "-X", "POST") == "200"
    wait_for(lambda: state(town) == "failed", 5)
    assert curl(town, f"juki/yakan/start/{SECRET}") == "200"
    assert curl(town, f"juki/yakan/{SECRET}", "--retry", "3") == "200"
    wait_for(lambda: state(town) == "ok", 5)
    assert curl(town, "juki/yakan", *BEARER, "-d", "output of the job") == "200"

    town.service.kill()
    town.service.start()
    wait_for(lambda: state(town) == "ok", 10)

    kept = (town.service.data / "heartbeats.jsonl").read_text()
    assert [json.loads(line)["check"] for line in kept.splitlines()[1:]] == ["juki/yakan"]
    everything = town.service.said() + kept + json.dumps(town.entries())
    assert SECRET not in everything


def test_strangers_and_wrong_secrets_learn_and_change_nothing(town: Town) -> None:
    refused = [
        curl(town, "juki/yakan"),
        curl(town, "juki/yakan/wrong-wrong-wrong-wrong"),
        curl(town, "juki/yakan", "-H", "Authorization: Bearer wrong-wrong-wrong-wrong"),
        curl(town, "juki/yakan", "-H", "Authorization: Basic eDp5"),
        curl(town, f"juki/yakan/{SECRET[::-1]}"),  # another job's
        curl(town, f"juki/{SECRET}"),
        curl(town, f"juki/port/{SECRET}"),  # no heartbeat
        curl(town, f"nobody/here/{SECRET}"),
        curl(town, f"juki/yakan/stop/{SECRET}"),
        curl(town, f"juki/yakan/start/x/{SECRET}"),
        curl(town, "%2e%2e/%00/x"),
    ]

    assert refused == ["403"] * len(refused)
    assert curl(town, f"juki/yakan/{SECRET}", "-I") == "405", "a look at a link is no sign"
    assert curl(town, f"juki/yakan/{SECRET}", "-X", "DELETE") != "200"
    assert state(town) == "unknown"
    assert curl(town, f"juki/{SECRET[::-1]}") == "200"
    wait_for(lambda: town.state("juki") == "ok", 5)
    assert state(town) == "unknown"


def test_a_changed_secret_counts_at_once(town: Town) -> None:
    token = town.service.data.parent / "token"
    token.write_text("another-another-another\n")

    assert curl(town, "juki/yakan", *BEARER) == "403"
    assert curl(town, "juki/yakan/another-another-another") == "200"
