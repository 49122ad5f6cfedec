"""`/`: services first, worst first. The first glance: what, since when, whom it hurts, what next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bcp.kit.units import jst_short
from bcp.plan.model import City, Service
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.discretion import seen_by
from bcp.service.pages.city_now import ORDER, CityNow, ServiceNow, SystemNow, city_now, needs_of
from bcp.service.pages.house import incident_of
from bcp.service.pages.pictures.graph import Node, graph
from bcp.service.pages.pictures.svg import Picture
from bcp.service.pages.render import Words
from bcp.service.pages.respond import Answer, Page, Pages
from bcp.service.pages.strips import strips
from bcp.service.pages.visit import Visit
from bcp.watch.values import Status


@dataclass(frozen=True, slots=True)
class First:
    """What stands in the box at the top."""

    state: str
    word: str | None
    title: str
    sentence: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list."""

    id: str
    name: str
    state: str
    since: datetime | None
    line: str
    bars: Picture | None = None
    ask: bool = False
    word: str | None = None


LOUD = ("failed", "unknown", "degraded", "planned")
BLIND = ("unset", "unwatched")


def routes(pages: Pages) -> list[Route]:
    """The first page."""
    return [pages.route("GET", "/", Permission.READ, board)]


def now_of(visit: Visit) -> CityNow:
    """The city as the visit's house sees it."""
    house = visit.house
    board, findings = house.board, visit.may(Permission.READ_FINDINGS)
    views = [seen_by(view, findings=findings) for view in board.views(visit.now)]
    return city_now(house.city, views, on_paper(visit), board.since_ok, visit.now)


def on_paper(visit: Visit) -> dict[str, datetime]:
    """Services that go on by paper in the event that runs."""
    incident = incident_of(visit.house, "real")
    if incident is None:
        return {}
    return {id: a.since for id, a in incident.alternates.items() if a.until is None}


async def board(visit: Visit) -> Answer:
    """Draw the first page."""
    now, words = now_of(visit), Words(visit.lang, visit.now)
    bad = [s for s in now.sorted_systems() if s.state in LOUD]
    listed = {s.system.id for s in bad}
    rest = [s for s in now.sorted_systems() if s.system.id not in listed]
    loud = [s for s in now.services if s.state in LOUD or s.paper]
    calm = [s for s in now.services if s not in loud]
    drawn = await strips(
        visit,
        [f"service:{s.service.id}" for s in now.services if s.state not in BLIND]
        + [f"system:{s.system.id}" for s in bad[:12]],
    )
    values = {
        "first": first(now, words, visit),
        "counts": [(state, now.counts[state]) for state in ORDER if now.counts[state]],
        "services": [_service_row(s, words, drawn) for s in loud],
        "calm": [
            (state, [_service_row(s, words, drawn) for s in calm if s.state == state])
            for state in ORDER
            if any(s.state == state for s in calm)
        ],
        "bad": [_system_row(s, words, drawn, visit.house.city) for s in bad],
        "rest": [
            (state, [_system_row(s, words, {}, visit.house.city) for s in rest if s.state == state])
            for state in ORDER
            if any(s.state == state for s in rest)
        ],
        "unconfirmed": sum(s.service.unconfirmed for s in now.services),
        "graph": falling(now, visit),
    }
    return Page("board.html", values)


def first(now: CityNow, words: Words, visit: Visit) -> First:
    """The box at the top, from the worst thing there is."""
    worst = now.worst
    if worst is None:
        counts = now.counts
        watched = sum(counts.values()) - counts["unwatched"] - counts["unset"]
        sentence = words.t(
            "board_ok_more",
            watched=watched,
            ok=counts["ok"],
            unwatched=counts["unwatched"],
            unset=counts["unset"],
        )
        if counts["ok"] == 0:  # nothing is down because nothing is looked at: that is not good
            return First("unknown", None, words.t("board_blind"), sentence)
        return First("ok", None, words.t("board_ok"), sentence)
    service = worst if isinstance(worst, ServiceNow) else None
    cause = next(iter(service.causes), None) if service else worst
    assert not isinstance(cause, ServiceNow)
    name = service.service.name if service else (cause.system.name if cause else "")
    facts, links = [], []
    if worst.since is not None:
        facts.append((words.t("first_since"), _since(words, worst.since)))
    if cause is not None:
        check = cause.worst
        said = words.pick(check.sentence if check else cause.sentence)
        facts.append((words.t("first_why"), f"{cause.system.name}: {said}"))
        if check is not None:
            links.append((f"/checks/{check.id}", words.t("look_check")))
            ack = visit.house.journal.state("acks").get(check.id)
            if ack is not None and ack.by is not None:
                who = words.t(
                    "taken_by", name=visit.called(ack.by), at=jst_short(ack.at, words.now)
                )
                facts.append((words.t("first_who"), who))
    if service is not None:
        facts.append((words.t("first_whom"), whom(service.service, visit.house.city, words)))
    facts.append((words.t("first_next"), what_next(service, cause, words)))
    vendor = cause.system.vendor if cause else None
    if vendor is not None and vendor.phone:
        said = words.t("call_phone", vendor=vendor.name, phone=vendor.phone)
        links.append((f"tel:{vendor.phone}", said))
    if service is not None and service.service.alternate_runbook:
        links.append((f"/runbooks/{service.service.alternate_runbook}", words.t("look_runbook")))
    if incident_of(visit.house, "real") is not None:
        links.append(("/disaster", words.t("recovery")))
    elif worst.state == "failed" and visit.may(Permission.DECLARE):
        links.append(("/disaster/declare", words.t("think_declare")))
    word = words.t("paper") if service is not None and service.paper else None
    return First(worst.state, word, name, facts=tuple(facts), links=tuple(links))


def _since(words: Words, since: datetime) -> str:
    return words.t("first_ago", at=jst_short(since, words.now), length=words.ago(since))


def whom(service: Service, city: City, words: Words) -> str:
    """People and places, in one line."""
    sites = [site.name for id in service.sites if (site := city.site(id))]
    where = "・".join(sites[:3]) + (f" ほか{len(sites) - 3}" if len(sites) > 3 else "")
    parts = [service.people_served, service.counters, where]
    return " / ".join(part for part in parts if part) or words.t("state_unset")


def what_next(service: ServiceNow | None, cause: SystemNow | None, words: Words) -> str:
    """Paper first, then the vendor's telephone, then the owner."""
    said = []
    if service is not None and service.service.alternate:
        how = service.service.alternate
        if service.paper and service.paper_since:
            since = jst_short(service.paper_since, words.now)
            said.append(words.t("paper_on", since=since, how=how))
        else:
            said.append(words.t("paper_can", how=how))
    check = cause.worst if cause else None
    if check is not None and check.check.reach == "person" and check.status is Status.UNKNOWN:
        said.append(words.t("go_and_look"))
    vendor = cause.system.vendor if cause else None
    if vendor is not None and vendor.phone:
        said.append(
            words.t("call", vendor=vendor.name, phone=vendor.phone, hours=vendor.hours or "-")
        )
    return " ".join(said) or words.t("look_check")


def falling(now: CityNow, visit: Visit) -> Picture | None:
    """What is down, and everything that it takes with it; None when nothing is down."""
    down = {id for id, s in now.systems.items() if s.state == "failed"}
    if not down:
        return None
    shown = [id for id, s in now.systems.items() if id in down or s.suffers]
    nodes = [node(now.systems[id]) for id in shown]
    needs: dict[str, Sequence[str]] = {
        id: [o for o in wanted if o in shown] for id, wanted in needs_of(visit.house.city).items()
    }
    for service in now.services:
        hurt = [need.system for need in service.service.needs if need.system in shown]
        if hurt and service.state != "ok":
            nodes.append(
                Node(f"{service.service.id}", service.service.name, service.state, True, "service")
            )
            needs[service.service.id] = hurt
    return graph(nodes, needs, visit.lang)


def node(now: SystemNow, focus: bool = False) -> Node:
    """A system as a box."""
    return Node(now.system.id, now.system.name, now.state, now.suffers, focus=focus)


def _service_row(now: ServiceNow, words: Words, drawn: Mapping[str, Picture]) -> Row:
    service = now.service
    if now.paper:
        line = service.alternate or ""
    elif now.causes and now.state in ("failed", "degraded", "unknown"):
        names = "、".join(cause.system.name for cause in now.causes[:3])
        line = words.t("because", names=names)
    else:
        line = service.people_served or ""
    bars, word = drawn.get(f"service:{service.id}"), words.t("paper") if now.paper else None
    since, ask = now.since, service.unconfirmed
    return Row(service.id, service.name, now.state, since, line, bars, ask, word)


def _system_row(now: SystemNow, words: Words, drawn: Mapping[str, Picture], city: City) -> Row:
    system, check = now.system, now.worst
    line = words.pick(check.sentence) if check else ""
    word = None
    if now.suffers:
        names = "、".join(s.name for id in now.hit_by[:2] if (s := city.system(id)))
        line = (line + " " if line else "") + words.t("hit_by", names=names)
    return Row(
        system.id,
        system.name,
        now.state,
        now.since,
        line,
        drawn.get(f"system:{system.id}"),
        word=word,
    )
