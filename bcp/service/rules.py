"""Rules between rooms of the plan. Pure: values and marks in, faults out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from bcp.kit.language import Text
from bcp.plan.crosscheck import duplicates, fault
from bcp.plan.loader import unknown
from bcp.plan.marks import Fault, Tree
from bcp.plan.model import City, Permission, System
from bcp.plan.types import CLOSED_ZONES, Zone
from bcp.watch.check import Check

Placed = tuple[int | None, Check]
"""A check and its row in the plan; None for one made from `host:` or `url:`."""


def all_checks(
    city: City, written: Iterable[tuple[int, Check]], kinds: Mapping[str, type[Check]]
) -> list[Placed]:
    """The written checks and the basic ones that a system's `host:` or `url:` stand for."""
    checks: list[Placed] = [(index, _weighed(city, check)) for index, check in written]
    taken = {check.id for _index, check in checks}
    for system in city.systems:
        basic = _basic(system, kinds)
        checks.extend((None, check) for check in basic if check.id not in taken)
    return checks


def _weighed(city: City, check: Check) -> Check:
    """A confidentiality check knows the class and zone of what it looks at: both weigh in."""
    system = city.system(check.system) if check.system else None
    fields = type(check).model_fields
    if system is None or not {"classification", "zone"} <= fields.keys():
        return check
    known: dict[str, Any] = {"zone": system.zone}
    if system.classification is not None:
        known["classification"] = system.classification.confidentiality
    missing = {name: value for name, value in known.items() if getattr(check, name) is None}
    return check.model_copy(update=missing) if missing else check


def _basic(system: System, kinds: Mapping[str, type[Check]]) -> Iterator[Check]:
    common: dict[str, Any] = {"system": system.id, "permission": system.permission}
    if system.sites:
        common["site"] = system.sites[0]

    def made(kind: str, **fields: Any) -> Check:
        values = {"id": f"{system.id}/{kind}", "kind": kind, **common, **fields}
        return kinds[kind].model_validate(values)

    if system.host:
        yield made("ping", host=system.host)
    if system.url:
        yield made("http", url=system.url)
        parts = urlsplit(system.url)
        if parts.scheme == "https" and parts.hostname:
            yield made("tls", host=parts.hostname, port=parts.port or 443)


def check_faults(city: City, checks: list[Placed], tree: Tree) -> Iterator[Fault]:
    """Double ids, unknown systems and sites, logins where none may be, checks of another zone."""
    yield from duplicates((c.id for i, c in checks if i is not None), "checks", tree)
    systems = {system.id: (n, system) for n, system in enumerate(city.systems)}
    sites = [site.id for site in city.sites]
    for index, check in checks:
        if check.system is not None and check.system not in systems:
            yield fault(tree, ("checks", index or 0, "system"), unknown(check.system, systems))
            continue
        if index is not None and check.site is not None and check.site not in sites:
            yield fault(tree, ("checks", index, "site"), unknown(check.site, sites))
        place, system = systems.get(check.system or "", (0, None))
        if check.logs_in and (system.zone if system else city.node.zone) is Zone.MYNUMBER:
            message = (
                f"検査 {check.id} ({check.kind}) はログインします。{Zone.MYNUMBER.value}では使えません"
                "。tcp か command を使う / it logs in, which is not allowed in this zone: use tcp or command"
            )
            yield fault(tree, ("checks", index or 0, "kind"), message)
        if system is None or check.reach == "person" or system.zone == city.node.zone:
            continue
        message = (
            f"検査 {check.id} は別区画です ({system.zone.value})。この拠点は"
            f" {city.node.zone.value} だけを見る / the check is in another zone than this node"
        )
        path = ("checks", index, "system") if index is not None else ("systems", place, "zone")
        yield fault(tree, path, message)


def together_faults(checks: Iterable[Placed], tree: Tree) -> Iterator[Fault]:
    """What a check speaks for must exist, be of its own system, and speak for itself nowhere else."""
    placed = list(checks)
    known = {check.id: check for _index, check in placed}
    taken: dict[str, str] = {}
    for index, check in placed:
        if index is None:
            continue
        path = ("checks", index)
        for id in check.speaks_for:
            other = known.get(id)
            if other is None:
                yield fault(tree, path, unknown(id, known))
            elif other.speaks_for:
                message = f"{id} もほかの検査をまとめています / {id} speaks for others itself"
                yield fault(tree, path, message)
            elif other.system != check.system or other.pillar is not check.pillar:
                message = f"{id} は別のシステムか別の柱です / {id} is of another system or pillar"
                yield fault(tree, path, message)
            elif taken.setdefault(id, check.id) != check.id:
                message = (
                    f"{id} は {taken[id]} がまとめています / {taken[id]} speaks for {id} already"
                )
                yield fault(tree, path, message)


def blocked(city: City, checks: Iterable[Check], today: date) -> dict[str, Text]:
    """Checks that may not run, and why: hosts of closed zones and of providers need a permission.

    Source of the rule: R-93; the permission names who allowed it, by which paper, until when.
    """
    found: dict[str, Text] = {}
    for check in checks:
        system = city.system(check.system) if check.system else None
        if check.reach != "network" or system is None:
            continue
        if system.zone in CLOSED_ZONES or system.by_provider(today):
            why = _missing(check.permission or system.permission, today)
            if why is not None:
                found[check.id] = why
    return found


def _missing(permission: Permission | None, today: date) -> Text | None:
    if permission is None:
        return Text(
            "許可がないため検査していません (permission を書く)",
            "not run: no permission in the plan",
        )
    if permission.until < today:
        return Text(
            f"許可の期限切れのため検査していません ({permission.until.isoformat()} まで)",
            f"not run: the permission ended on {permission.until.isoformat()}",
        )
    return None


def proof_faults(city: City, ids: set[str], tree: Tree) -> Iterator[Fault]:
    """`proven_by`, references, windows and rules of suggestion must name checks that exist."""
    if len(set(city.node.references)) == 1:
        message = "二つ以上の検査を書く(一つだけでは何も言えない) / name two or more checks"
        yield fault(tree, ("node", "references"), message)
    for i, check in enumerate(city.node.references):
        if check not in ids:
            yield fault(tree, ("node", "references", i), unknown(check, ids))
    for i, window in enumerate(city.windows):
        for j, check in enumerate(window.checks):
            if check not in ids:
                yield fault(tree, ("windows", i, "checks", j), unknown(check, ids))
    for i, rule in enumerate(city.disaster.suggest):
        for j, check in enumerate(rule.checks):
            if check not in ids:
                yield fault(tree, ("disaster", "suggest", i, "checks", j), unknown(check, ids))
    for i, system in enumerate(city.systems):
        for j, target in enumerate(system.targets):
            for k, check in enumerate(target.proven_by):
                if check not in ids:
                    path = ("systems", i, "targets", j, "proven_by", k)
                    yield fault(tree, path, unknown(check, ids))
