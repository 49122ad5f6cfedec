"""What every disaster page shares: whose desk, which event, who acts, when it really happened."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from datetime import datetime

from bcp.journal.entry import Actor
from bcp.kit.errors import UsageError
from bcp.kit.language import Lang, text
from bcp.kit.units import JST, whole
from bcp.plan.model import City, Person
from bcp.service.access.guard import CSRF_FIELD
from bcp.service.access.roles import Permission, Role
from bcp.service.pages.respond import Absent
from bcp.service.pages.visit import Visit
from runbooks.commands import Command
from runbooks.desk import Desk
from runbooks.heard import Heard
from runbooks.state import Incident

_CODE = re.compile(r"[0-9A-Za-z-]{1,40}")


def desk_of(visit: Visit) -> Desk:
    """The desk of the page's stage; a drill that is not open is not there."""
    desk = visit.house.desks.get(visit.stage)
    if desk is None:
        raise Absent
    return desk


def event_of(visit: Visit) -> Incident | None:
    """The event of this page: the one that runs, else the last one (then nothing can be done)."""
    desk = desk_of(visit)
    asked = visit.query.get("incident") or visit.field("incident")
    if asked:
        return desk.incident(asked)
    return desk.current() or desk.state.latest


def actor(visit: Visit) -> Actor:
    """Who acts, and in which of his roles: the strongest one."""
    assert visit.identity is not None
    order = (Role.COMMANDER, Role.STAFF, Role.ADMINISTRATOR, Role.AUDITOR, Role.VIEWER)
    role = next((role for role in order if role in visit.identity.roles), Role.VIEWER)
    return Actor(visit.identity.id, role.value)


async def carry_out(visit: Visit, command: Command) -> None:
    """Durable when it returns. The form's operation id makes a second click harmless."""
    await desk_of(visit).do(command, actor(visit), operation(visit))


def operation(visit: Visit) -> str:
    """The form's operation id *and what was written on it*: a double click is one act.

    A browser that shows the old form again (back) sends its id with other words: that is another
    act, and calling it done would lose it. A form without an id is an act of its own.
    """
    given = visit.field("op")
    if not (given.isascii() and given.isalnum() and len(given) <= 64):
        return secrets.token_hex(16)
    said = {name: visit.field(name) for name in visit.form if name not in ("op", CSRF_FIELD)}
    words = json.dumps([given, visit.path, said], sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:40]


def typed_time(visit: Visit, name: str = "at") -> datetime | None:
    """A time field of the form; None when left empty. Raises `UsageError`."""
    return parse_time(visit.field(name), visit.lang)


def parse_time(given: str, lang: Lang) -> datetime | None:
    """`2026-11-23T10:02` as typed (JST); None when empty. Raises `UsageError`."""
    if not given:
        return None
    try:
        return datetime.fromisoformat(given).replace(tzinfo=JST)
    except ValueError as error:
        raise UsageError(
            text("pages.bad_time").pick(lang), got=given, expected="2026-11-23T10:02"
        ) from error


def heard_of(visit: Visit) -> Heard | None:
    """How it came here, where the one who types did not see it: fields `saw` and `sheet`.

    Raises `UsageError` for a code that is none: it stands in the log in the clear.
    """
    saw, code = visit.field("saw")[:60], visit.field("sheet")
    if not saw and not code:
        return None
    if code and not _CODE.fullmatch(code):
        said = text("backentry.bad_code").pick(visit.lang)
        raise UsageError(said, got=code[:40], expected="ABCD-EFGH")
    return Heard("paper" if code else "phone", name=saw, sheet=code or None)


def for_input(instant: datetime) -> str:
    """For a `datetime-local` field."""
    return instant.astimezone(JST).strftime("%Y-%m-%dT%H:%M")


def number(visit: Visit, name: str) -> int | None:
    """A small number of a form; None when it is none."""
    return whole(visit.field(name))


def whom_to_call(visit: Visit, city: City, who: str | None) -> list[tuple[str, str]]:
    """Names and telephones behind a contact: vendor, role (in order of succession) or person.

    People's numbers are personal data: without the permission the name stands alone.
    """
    if not who:
        return []
    if who.startswith("vendor:"):
        system = city.system(who.removeprefix("vendor:"))
        vendor = system.vendor if system else None
        return [(vendor.name, vendor.phone or "")] if vendor else []
    role = next((role for role in city.roles if who in (role.id, role.name)), None)
    ids = role.succession if role else (who,)
    people = [person for id in ids if (person := city.person(id))]
    return [(_called(person), _phone(visit, person)) for person in people[:3]]


def _called(person: Person) -> str:
    return f"{person.title} {person.name}" if person.title else person.name


def _phone(visit: Visit, person: Person) -> str:
    if not visit.may(Permission.READ_PERSONAL):
        return ""
    return person.mobile or person.phone or person.radio or ""
