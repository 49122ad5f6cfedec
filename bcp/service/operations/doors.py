"""緊急用封印コード for the command line: issue an envelope, list states, revoke."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import Field

from bcp.kit.errors import UsageError
from bcp.kit.language import Text, text
from bcp.kit.units import from_us, jst
from bcp.plan.loader import unknown
from bcp.plan.types import Id, Model
from bcp.service.access.breakglass import MOST, Standing, payload
from bcp.service.access.roles import Permission
from bcp.service.house import House
from bcp.service.operations.operation import Answer, Caller, Operation, Verdict


class Envelope(Model):
    """A new envelope for a site."""

    site: Id
    count: int = Field(10, ge=1, le=MOST)
    keep: bool = False
    """Add to the older envelopes of the site instead of replacing them."""


class Numbers(Model):
    """Codes by number, or all of a site."""

    numbers: tuple[int, ...] = ()
    site: Id | None = None


class OfSite(Model):
    """One site, or all."""

    site: Id | None = None


async def issue(house: House, caller: Caller, parameters: Envelope) -> Answer:
    """Make the codes; they are in this answer and nowhere else."""
    caller.require_local("break-glass issue")
    house.require_log()
    sites = [site.id for site in house.city.sites]
    if sites and parameters.site not in sites:  # a bare plan (no plan named) knows no sites
        raise UsageError(unknown(parameters.site, sites), where="--site")
    edition = house.city.organization.edition
    cards = await house.codes.issue(
        parameters.site,
        parameters.count,
        edition=edition,
        keep=parameters.keep,
        op=caller.op,
        by=caller.actor.id,
    )
    rows = [
        {"number": card.number, "code": card.code, "qr": payload(parameters.site, card)}
        for card in cards
    ]
    place = house.city.site(parameters.site)
    return Answer(
        {
            "site": parameters.site,
            "site_name": place.name if place else parameters.site,
            "organization": house.city.organization.name,
            "edition": edition,
            "cards": rows,
        }
    )


def _row(one: Standing, house: House) -> dict[str, Any]:
    row = asdict(one)
    row["who"] = house.accounts.name_of(one.account) if one.account else None
    return row


async def everything(house: House, _caller: Caller, parameters: OfSite) -> Answer:
    """States, never codes. A used code whose envelope was not replaced is a finding."""
    found = [one for one in house.codes.all() if parameters.site in (None, one.site)]
    rows = [_row(one, house) for one in found]
    lines = []
    for one, row in zip(found, rows, strict=True):
        state = text(f"people.state_{one.state}").ja
        mark = "▲" if one.owed else "●" if one.state == "sealed" else "－"
        at = jst(from_us(one.changed_us), "%Y-%m-%d %H:%M")
        who = f"  {row['who']}" if row["who"] else ""
        here = " (作業中)" if one.session_open else ""
        lines.append(f"{mark} {one.number}  {one.site:<14} {state} {at}{who}{here}")
    verdict = Verdict.FINDING if any(one.owed for one in found) else Verdict.GOOD
    return Answer({"codes": rows}, tuple(lines or ["封筒はありません / no envelopes"]), verdict)


async def revoke(house: House, caller: Caller, parameters: Numbers) -> Answer:
    """These open nothing any more; sessions opened with them end."""
    numbers = list(parameters.numbers)
    if parameters.site is not None:
        numbers += [
            one.number
            for one in house.codes.all()
            if one.site == parameters.site and (one.state == "sealed" or one.session_open)
        ]
    if not numbers:
        raise UsageError(
            "番号か --site を書く / name numbers or --site", expected="1003 1004 | --site ID"
        )
    done = await house.codes.revoke(numbers, by=caller.actor.id)
    listed = ", ".join(map(str, done)) or "-"
    return Answer({"revoked": list(done)}, (f"無効にしました / revoked: {listed}",))


OPERATIONS: tuple[Operation[Any], ...] = (
    Operation(
        "break-glass.issue",
        Text("封印コードの封筒を作る", "an envelope of sealed codes"),
        Permission.ACCOUNTS,
        Envelope,
        issue,
        True,
    ),
    Operation(
        "break-glass.list",
        Text("封印コードの状態", "states of sealed codes"),
        Permission.READ_LOG,
        OfSite,
        everything,
    ),
    Operation(
        "break-glass.revoke",
        Text("封印コードを無効にする", "revoke sealed codes"),
        Permission.ACCOUNTS,
        Numbers,
        revoke,
        True,
    ),
)
