"""`/runbooks` and `/runbooks/ID`: what is on the shelf, readable and printable before the day."""

from __future__ import annotations

from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.lent import runbook_lent
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit


def routes(pages: Pages) -> list[Route]:
    """The shelf and one book."""
    return [
        pages.route("GET", "/runbooks", Permission.READ, shelf),
        pages.route("GET", "/runbooks/{id}", Permission.READ, one, lent=runbook_lent),
    ]


async def shelf(visit: Visit) -> Answer:
    """Every runbook, 初動 first."""
    order = ("initial", "alternate", "recover", "return")
    books = sorted(visit.house.book, key=lambda book: order.index(book.purpose))
    groups = [(p, [b for b in books if b.purpose == p]) for p in order]
    city = visit.house.city
    covered = {b.system for b in books}
    bare = [s for s in city.systems if s.id not in covered and s.priority in ("S", "A")]
    values = {"groups": [g for g in groups if g[1]], "city": city, "bare": bare}
    return Page("runbooks.html", values, live=False)


async def one(visit: Visit) -> Answer:
    """One runbook, whole; `?print=1` leads to its paper."""
    if visit.query.get("print") == "1":
        return Go(f"{visit.path}/print")
    book = visit.house.book.get(visit.parts["id"])
    if book is None:
        raise Absent
    system = visit.house.city.system(book.system) if book.system else None
    values = {
        "book": book,
        "system": system,
        "digest": visit.house.book.digests[book.id],
        "city": visit.house.city,
        "roles": {step.id: role_name(visit, book.role_of(step)) for step in book.steps},
    }
    return Page("runbook.html", values, live=False)


def role_name(visit: Visit, role: str) -> str:
    """A role as people call it: its name in the plan, or the vendor's."""
    if role.startswith("vendor:"):
        system = visit.house.city.system(role.removeprefix("vendor:"))
        return system.vendor.name if system and system.vendor else role
    found = visit.house.city.role(role)
    return found.name if found else role
