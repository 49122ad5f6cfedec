"""Which RTO counts on a day and when it runs out: two RTOs, season, business time. Pure.

`rto_disaster` counts in a large-scale disaster, `rto` otherwise (R-35); one never stands in for the
other. The season of the day of onset may change an RTO or the class (R-38); its name is shown. With
`calendar: business_hours` an RTO counts business time of the city's calendar only (R-36).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bcp.kit.units import JST
from bcp.plan.model import City, Priority, Service, System, Target
from bcp.plan.season import Season, season_of
from runbooks.state import Nature


def rto_of(rung_or_service: object, nature: Nature) -> timedelta | None:
    """The RTO that counts for this kind of event, seasons aside."""
    name = "rto_disaster" if nature == "disaster" else "rto"
    value = getattr(rung_or_service, name)
    return value if isinstance(value, timedelta) else None


def season_at(part: System | Service, instant: datetime) -> Season | None:
    """The season of a day in Japan."""
    return season_of(part.seasons, instant.astimezone(JST).date())


def class_at(part: System | Service, instant: datetime) -> Priority | None:
    """災害時優先度 on that day."""
    season = season_at(part, instant)
    return season.priority if season is not None else part.priority


def limit(
    part: System | Service, rung: Target | None, nature: Nature, onset: datetime
) -> tuple[timedelta | None, Season | None]:
    """(RTO that counts, the season that set it). `rung` None: of the service itself."""
    plain = rto_of(rung if rung is not None else part, nature)
    season = season_at(part, onset)
    if season is None:
        return plain, None
    named = season.level is None or rung is None or season.level == rung.level
    seasonal = rto_of(season, nature)
    if not named or seasonal is None or plain is None:
        return plain, None
    return seasonal, season


def due(
    part: System | Service, rto: timedelta | None, onset: datetime, city: City
) -> datetime | None:
    """When the limit runs out; None without a limit (or when business time never comes)."""
    if rto is None:
        return None
    if part.calendar == "business_hours":
        return city.organization.calendar.after(onset, rto)
    return onset + rto
