"""The practice city's own plan is a good plan: it loads, lints clean and shows what it promises."""

from __future__ import annotations

from datetime import timedelta

from bcp.kit.clock import SystemClock
from bcp.kit.units import JST
from bcp.service import plan
from bcp.service.demo.city import PracticeCity
from probes import kinds
from runbooks.lint import lint


async def _load(city: PracticeCity, days: int = 0) -> plan.Plan:
    today = SystemClock().utc().astimezone(JST).date()
    return plan.load(city.plan_dir, today + timedelta(days=days))


async def test_the_plan_has_no_fault_and_its_runbooks_lint_clean(city: PracticeCity) -> None:
    loaded = await _load(city)
    ids = {check.id for check in loaded.checks}
    sets = {one.id for one in loaded.backups}
    assert lint(loaded.book, loaded.city, checks=ids, backups=sets) == []
    assert {"shodo", "juki-restore", "ransomware-10min"} <= {r.id for r in loaded.book.runbooks}


async def test_permissions_show_in_all_their_forms(city: PracticeCity) -> None:
    loaded = await _load(city)
    assert set(loaded.blocked) == {"zei/kigen-gire"}
    assert "期限切れ" in loaded.blocked["zei/kigen-gire"].ja
    elsewhere = [s.id for s in loaded.city.systems if s.zone != loaded.city.node.zone]
    assert elsewhere == ["web"]


async def test_every_permission_lasts_until_the_plan_is_written_anew(city: PracticeCity) -> None:
    assert set((await _load(city, days=301)).blocked) == {"zei/kigen-gire"}


NOT_PRACTISED = {
    "grpc",
    "heartbeat",
    "host",
    "ldap",
    "mail",
    "ntp",
    "nut",
    "pair",
    "ping",
    "quorum",
    "smb",
    "sql",
    "ssh",
    "websocket",
}
"""`ping` needs the kernel's leave and `host` would show the visitor's own machine; for the others
the town has no such server yet."""


async def test_every_kind_of_check_is_practised(city: PracticeCity) -> None:
    found = {check.kind for check in (await _load(city)).checks}
    assert found | NOT_PRACTISED == set(kinds())


async def test_every_role_has_three_names_and_every_service_goes_on_by_paper(
    city: PracticeCity,
) -> None:
    loaded = await _load(city)
    assert all(len(role.succession) >= 3 for role in loaded.city.roles)
    assert all(service.alternate for service in loaded.city.services)


async def test_every_announcement_a_runbook_asks_for_has_its_text(city: PracticeCity) -> None:
    loaded = await _load(city)
    known = {one.id: one for one in loaded.announcements.templates}
    asked = [s.announce for r in loaded.book.runbooks for s in r.steps if s.announce is not None]
    assert asked
    for one in asked:
        assert one.audience in known[one.template].audiences, one.template
