"""The city: organisation, sites, roles, people, services (業務), systems, levels and targets.

Forms (様式): 1 systems, 3-5 sites, 8 roles, 9 contacts, 16 services, 17 critical; `unconfirmed`: 要確認.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property
from typing import Literal

from pydantic import Field

from bcp.plan.automation import Automation
from bcp.plan.calendar import Calendar
from bcp.plan.disaster import Disaster as Disaster
from bcp.plan.season import Priority as Priority
from bcp.plan.season import Season as Season
from bcp.plan.site_event import SiteEventRule
from bcp.plan.types import DamageItem, Day, Duration, Id, LevelId, Model, Zone
from bcp.plan.windows import Window


class Organization(Model):
    """The body that runs the plan."""

    name: str
    time_zone: str = "Asia/Tokyo"
    languages: tuple[Literal["ja", "en"], ...] = ("ja", "en")
    classification: str = "関係者限り"
    """How the plan itself is classified; printed on every sheet (R-17)."""
    plan_title: str = "ICT部門の業務継続計画"
    edition: str = "未設定"
    review_by: Day | None = None
    calendar: Calendar = Calendar()
    """開庁日と開庁時間: RTOs in business time and the choice of in-hours runbooks count by it."""


class Power(Model):
    """電源 of a site (様式5); minutes and hours are planning values, not measurements."""

    ups: Duration | None = None
    generator: Duration | None = None
    generator_watts: int | None = Field(None, ge=0)  # what it leaves for ICT
    generator_reserved_for: str | None = None


class Site(Model):
    """拠点: main office, branch, data centre, cloud, shelter."""

    id: Id
    name: str
    kind: Literal["headquarters", "branch", "datacenter", "cloud", "shelter"]
    hazard_zones: tuple[str, ...] | None = None
    """Names of hazard areas; two copies in one zone do not count as two places (R-48). An empty list:
    it lies in none; unset: nobody has looked, so it never counts as another place."""
    address: str | None = None
    power: Power | None = None
    contacts: tuple[Id, ...] = ()
    unconfirmed: bool = False


class Person(Model):
    """Somebody with a role. Contacts are personal data: shown by role only (R-96)."""

    id: Id
    name: str
    title: str | None = None
    phone: str | None = None
    mobile: str | None = None
    mail: str | None = None
    radio: str | None = None
    site: Id | None = None
    login: str | None = None
    """Account of this person here: so that an approval can be checked against the role."""
    confirmed_on: Day | None = None
    unconfirmed: bool = False


class Role(Model):
    """役割 with its order of succession 代行順位 (R-16: at least three names)."""

    id: Id
    name: str
    duty: str | None = None
    succession: tuple[Id, ...] = ()
    outside: bool = False
    """Not of the city (事業者): called by it, so it gets no first-hour sheet."""


class Vendor(Model):
    """外部事業者 (様式2)."""

    name: str
    phone: str | None = None
    contract: str | None = None
    hours: str | None = None
    contract_rto: Duration | None = None
    """Promise in the contract, shown beside the city's own target (R-39)."""


class Hosting(Model):
    """Where a system ran or runs; old and new may overlap during a migration (R-40)."""

    kind: Literal["onprem", "government_cloud", "provider", "saas", "prefecture"]
    site: Id | None = None
    provider: str | None = None
    valid_from: Day | None = Field(None, alias="from")
    valid_until: Day | None = Field(None, alias="until")

    def covers(self, day: date) -> bool:
        """Whether the system is hosted there on that day."""
        started = self.valid_from is None or self.valid_from <= day
        return started and (self.valid_until is None or day <= self.valid_until)


PROVIDER_KINDS = frozenset({"government_cloud", "provider", "saas", "prefecture"})


class Classification(Model):
    """情報資産の分類: 自治体機密性, 完全性, 可用性."""

    confidentiality: Literal["3A", "3B", "3C", "2", "1"]
    integrity: Literal["2", "1"] = "2"
    availability: Literal["2", "1"] = "2"


class Target(Model):
    """One rung of a system's recovery ladder: RLO with its RTO and RPO.

    Two RTOs, because a single one produces false breaches (R-35, IPA A.1.3.2 / A.1.4.1): `rto` for
    an ordinary failure, `rto_disaster` for a large-scale disaster. Both count from onset (発災).
    """

    level: LevelId
    name: str
    rto: Duration | None = None
    rto_disaster: Duration | None = None
    rpo: Duration | None = None
    proven_by: tuple[str, ...] = ()
    """Checks that must all hold for `hold` before the level counts as attained."""
    hold: Duration = timedelta(minutes=1)
    unconfirmed: bool = False


class Permission(Model):
    """Written consent to look at a host of a closed zone or of a provider (R-93)."""

    by: str
    reference: str
    until: Day


class Dependency(Model):
    """What a system needs; `alternative` = any one of the same `group` is enough."""

    system: Id
    level: LevelId | None = None
    kind: Literal["hard", "soft", "alternative"] = "hard"
    group: str | None = None
    needed_from: LevelId | None = None
    """The dependant's own level from which on it is needed; default: every level. A level reached
    with an offline copy or on paper needs no network, and its RTO may come before the network's."""

    def needed_at(self, level: str) -> bool:
        """Whether the dependant needs it to reach `level`."""
        return self.needed_from is None or level >= self.needed_from


class System(Model):
    """情報システム (様式1, 17)."""

    id: Id
    name: str
    standard_number: int | None = Field(None, ge=1, le=20)
    """Its number among the 20 standard systems 標準化対象事務."""
    hosting: tuple[Hosting, ...] = ()
    priority: Priority | None = Field(None, alias="class")
    owner_role: Id | None = None
    vendor: Vendor | None = None
    sites: tuple[Id, ...] = ()
    zone: Zone
    classification: Classification | None = None
    host: str | None = None
    url: str | None = None
    depends_on: tuple[Dependency, ...] = ()
    targets: tuple[Target, ...] = ()
    calendar: Literal["always", "business_hours"] = "always"
    """Whether its RTOs count every hour or business time (R-36)."""
    seasons: tuple[Season, ...] = ()
    damage_items: tuple[DamageItem, ...] = ()
    """被害チェックシート: the lines of the sheet that its checks say something about."""
    permission: Permission | None = None
    """Consent for all of this system's checks; a check may carry its own."""
    watts: int | None = Field(None, ge=0)
    """Power its machines draw: what stopping it saves (R-69)."""
    note: str | None = None
    unconfirmed: bool = False

    def hosted(self, day: date) -> tuple[Hosting, ...]:
        """Its hostings on a day (two while a migration runs)."""
        return tuple(hosting for hosting in self.hosting if hosting.covers(day))

    def by_provider(self, day: date) -> bool:
        """True when somebody else's machines carry it on that day."""
        return any(hosting.kind in PROVIDER_KINDS for hosting in self.hosted(day))

    def target(self, level: str) -> Target | None:
        """The rung with this level."""
        return next((target for target in self.targets if target.level == level), None)


class Need(Model):
    """A service's need of a system, from which level on it can work."""

    system: Id
    level: LevelId | None = None


class Service(Model):
    """業務 (様式16): what the city sees first; systems are only its means."""

    id: Id
    name: str
    department: str | None = None
    sites: tuple[Id, ...] = ()
    counters: str | None = None
    people_served: str | None = None
    mtpd: Duration | None = None
    """最大許容停止時間; an RTO must be shorter."""
    rto: Duration | None = None
    rto_disaster: Duration | None = None
    priority: Priority | None = Field(None, alias="class")
    needs: tuple[Need, ...] = ()
    alternate: str | None = None
    """代替手段: how it goes on by paper, in one sentence; shown on the board."""
    alternate_runbook: Id | None = None
    seasons: tuple[Season, ...] = ()
    calendar: Literal["always", "business_hours"] = "always"
    unconfirmed: bool = False


class Node(Model):
    """This node of ict-bcp. It lives in exactly one zone and must not become a bridge (R-43)."""

    id: Id = "node1"
    zone: Zone
    site: Id | None = None
    host_roots: tuple[str, ...] = ()
    """Folders of this host that checks may read; nothing by default."""
    ca_file: str | None = None
    """The city's own certificate authorities (PEM), trusted beside the system's."""
    references: tuple[str, ...] = ()
    """Checks that stand for this node's own line (`bcp.watch.own_line`)."""


class City(Model):
    """The part of the plan that every room reads."""

    organization: Organization
    sites: tuple[Site, ...] = ()
    roles: tuple[Role, ...] = ()
    people: tuple[Person, ...] = ()
    services: tuple[Service, ...] = ()
    systems: tuple[System, ...] = ()
    disaster: Disaster = Disaster()
    site_event: SiteEventRule = SiteEventRule()
    windows: tuple[Window, ...] = ()
    """計画停止・自主停止・定期保守 (`bcp.plan.windows`)."""
    automation: tuple[Automation, ...] = ()
    """What a machine may do for a step; nothing else ever runs."""
    node: Node

    def system(self, id: str) -> System | None:
        """The system with this id."""
        return self._by_id.get(id)

    @cached_property
    def _by_id(self) -> dict[str, System]:
        """Asked for at every change of a check: never a search through hundreds."""
        return {system.id: system for system in reversed(self.systems)}

    def service(self, id: str) -> Service | None:
        """The service with this id."""
        return next((service for service in self.services if service.id == id), None)

    def site(self, id: str) -> Site | None:
        """The site with this id."""
        return next((site for site in self.sites if site.id == id), None)

    def role(self, id: str) -> Role | None:
        """The role with this id."""
        return next((role for role in self.roles if role.id == id), None)

    def person(self, id: str) -> Person | None:
        """The person with this id."""
        return next((person for person in self.people if person.id == id), None)
