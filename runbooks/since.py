"""What has changed in an event since an entry: for 状況報告 and 引継書, in one line each. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bcp.journal.entry import Entry
from bcp.kit.language import text
from bcp.kit.units import jst
from bcp.plan.model import City
from runbooks.folding import PREFIX
from runbooks.told import person

_WEIGHT = (
    "declared",
    "relapsed",
    "restored",
    "stood_down",
    "cancelled",
    "level_changed",
    "scope_changed",
    "onset_corrected",
    "ratified",
    "overruled",
    "hand_over",
    "hand_over_confirmed",
    "hand_over_alone",
    "level_lost",
    "level_attained",
    "alternate_started",
    "alternate_ended",
    "decision_taken",
    "breach_opened",
    "breach_reported",
    "change_opened",
    "change_reverted",
    "runbook_added",
    "stand_down_started",
    "gate_closed",
    "preempted",
)
"""What a meeting wants to hear, most telling first; steps are only counted."""
_COUNTED = ("step_done", "step_failed", "step_skipped", "step_reopened", "note_added")


def changes(entries: Sequence[Entry], city: City, most: int) -> tuple[str, ...]:
    """At most so many lines; what did not fit is counted in the last one."""
    told = [entry for entry in entries if entry.kind.removeprefix(PREFIX) in _WEIGHT]
    told.sort(key=lambda e: (_WEIGHT.index(e.kind.removeprefix(PREFIX)), -e.seq))
    room = most - 1
    kept = sorted(told[:room], key=lambda entry: (entry.occurred_at, entry.seq))
    lines = [_line(entry, city) for entry in kept]
    counts = Counter(entry.kind.removeprefix(PREFIX) for entry in entries)
    more = [
        f"{text(f'runbooks.kindword_{word}').ja} {counts[word]}件"
        for word in _COUNTED
        if counts[word]
    ]
    if len(told) > room:
        more.append(f"ほか {len(told) - room}件")
    return (*lines, *(["、".join(more)] if more else []))


def _line(entry: Entry, city: City) -> str:
    word = entry.kind.removeprefix(PREFIX)
    about = _about(entry, city)
    return " ".join(
        part
        for part in (
            jst(entry.occurred_at, "%m/%d %H:%M"),
            text(f"runbooks.kindword_{word}").ja,
            about,
        )
        if part
    )


def _about(entry: Entry, city: City) -> str:
    detail, subject = entry.detail, entry.subject
    if subject == entry.incident:
        if "to" in detail:
            return f"→ {person(str(detail['to']))}"
        if entry.kind.endswith("level_changed"):
            levels = city.disaster
            before, after = (int(str(detail[key])) for key in ("before", "level"))
            return f"{levels.level_name(before)} → {levels.level_name(after)}"
        return ""
    found = city.service(subject) or city.system(subject)
    name = found.name if found else subject
    more = str(detail.get("level") or detail.get("option") or "")
    return f"{name} {more}".strip()
