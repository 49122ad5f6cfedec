"""Every page of the service, in one list for the composition root."""

from __future__ import annotations

from bcp.service.access.routes import Route
from bcp.service.pages import (
    acts,
    amend_page,
    announcements,
    audit,
    backup_forms,
    backup_report_page,
    backups_page,
    board,
    breaches_page,
    break_glass,
    carryout,
    changes,
    check,
    checklist_page,
    chronology_files,
    chronology_page,
    copies_page,
    damage_page,
    declare,
    disaster,
    door_pages,
    frame,
    handing,
    helper_page,
    log,
    outbox_page,
    paper_page,
    people_page,
    photos_page,
    power_page,
    report_page,
    runbooks_page,
    scribe_page,
    sheet_entry,
    situation,
    static_files,
    status,
    steps,
    suggestions,
    system,
    uptime_page,
)
from bcp.service.pages.events import Hub
from bcp.service.pages.respond import Pages


def page_routes(pages: Pages, hub: Hub) -> list[Route]:
    """For `bcp.service.access.routes.mount`."""
    rooms = (
        board, system, check, backups_page, backup_forms, backup_report_page, audit, log, runbooks_page, status, door_pages,
        declare, disaster, steps, photos_page, amend_page, acts, paper_page, report_page,
        announcements,
        break_glass, people_page,
        situation, handing, chronology_page,
        carryout, outbox_page, chronology_files,
        scribe_page, damage_page, power_page, sheet_entry, copies_page,
        helper_page,
        suggestions, frame,
        changes, breaches_page, checklist_page, uptime_page,
    )  # fmt: skip
    return [
        *(route for room in rooms for route in room.routes(pages)),
        *static_files.routes(),
        *hub.routes(),
    ]
