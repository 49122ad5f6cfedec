"""The sample plans: they load, hold together, and mark whatever was invented."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise

import pytest

from bcp.plan.model import System
from bcp.plan.types import Zone
from tests.config.plans import CONFIG, sample

CITY = sample("kurihara").city
TODAY = date(2026, 11, 23)

OTHERS = [
    "lan",
    "wan",
    "lgwan",
    "ad",
    "dns",
    "ntp",
    "musen",
    "lalert",
    "saigai-joho",
    "risai",
    "web",
    "bosai-mail",
    "denwa",
    "mail",
    "groupware",
    "fileserver",
    "juki-cs",
    "chukan",
    "yoshiensha",
    "atena",
    "zaimu",
    "gis",
    "shinsei",
    "konbini",
    "cashless",
    "suido-kanshi",
    "suido-ryokin",
    "jinji",
    "bunsho",
    "telework",
    "toshokan",
    "yoyaku",
    "komu",
    "ai-rpa",
    "gikai",
]
"""What the plan of the city names besides the 20 standard systems."""

DISTRICTS = ["築館", "若柳", "栗駒", "高清水", "一迫", "瀬峰", "鶯沢", "金成", "志波姫", "花山"]

INVENTED = re.compile(
    r"\b(rto|rto_disaster|rpo|mtpd|contract_rto|phone|mobile|mail|until|from|ups|generator|every"
    r"|valid_for|reference|contract|class|host|url|server|location|ratify_within|review_by|edition"
    r"|succession|envelope|authority|priority|accepted_on|session_|origin):"
)
"""Keys whose value the sample had to invent."""


@pytest.mark.parametrize("name", ["minimal", "kurihara"])
def test_a_sample_plan_loads_without_a_fault(name: str) -> None:
    assert [str(fault) for fault in sample(name).faults] == []


@pytest.mark.parametrize("name", ["minimal", "kurihara"])
def test_every_file_names_the_schema_first_and_speaks_japanese_next(name: str) -> None:
    for shown, text in sample(name).texts().items():
        first, second = text.splitlines()[:2]
        assert first.startswith("# yaml-language-server: $schema="), shown
        assert re.match("# .*[぀-ヿ一-鿿]", second), shown


def test_the_smallest_plan_is_twenty_lines_with_one_system() -> None:
    assert len(sample("minimal").texts()["plan.yaml"].splitlines()) <= 22
    assert len(sample("minimal").city.systems) == 1


def test_the_twenty_standard_systems_stand_once_each() -> None:
    numbers = [s.standard_number for s in CITY.systems if s.standard_number is not None]
    text = sample("kurihara").texts()["systems-standard.yaml"]

    assert numbers == list(range(1, 21))
    assert text.count("standard_number:") == text.count("  - id: ") == 20


@pytest.mark.parametrize("system", OTHERS)
def test_the_other_systems_of_the_city_are_there(system: str) -> None:
    assert CITY.system(system) is not None


def test_headquarters_nine_branches_a_data_centre_and_the_cloud_are_there() -> None:
    kinds = [site.kind for site in CITY.sites]
    named = [site.name for site in CITY.sites]

    assert all(any(district in name for name in named) for district in DISTRICTS)
    assert (kinds.count("headquarters"), kinds.count("branch")) == (1, 9)
    assert {"datacenter", "cloud"} <= set(kinds)


def test_every_invented_number_is_marked() -> None:
    silent = []
    for shown, text in sample("kurihara").texts().items():
        for number, line in enumerate(text.splitlines(), start=1):
            code = line.split("  #")[0].split(" # ")[0]
            if line.lstrip().startswith("#") or not INVENTED.search(code):
                continue
            if "要確認" not in line and "unconfirmed: true" not in line:
                silent.append(f"{shown}:{number}: {line.strip()}")
    assert not silent, "\n".join(silent)


def test_whatever_can_say_unconfirmed_says_so() -> None:
    said = [site.unconfirmed for site in CITY.sites]
    said += [person.unconfirmed for person in CITY.people]
    said += [service.unconfirmed for service in CITY.services]
    said += [system.unconfirmed for system in CITY.systems]
    said += [target.unconfirmed for system in CITY.systems for target in system.targets]
    said += [one.unconfirmed for one in sample("kurihara").backups]

    assert all(said)


def test_no_person_phone_or_host_is_real() -> None:
    for person in CITY.people:
        assert re.fullmatch(r"担当\d+", person.name)
        assert re.fullmatch(r"0228-00-\d{4}", person.phone or "")
        assert re.fullmatch(r"000-0000-\d{4}", person.mobile or "")
    for text in sample("kurihara").texts().values():
        hosts = re.findall(r"\b(?:host|server|url|origin): (?:https?://)?([a-z][\w.-]+)", text)
        phones = set(re.findall(r"\b0\d{1,3}-\d{1,4}-\d{4}\b", text))
        assert [host for host in hosts if not host.endswith(".invalid")] == []
        assert all(phone.startswith(("0228-00-", "000-0000-")) for phone in phones)


def test_every_role_has_three_people_in_order() -> None:
    for role in CITY.roles:
        assert len(set(role.succession)) == len(role.succession) >= 3, role.id


def test_no_system_is_promised_before_what_it_stands_on() -> None:
    for system in CITY.systems:
        for need in system.depends_on:
            other = CITY.system(need.system)
            theirs = other.target(need.level or "") if other else None
            assert theirs is not None, (system.id, need.system)
            if need.kind == "soft":
                continue
            for rung in system.targets:
                if need.needed_at(rung.level):
                    assert rung.rto is not None
                    assert theirs.rto is not None
                    assert rung.rto >= theirs.rto, (system.id, need.system)
                    assert rung.rto_disaster is not None
                    assert theirs.rto_disaster is not None
                    assert rung.rto_disaster >= theirs.rto_disaster, (system.id, need.system)


def test_the_order_of_recovery_is_power_building_network_names_login_data_application() -> None:
    def before(first: str, then: str) -> bool:
        system = CITY.system(then)
        assert system is not None
        needs = [need.system for need in system.depends_on]
        return first in needs or any(before(first, need) for need in needs)

    order = ["power", "serverroom", "lan", "vm", "dns", "ad", "db", "juki"]
    assert all(before(a, b) for a, b in pairwise(order))


def test_an_ordinary_failure_is_mended_sooner_than_a_disaster_and_levels_rise() -> None:
    for system in CITY.systems:
        for name in ("rto", "rto_disaster"):
            times = [getattr(target, name) for target in system.targets]
            assert None not in times
            assert times == sorted(times), (system.id, name)
        for target in system.targets:
            assert target.rto is not None
            assert target.rto_disaster is not None
            assert target.rto <= target.rto_disaster, (system.id, target.level)


def test_no_service_is_promised_before_the_systems_it_needs() -> None:
    for service in CITY.services:
        assert service.needs
        for need in service.needs:
            system = CITY.system(need.system)
            rung = system.target(need.level or "") if system else None
            assert rung is not None, (service.id, need)
            assert rung.rto is not None
            assert rung.rto_disaster is not None
            assert service.rto is not None
            assert service.rto_disaster is not None
            assert service.rto >= rung.rto, (service.id, need.system)
            assert service.rto_disaster >= rung.rto_disaster, (service.id, need.system)


def test_every_service_says_in_one_sentence_how_it_goes_on_by_paper() -> None:
    assert 15 <= len(CITY.services) <= 25
    for service in CITY.services:
        assert (service.alternate or "").count("。") == 1, service.id
        assert service.department
        assert service.mtpd


def test_every_system_is_hosted_somewhere_today_and_some_are_moving() -> None:
    hosted = {system.id: system.hosted(TODAY) for system in CITY.systems}

    assert all(hosted.values())
    assert any(len(places) == 2 for places in hosted.values()), "特定移行支援システム"
    assert any(_moved(system) for system in CITY.systems)


def _moved(system: System) -> bool:
    return not system.hosting[0].covers(TODAY) and system.by_provider(TODAY)


def test_machines_look_only_into_the_nodes_own_zone_and_providers_gave_permission() -> None:
    assert CITY.node.zone is Zone.INTERNET
    for check in sample("kurihara").checks:
        if check.reach == "person" or check.system is None:
            continue
        system = CITY.system(check.system)
        assert system is not None
        assert system.zone is CITY.node.zone, check.id
        if system.by_provider(TODAY):
            permission = check.permission or system.permission
            assert permission is not None, check.id
            assert permission.until > TODAY


def test_no_system_of_another_zone_has_a_basic_check() -> None:
    for system in CITY.systems:
        if system.zone is not CITY.node.zone:
            assert system.host is None
            assert system.url is None


def test_every_level_is_proven_by_a_check_that_exists_or_by_nobody_yet() -> None:
    made = {f"{s.id}/{kind}" for s in CITY.systems if s.url for kind in ("http", "tls")}
    known = {check.id for check in sample("kurihara").checks} | made

    for system in CITY.systems:
        for target in system.targets:
            assert set(target.proven_by) <= known, (system.id, target.level)


def test_a_level_proven_higher_holds_the_proofs_of_the_levels_below() -> None:
    juki = CITY.system("juki")
    assert juki is not None
    proofs = [set(target.proven_by) for target in juki.targets]
    assert all(low <= high for low, high in pairwise(proofs))


def test_what_others_back_up_is_attested_and_only_our_zone_is_proven_here() -> None:
    for one in sample("kurihara").backups:
        system = CITY.system(one.system or "")
        assert system is not None
        assert (one.kind == "restic") == (system.zone is CITY.node.zone), one.id


def test_host_files_are_read_only_where_the_node_permits() -> None:
    for check in sample("kurihara").data["checks"]:
        for place in check.get("places", ()):
            roots = CITY.node.host_roots
            assert any(f"{place['path']}/".startswith(f"{root}/") for root in roots), place


def test_no_secret_stands_in_a_sample() -> None:
    for path in CONFIG.rglob("*.y*ml"):
        text = path.read_text("utf-8")
        assert not re.search(r"^\s*(password|token|secret|bearer)\w*:\s*\S", text, re.MULTILINE)
