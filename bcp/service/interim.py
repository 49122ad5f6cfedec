"""Pauses and temporary checks at work: which checks there are besides the plan's, and which stand still."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import structlog
from pydantic import ValidationError

from bcp.kit.errors import UsageError
from bcp.kit.language import Text, text
from bcp.kit.units import jst_short
from bcp.plan.loader import unknown
from bcp.plan.model import City
from bcp.service.house import House
from bcp.watch.check import Check
from bcp.watch.interim import TEMPORARY, Interim
from probes import kinds

LOG = structlog.get_logger("interim")


def state(house: House) -> Interim:
    """As the log says."""
    found: Interim = house.journal.state("interim")
    return found


def paused(house: House, now: datetime) -> dict[str, Text]:
    """Checks that stand still, and what is said of each."""
    return {
        id: text("watch.paused", until=jst_short(one.until, now), seq=one.seq)
        for id, one in state(house).paused(now).items()
    }


def temporary(house: House, now: datetime) -> tuple[Check, ...]:
    """Temporary checks; one that this program (no longer) understands is left out, loudly."""
    found = []
    for id, one in state(house).temporary(now).items():
        try:
            found.append(check_of(one.fields, house.city))
        except UsageError as error:
            LOG.error("a temporary check cannot be used", check=id, why=error.what)
    return tuple(found)


def check_of(fields: Mapping[str, object], city: City) -> Check:
    """A temporary check from the plan's fields. Raises `UsageError` as the plan would refuse it."""
    id, kind = str(fields.get("id", "")), str(fields.get("kind", ""))
    if not id.startswith(TEMPORARY):
        raise UsageError(f"id は {TEMPORARY} で始める / must begin with {TEMPORARY}", got=id)
    model = kinds().get(kind)
    if model is None:
        raise UsageError(unknown(kind, kinds(), "kind"))
    try:
        check = model.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{where}: {first['msg']}", where=id) from error
    if check.system is not None and city.system(check.system) is None:
        raise UsageError(unknown(check.system, [s.id for s in city.systems]), where="system")
    if check.site is not None and city.site(check.site) is None:
        raise UsageError(unknown(check.site, [s.id for s in city.sites]), where="site")
    return check


def signature(house: House, now: datetime) -> tuple[tuple[str, int], ...]:
    """Changes when a pause or a temporary check begins or ends."""
    known = state(house)
    now_on = {**known.paused(now), **{f"+{id}": one for id, one in known.temporary(now).items()}}
    return tuple(sorted((id, one.seq) for id, one in now_on.items()))
