"""`/log`: the integrity log for people: newest first, what is signed, whether it can be written.

Names and free text stand in the value store; an erased one shows as 消去済 and every proof holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bcp.journal.entry import Entry
from bcp.kit.language import catalogue
from bcp.kit.units import from_us, jst, whole
from bcp.service.access.accounts import Accounts
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.render import Words
from bcp.service.pages.respond import Answer, Page, Pages
from bcp.service.pages.visit import Visit

_PER_PAGE = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as a person reads it."""

    entry: Entry
    what: str
    who: str
    detail: str
    said: tuple[tuple[str, str], ...]
    late: bool


def routes(pages: Pages) -> list[Route]:
    """Reading and verifying. Verifying changes nothing, so an auditor may."""
    accounts = pages.doors.accounts

    async def log(visit: Visit) -> Answer:
        return await show(visit, accounts)

    async def verify(visit: Visit) -> Answer:
        verified = await visit.house.journal.verify()
        return await show(visit, accounts, verified=verified)

    return [
        pages.route("GET", "/log", Permission.READ_LOG, log),
        pages.route("POST", "/log/verify", Permission.READ_LOG, verify),
    ]


async def show(visit: Visit, accounts: Accounts, verified: object | None = None) -> Answer:
    """Forty entries and the state of the log."""
    journal, words = visit.house.journal, Words(visit.lang, visit.now)
    kind, incident = visit.query.get("kind", ""), visit.query.get("incident", "")
    before = visit.query.get("before", "")
    entries = await journal.read(
        kind=kind or None,
        incident=incident or None,
        before=whole(before),
        limit=_PER_PAGE,
        reverse=True,
    )
    lines = [line(e, await journal.reveal(e), accounts, words) for e in entries]
    checkpoint, _note, signed_at = journal.signed
    values = {
        "lines": lines,
        "older": entries[-1].seq if len(entries) == _PER_PAGE else None,
        "kind": kind,
        "incident": incident,
        "kinds": _FILTERS,
        "journal": journal,
        "checkpoint": checkpoint,
        "signed_at": signed_at,
        "verified": verified,
    }
    return Page("log.html", values, live=verified is None)


_FILTERS = ("incident.", "check.", "backup.", "audit.", "account.", "session.", "plan.", "log.")


def line(entry: Entry, values: Mapping[str, str], accounts: Accounts, words: Words) -> Line:
    """In words; an unknown kind shows its own name."""
    key = f"pages.log_{entry.kind.replace('.', '_')}"
    what = words.word(key) if key in catalogue() else entry.kind
    who = accounts.name_of(entry.actor.id)
    said = tuple((name, values.get(name, words.t("erased"))) for name in sorted(entry.commitments))
    late = (entry.recorded_at - entry.occurred_at).total_seconds() > 300
    return Line(entry, what, who, _detail(entry.detail), said, late)


def _short(value: object) -> str:
    if isinstance(value, list):
        return ",".join(str(item) for item in value[:12]) + ("…" if len(value) > 12 else "")
    text = str(value)
    return f"{text[:12]}…" if re.fullmatch(r"[0-9a-f]{32,}", text) else text


def _detail(detail: Mapping[str, object]) -> str:
    parts = []
    for name, value in detail.items():
        if name.endswith("_us") and isinstance(value, int):
            parts.append(f"{name[:-3]}={jst(from_us(value))}")
        elif value not in ("", None, [], {}):
            parts.append(f"{name}={_short(value)}")
    text = " ".join(parts)
    return text if len(text) <= 240 else text[:240] + "…"
