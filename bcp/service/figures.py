"""Metrics of the roof: the log, the plan, findings, a declared disaster. Read, never pushed.

Names and labels are a promise (INTERFACE); labels come from the plan only. Situations of running
events are drawn every other second off the loop, so that a scrape costs it nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime

from bcp import __version__
from bcp.kit.errors import BcpError
from bcp.service.announced import noticed
from bcp.service.house import House
from bcp.service.nolog import NoLog
from bcp.watch.exposition import Family, Sample
from bcp.watch.values import FindingResult, Severity
from runbooks.desk import Situation
from runbooks.notices.template import AUDIENCES
from runbooks.power import supplies

_EVERY = 2.0
_STATES = {
    FindingResult.FAIL: "open",
    FindingResult.WAIVED: "waived",
    FindingResult.NOT_CHECKED: "not_checked",
}


def _gauge(name: str, help: str, *samples: Sample) -> Family:
    return Family(name, "gauge", help, samples)


def daemon(house: House, _now: datetime) -> Iterator[Family]:
    """The daemon itself and its plan."""
    reloads = house.reloads
    yield _gauge(
        "ict_bcp_build_info", "Version of this program.", Sample(1, {"version": __version__})
    )
    yield _gauge(
        "ict_bcp_config_last_reload_successful",
        "1 when the last try to take over the plan succeeded.",
        Sample(int(reloads.successful)),
    )
    if reloads.at is not None:
        yield _gauge(
            "ict_bcp_config_last_reload_success_timestamp_seconds",
            "When a plan was last taken over.",
            Sample(reloads.at.timestamp()),
        )


def systems(house: House, _now: datetime) -> Iterator[Family]:
    """What rules join with: the class and zone of each system."""
    yield _gauge(
        "ict_bcp_system_info",
        "Class and zone of a system, from the plan.",
        *(
            Sample(1, {"system": one.id, "class": one.priority or "", "zone": one.zone.value})
            for one in house.city.systems
        ),
    )


def log(house: House, _now: datetime) -> Iterator[Family]:
    """The integrity log."""
    journal = house.journal
    known = not isinstance(journal, NoLog)
    _last, _note, signed_at = journal.signed
    yield _gauge(
        "ict_bcp_log_writable",
        "1 while the integrity log can be written.",
        Sample(int(journal.writable.ok)),
    )
    if known:
        yield _gauge("ict_bcp_log_entries", "Entries in the integrity log.", Sample(journal.size))
    if signed_at is not None:
        yield _gauge(
            "ict_bcp_log_checkpoint_timestamp_seconds",
            "When the last checkpoint was signed or confirmed.",
            Sample(signed_at.timestamp()),
        )
    if house.verified is not None:
        yield _gauge(
            "ict_bcp_log_verified",
            "1 when the last full verification of the log found nothing wrong.",
            Sample(int(house.verified)),
        )


def announcements(house: House, now: datetime) -> Iterator[Family]:
    """Promised updates not given, and whether the public page reaches its second places."""
    counts = {(kind, str(who)): 0 for kind in ("real", "drill") for who in AUDIENCES}
    if isinstance(house.journal, NoLog):  # nobody knows: absent, not 0
        counts = {key: 0 for key in counts if key[0] == "drill"}
    for stage, desk in house.desks.items():
        for one in noticed(desk.journal).overdue(now):
            counts["real" if stage == "real" else "drill", one.audience] += 1
    yield _gauge(
        "ict_bcp_announcements_overdue",
        "Announcements whose promised update has not been given in time.",
        *(Sample(n, {"kind": kind, "audience": who}) for (kind, who), n in counts.items()),
    )
    states = [(id, one) for id, one in house.mirror_states.items() if one.ok is not None]
    yield _gauge(
        "ict_bcp_announcement_mirror_ok",
        "1 while the copy of the public page in a second place agrees with the log.",
        *(Sample(int(bool(one.ok)), {"mirror": id}) for id, one in states),
    )
    yield _gauge(
        "ict_bcp_announcement_mirror_success_timestamp_seconds",
        "When the copy of the public page was last written or found right.",
        *(Sample(o.good_at.timestamp(), {"mirror": id}) for id, o in states if o.good_at),
    )


def audit(house: House, now: datetime) -> Iterator[Family]:
    """Findings by severity; every combination is there, so that a rule never misses a series.

    A check that cannot tell keeps what it found before, and counts as one more not checked: of what
    severity nobody knows, so it is told as the city's own worst.
    """
    counts = {(s, state): 0 for s in Severity for state in (*_STATES.values(), "expired")}
    for id in house.plan.confidential:
        if id not in house.board:
            continue
        view = house.board.view(id, now)
        if not view.looked:
            counts[Severity.CRITICAL, "not_checked"] += 1
        for finding in view.findings:
            state = _STATES.get(finding.result)
            if state is not None:
                counts[finding.severity, state] += 1
    yield _gauge(
        "ict_bcp_audit_findings",
        "Findings on confidentiality.",
        *(
            Sample(count, {"severity": severity.value, "state": state})
            for (severity, state), count in counts.items()
        ),
    )


class Disasters:
    """Owner of the last drawn situation of each stage."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._now: dict[str, Situation] = {}

    async def run(self) -> None:
        """Draw them anew for ever."""
        clock = self._house.clock
        while True:
            drawn: dict[str, Situation] = {}
            for stage, desk in self._house.desks.items():
                for incident in desk.active():
                    with contextlib.suppress(BcpError):  # evidence unreadable: no figures for it
                        drawn[f"{stage}/{incident.id}"] = await desk.situation(incident)
            self._now = drawn
            await clock.sleep_until(clock.monotonic() + _EVERY)

    def families(self, now: datetime) -> Iterator[Family]:
        """For `Exposition.register`."""
        kinds = {"real": 0, "drill": 0}
        if isinstance(self._house.journal, NoLog):  # nobody knows: absent, not 0
            del kinds["real"]
        deadlines: list[tuple[bool, float, dict[str, str]]] = []
        attained: list[Sample] = []
        dark: list[Sample] = []
        changes = {(kind, state): 0 for kind in kinds for state in ("open", "expired")}
        for desk in self._house.desks.values():  # from the log itself: also before the first draw
            for incident in desk.active():
                if incident.kind in kinds:
                    kinds[incident.kind] += 1
                    dark += [
                        Sample(one.ends.timestamp(), {"kind": incident.kind, "site": one.site})
                        for one in supplies(incident.damage)
                    ]
            for incident in desk.state.items.values():  # a change outlives the stand-down
                for change in incident.changes.values() if incident.kind in kinds else ():
                    changes[incident.kind, "open"] += change.closed_at is None
                    changes[incident.kind, "expired"] += change.expired(now)
        for situation in self._now.values():
            kind = situation.incident.kind
            for target in situation.levels:
                labels = {"kind": kind, "system": target.system, "level": target.level}
                if target.deadline is not None:
                    deadlines.append((target.held, target.deadline.timestamp(), labels))
                if target.attained_at is not None:
                    attained.append(Sample(target.attained_at.timestamp(), labels))
        yield _gauge(
            "ict_bcp_disaster_active",
            "Declared disasters that run now.",
            *(Sample(count, {"kind": kind}) for kind, count in kinds.items()),
        )
        yield _gauge(
            "ict_bcp_disaster_changes",
            "Emergency changes not yet taken back: all, and those past their end.",
            *(Sample(n, {"kind": kind, "state": state}) for (kind, state), n in changes.items()),
        )
        yield _gauge(
            "ict_bcp_disaster_power_end_timestamp_seconds",
            "When the power of a site without mains is used up, as somebody last read it.",
            *_first(dark),
        )
        yield _gauge(
            "ict_bcp_recovery_deadline_timestamp_seconds",
            "Deadline of a recovery level, counted from onset.",
            *_first(
                [Sample(at, labels) for _held, at, labels in sorted(deadlines, key=_open_first)]
            ),
        )
        yield _gauge(
            "ict_bcp_recovery_attained_timestamp_seconds",
            "When evidence first showed a recovery level attained.",
            *_first(attained),
        )


def _open_first(one: tuple[bool, float, dict[str, str]]) -> tuple[bool, float]:
    """Of several events the earliest deadline still open counts."""
    return one[:2]


def _first(samples: list[Sample]) -> list[Sample]:
    """One sample per label set: two drills at once must not spoil the whole scrape."""
    return list({tuple(sample.labels.items()): sample for sample in samples}.values())
