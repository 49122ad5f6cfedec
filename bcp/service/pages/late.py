"""From an item of an outbox to a command: the way of the step page's own forms."""

from __future__ import annotations

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.service.outbox import DOES, Item, Maker
from bcp.service.pages.house import House
from bcp.service.pages.step_forms import step_command
from bcp.service.pages.visit import Visit
from runbooks import commands as c
from runbooks.state import Incident


def maker(house: House) -> Maker:
    """Item -> command, by the same code that reads the forms of the step page."""

    def make(item: Item, incident: Incident) -> c.Command:
        doing = item.fields.get("do", "")
        if doing not in DOES:
            raise UsageError(text("outbox.not_late", do=doing).ja, expected=", ".join(sorted(DOES)))
        form = {**item.fields, "incident": incident.id}
        if item.by:
            key = "note" if doing in ("finish", "note") else "reason"
            form[key] = f"{form.get(key, '')} ({text('outbox.done_by', name=item.by).ja})".strip()
        if doing == "note":
            return c.AddNote(incident=incident.id, text=form.get("note", ""), subject=item.step)
        visit = Visit(
            house=house,
            identity=None,
            lang="ja",
            now=house.clock.utc(),
            path="",
            query={},
            parts={"id": item.step},
            form=form,
        )
        return step_command(visit, item.step, doing)

    return make
