"""Rules between the rooms of a plan: basic checks, zones, permissions, proofs."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from bcp.plan.marks import PlanInvalid
from bcp.service.plan import Plan, load, load_kept
from bcp.service.reload import Portable, assemble, needs_restart, read_portable
from tests.fakes import ManualClock

TODAY = date(2026, 11, 23)
HEAD = "organization: {name: 試験市}\nnode: {id: town, zone: LGWAN接続系}\n"
SYSTEM = "systems:\n  - {id: juki, name: 住民記録, zone: LGWAN接続系, host: 10.0.0.1, url: 'https://juki.example/'%s}\n"
PERMISSION = ", permission: {by: 情報部門責任者, reference: 第5号, until: %s}"


def plan(folder: Path, text: str) -> Plan:
    folder.mkdir(exist_ok=True)
    (folder / "plan.yaml").write_text(text)
    return load(folder, TODAY)


def test_a_host_and_a_url_stand_for_their_basic_checks(tmp_path: Path) -> None:
    found = plan(tmp_path, HEAD + SYSTEM % "")

    assert [check.id for check in found.checks] == ["juki/ping", "juki/http", "juki/tls"]


@pytest.mark.parametrize(
    ("permission", "runs"),
    [("", False), (PERMISSION % "2026-11-22", False), (PERMISSION % "2026-11-23", True)],
)
def test_a_host_of_a_closed_zone_is_looked_at_only_by_permission(
    tmp_path: Path, permission: str, runs: bool
) -> None:
    found = plan(tmp_path, HEAD + SYSTEM % permission)

    assert bool(found.blocked) is not runs
    assert all("許可" in why.ja for why in found.blocked.values())


def test_a_check_of_another_zone_is_a_fault(tmp_path: Path) -> None:
    other = SYSTEM.replace("zone: LGWAN接続系", "zone: インターネット接続系") % ""

    with pytest.raises(PlanInvalid, match="別区画"):
        plan(tmp_path, HEAD + other)


def test_no_check_logs_in_where_residents_numbers_are_used(tmp_path: Path) -> None:
    zone = "マイナンバー利用事務系"
    head = HEAD.replace("LGWAN接続系", zone)
    system = f"systems: [{{id: juki, name: 住民記録, zone: {zone}}}]\n"
    check = "checks:\n  - {id: ad/bind, kind: ldap, system: juki, host: 10.0.0.1%s}\n"
    user = ", user: 'cn=x', password_file: /x"

    assert plan(tmp_path, head + system + check % "").checks
    with pytest.raises(PlanInvalid, match=r"plan.yaml:5:\d+: .*ログインします"):
        plan(tmp_path, head + system + check % user)
    assert plan(tmp_path, (HEAD + system.replace(zone, "LGWAN接続系") + check % user)).checks


def test_a_proof_must_name_a_check_that_exists(tmp_path: Path) -> None:
    proof = ", targets: [{level: L1, name: 照会, proven_by: [juki/htp]}]"

    with pytest.raises(PlanInvalid, match="did you mean 'juki/http'"):
        plan(tmp_path, HEAD + SYSTEM % proof)


def test_an_accepted_plan_reads_back_from_its_archive(tmp_path: Path) -> None:
    found = plan(tmp_path, HEAD + SYSTEM % "")

    again = load_kept(found.kept, found.personal, TODAY)

    assert (again.digest, again.city, again.checks) == (found.digest, found.city, found.checks)


def test_a_plan_kept_as_whole_files_before_is_still_read(tmp_path: Path) -> None:
    found = plan(tmp_path, HEAD + SYSTEM % "")
    before = json.dumps({name: text.decode() for name, text in found.files.items()}).encode()

    again = load_kept(before, {}, TODAY)

    assert (again.city, again.checks) == (found.city, found.checks)


@pytest.mark.parametrize("name", ["minimal", "kurihara"])
async def test_a_plan_that_travelled_between_processes_is_equal(repo_root: Path, name: str) -> None:
    folder = repo_root / "config" / name
    whole = load(folder, TODAY)

    portable = read_portable(str(folder), TODAY.isoformat())
    assert isinstance(portable, Portable)
    again = await assemble(portable, ManualClock())

    for part in ("city", "checks", "blocked", "backups", "notify", "access", "log", "digest"):
        assert getattr(again, part) == getattr(whole, part), part
    assert list(again.book) == list(whole.book)
    assert needs_restart(whole, again) == ()


def test_what_only_a_start_reads_is_named(tmp_path: Path) -> None:
    before = plan(tmp_path / "a", HEAD)
    after = plan(
        tmp_path / "b",
        HEAD.replace("id: town,", "id: town, host_roots: [/srv],") + "access: {port: 9000}\n",
    )

    assert needs_restart(before, after) == ("access", "node.host_roots")
