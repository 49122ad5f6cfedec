"""What a plan that runs still lacks, most dangerous first (`check-config --gaps`). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bcp.kit.language import Text
from bcp.plan.model import City, Service, System

_WEIGHT = {"S": 0, "A": 10, "B": 20, "C": 30, "D": 40, None: 15}


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """One thing left unset (未設定) or unconfirmed (要確認). A lower `danger` comes first."""

    danger: int
    subject: str
    key: str
    ja: str
    en: str

    @property
    def text(self) -> Text:
        """What is missing and what that means."""
        return Text(self.ja, self.en)


def gaps(city: City, checked: frozenset[str], backed_up: frozenset[str]) -> list[Gap]:
    """Everything unset. `checked` and `backed_up`: systems with a check, with a backup set."""
    found = [*_roles(city), *_services(city)]
    for system in city.systems:
        found += _system(city, system, checked, backed_up)
    return sorted(found)


def _roles(city: City) -> Iterator[Gap]:
    for role in city.roles:
        if len(role.succession) < 3:
            ja = f"{role.name}: 代行順位が {len(role.succession)} 人しかない (3人以上にする)"
            en = f"{role.id}: only {len(role.succession)} in the order of succession (want 3)"
            yield Gap(5, f"role:{role.id}", "succession", ja, en)
    for person in city.people:
        if not (person.phone or person.mobile):
            ja, en = f"{person.name}: 電話番号がない", f"{person.id}: no phone number"
            yield Gap(25, f"person:{person.id}", "phone", ja, en)


def _services(city: City) -> Iterator[Gap]:
    for service in city.services:
        weight = _WEIGHT[service.priority]
        yield from _service(service, weight)


def _service(service: Service, weight: int) -> Iterator[Gap]:
    subject = f"service:{service.id}"
    if not service.needs:
        ja = f"{service.name}: 必要なシステムが書かれていない"
        yield Gap(weight + 2, subject, "needs", ja, f"{service.id}: no systems named")
    if service.rto_disaster is None:
        ja = f"{service.name}: 災害時の目標復旧時間が未設定"
        yield Gap(weight + 1, subject, "rto_disaster", ja, f"{service.id}: no RTO for a disaster")
    if not service.alternate:
        ja = f"{service.name}: 代替手段(紙での進め方)が未設定"
        yield Gap(weight, subject, "alternate", ja, f"{service.id}: no alternate means")


def _system(
    city: City, system: System, checked: frozenset[str], backed_up: frozenset[str]
) -> Iterator[Gap]:
    weight, subject, name = _WEIGHT[system.priority], f"system:{system.id}", system.name
    if system.priority is None:
        yield Gap(8, subject, "class", f"{name}: 優先度が未設定", f"{system.id}: no class")
    if not system.targets:
        ja = f"{name}: 目標(水準・RTO・RPO)が未設定"
        yield Gap(weight + 1, subject, "targets", ja, f"{system.id}: no targets")
    for target in system.targets:
        where = f"{subject}.{target.level}"
        if target.rto_disaster is None:
            ja = f"{name} {target.level}: 災害時のRTOが未設定"
            yield Gap(weight + 2, where, "rto_disaster", ja, f"{system.id} {target.level}: no RTO")
        if not target.proven_by:
            ja = f"{name} {target.level}: 達成を証明する検査がない"
            en = f"{system.id} {target.level}: nothing proves this level"
            yield Gap(weight + 3, where, "proven_by", ja, en)
        if target.unconfirmed:
            ja, en = f"{name} {target.level}: 要確認", f"{system.id} {target.level}: unconfirmed"
            yield Gap(weight + 60, where, "unconfirmed", ja, en)
    if system.owner_role is None:
        ja = f"{name}: 担当の役割が未設定"
        yield Gap(weight + 3, subject, "owner_role", ja, f"{system.id}: no owner role")
    if system.zone == city.node.zone and system.id not in checked:
        ja = f"{name}: 検査がない(見張られていない)"
        yield Gap(weight + 4, subject, "checks", ja, f"{system.id}: no check watches it")
    if system.id not in backed_up:
        ja = f"{name}: バックアップの定義がない"
        yield Gap(weight + 4, subject, "backups", ja, f"{system.id}: no backup set")
