"""Everything a person or program can ask of the service, in one list.

Promise: what the API can do, the command line can do, and the other way round. A new operation is
an entry in one of these files; it decides nothing of the domain itself.
"""

from __future__ import annotations

from typing import Any

from bcp.service.operations import (
    amending,
    announcing,
    backing_up,
    backup_progress,
    backup_statements,
    books,
    breaches,
    changing,
    chronology,
    commanding,
    declaring,
    doors,
    evidence,
    heard,
    holding_backups,
    interim,
    keeping_backups,
    logging_,
    outbox,
    papers,
    people,
    recovering,
    side_checks,
    stepping,
    uptime,
    watching,
)
from bcp.service.operations.operation import Operation

OPERATIONS: tuple[Operation[Any], ...] = (
    *watching.OPERATIONS,
    *uptime.OPERATIONS,
    *evidence.OPERATIONS,
    *interim.OPERATIONS,
    *backing_up.OPERATIONS,
    *backup_statements.OPERATIONS,
    *recovering.OPERATIONS,
    *commanding.OPERATIONS,
    *stepping.OPERATIONS,
    *amending.OPERATIONS,
    *declaring.OPERATIONS,
    *changing.OPERATIONS,
    *breaches.OPERATIONS,
    *announcing.OPERATIONS,
    *logging_.OPERATIONS,
    *people.OPERATIONS,
    *books.OPERATIONS,
    *doors.OPERATIONS,
    *outbox.OPERATIONS,
    *chronology.OPERATIONS,
    *heard.OPERATIONS,
    *papers.OPERATIONS,
    *keeping_backups.OPERATIONS,
    *side_checks.OPERATIONS,
    *backup_progress.OPERATIONS,
    *holding_backups.OPERATIONS,
)
