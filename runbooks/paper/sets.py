"""Which sheets belong to which set: by 様式番号, by role, by site. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping

from bcp.plan.model import City
from runbooks.paper import field_forms, forms, plan_forms
from runbooks.paper.sheet import Sheet
from runbooks.paper.sheets import Press, runbook

BLANK_DAMAGE = 10
"""Blank damage sheets in a whole set."""


def _runbooks(press: Press) -> tuple[Sheet, ...]:
    return tuple(runbook(press, item) for item in press.book)


SETS: Mapping[str, Callable[[Press], tuple[Sheet, ...]]] = {
    "card": lambda press: (forms.first_card(press),),
    "7": lambda press: (field_forms.copies(press),),
    "8": lambda press: (plan_forms.organisation(press),),
    "9": lambda press: (forms.contacts(press),),
    "10": lambda press: (plan_forms.action_plan(press),),
    "first-hour": plan_forms.first_hours,
    "11": lambda press: (forms.damage(press),),
    "12": lambda press: (plan_forms.drill_plan(press),),
    "16": lambda press: (plan_forms.services(press),),
    "17": lambda press: (plan_forms.systems(press),),
    "network": lambda press: (field_forms.network(press),),
    "log": lambda press: (field_forms.happenings(press),),
    "media": lambda press: (field_forms.media(press),),
    "counter": field_forms.counters,
    "runbooks": _runbooks,
}
"""Name -> its sheets, in the order of use: the card first, the runbooks last."""

TITLES: Mapping[str, str] = {
    "card": "初参集者カード",
    "7": "様式7 控え(バックアップ)の場所",
    "8": "様式8 緊急時対応体制",
    "9": "様式9 緊急連絡先一覧(個人情報)",
    "10": "様式10 行動計画",
    "first-hour": "最初の1時間(役割ごと)",
    "11": "様式11 被害チェックシート",
    "12": "様式12 訓練計画",
    "16": "様式16 重要業務一覧",
    "17": "様式17 重要情報システム一覧",
    "network": "様式1・3・4 機器の場所と接続先",
    "log": "出来事の記録(白紙)",
    "media": "媒体の受け渡し記録(白紙)",
    "counter": "手書き受付簿(業務ごと・白紙)",
    "runbooks": "手順書すべて",
}
PERSONAL = frozenset({"card", "8", "9", "first-hour"})
"""Sets that name people."""


def sheets_of(
    press: Press,
    names: Iterable[str] = (),
    *,
    role: str | None = None,
    site: str | None = None,
    damage: int = 1,
) -> tuple[Sheet, ...]:
    """The sheets of these sets (none = all), of one role or one site where asked.

    `role`: its first hour and the runbooks in which it does something. `site`: the runbooks of
    systems that stand there, and those of no system.
    """
    wanted = tuple(names) or tuple(SETS)
    found: list[Sheet] = []
    for name, make in SETS.items():
        if name not in wanted:
            continue
        made = make(press)
        if name == "11":
            made = made * max(1, damage)
        found += [sheet for sheet in made if _fits(press, name, sheet, role, site)]
    return tuple(found)


def _fits(press: Press, name: str, sheet: Sheet, role: str | None, site: str | None) -> bool:
    if name == "first-hour" and role is not None:
        return sheet.id == f"first-hour-{role}"
    if name != "runbooks":
        return True
    item = press.book.get(sheet.id)
    assert item is not None
    if role is not None:
        known = press.city.role(role)
        names = {role, known.name if known else role}
        if not names & {item.role_of(step, press.hours) for step in item.steps}:
            return False
    if site is not None and item.system is not None:
        system = press.city.system(item.system)
        return system is None or not system.sites or site in system.sites
    return True


def digest(sheets: Iterable[Sheet]) -> str:
    """SHA-256 of what the sheets say, not of the day they are printed."""
    said = json.dumps([sheet.sha256 for sheet in sheets])
    return hashlib.sha256(said.encode()).hexdigest()


def people_digest(city: City) -> str:
    """SHA-256 of who has which role and how to reach them: turns stale every April."""
    said = {
        "roles": [[role.id, list(role.succession)] for role in city.roles],
        "people": [
            [person.id, person.name, person.phone, person.mobile, person.radio]
            for person in city.people
        ],
    }
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
