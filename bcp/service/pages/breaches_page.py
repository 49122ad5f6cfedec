"""`/disaster/breaches`: 個人情報の報告の期限. What was harmed, what must be reported by when. No script."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.event import carry_out, desk_of, event_of, typed_time
from bcp.service.pages.respond import Absent, Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit
from runbooks import commands as c
from runbooks.breaches import HARMS, STAGES, Breach


@dataclass(frozen=True, slots=True)
class Row:
    """One breach with its words."""

    breach: Breach
    what: str
    stages: tuple[tuple[str, datetime, datetime | None], ...]
    """(stage, due, sent)."""


def routes(pages: Pages) -> list[Route]:
    """Real and drill: the same handlers."""
    found = []
    for base in ("/disaster", "/drills/{drill}"):
        found += [
            pages.route("GET", base + "/breaches", Permission.READ_FINDINGS, show),
            pages.route("POST", base + "/breaches", Permission.STEP, record),
        ]
    return found


async def show(visit: Visit) -> Answer:
    """What is owed, and the form for a new one."""
    incident, desk = event_of(visit), desk_of(visit)
    if incident is None:
        raise Absent
    opened = await desk.journal.read(
        kind=("incident.breach_opened",), incident=incident.id, limit=200
    )
    texts = await desk.texts(opened)
    rows = [
        Row(
            breach,
            texts.get(breach.seq, {}).get("what", ""),
            tuple((stage, breach.due(stage), breach.reported.get(stage)) for stage in STAGES),
        )
        for breach in incident.breaches.values()
    ]
    values = {
        "incident": incident,
        "rows": rows,
        "harms": HARMS,
        "systems": visit.house.city.systems,
        "names": visit.called,
    }
    return Page("breaches.html", values, live=False)


async def record(visit: Visit) -> Answer:
    """Harm seen, a report sent, no report due."""
    on, id, said = visit.field("incident"), visit.field("subject"), visit.field("reason")
    command: c.Command
    match visit.field("do"):
        case "open":
            command = c.OpenBreach(
                incident=on,
                harm=visit.field("harm"),  # type: ignore[arg-type]  # refused by the decision
                what=said,
                aware_at=typed_time(visit, "aware"),
                malicious=visit.field("malicious") == "yes",
                system=visit.field("system") or None,
            )
        case "preliminary" | "final" as stage:
            command = c.ReportBreach(incident=on, id=id, stage=stage, note=said)
        case "drop":
            command = c.DropBreach(incident=on, id=id, reason=said)
        case other:
            raise UsageError(text("pages.bad_act").pick(visit.lang), got=other)
    await carry_out(visit, command)
    return Go(f"{visit.base}/breaches")
