"""The shell of the room: one journal (real, or one drill), the book, the board, the clock.

`do` carries a command to the journal's writer and back; `watch` turns what the board proves into
entries. Nothing is kept here that the journal does not hold: a new desk over the same journal goes
on where the last one was killed. When the log cannot be written, commands are refused by the journal
(`Unwritable`) and `watch` waits and tries again: evidence is read from the board, so it is not lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from bcp.journal.entry import Actor, Entry, NewEntry
from bcp.journal.errors import JournalError, Missing
from bcp.journal.folding import Committed, View
from bcp.journal.journal import Journal
from bcp.kit.clock import Clock
from bcp.kit.errors import Refused, Unwritable
from bcp.kit.workers import Workers
from bcp.plan.model import City
from runbooks import commands as c
from runbooks.amended import amended
from runbooks.book import Book
from runbooks.context import Context, refuse
from runbooks.contradiction import Reading
from runbooks.copies import FOLD_NAME as COPIES_NAME
from runbooks.copies import Copies
from runbooks.erasing import finish
from runbooks.escalation import escalations
from runbooks.frozen import Frozen, freeze, thaw
from runbooks.ground import GateSource, Ground
from runbooks.incident import FOLD_NAME, decide
from runbooks.incidents import Incidents
from runbooks.neighbours import Evidence, Preemptable
from runbooks.reminders import reminders
from runbooks.report import Report
from runbooks.reporting import entries_of, report_of, texts_of
from runbooks.situation import Situation as Situation
from runbooks.situation import situation as situation
from runbooks.state import Incident, Phase
from runbooks.unseen import unseen
from runbooks.witness import checks_of, testify

POLL_SECONDS = 1.0
_FRESH = timedelta(seconds=1)
_SLICE = 100
WATCHER = Actor("system", "watch")


class Desk:
    """One stage: `real`, or a drill's id. The journal must be open with `folds={FOLD_NAME: FOLD}`."""

    def __init__(
        self,
        journal: Journal,
        city: City,
        book: Book,
        board: Evidence,
        clock: Clock,
        workers: Workers,
        stage: str = "real",
        plan: str = "",
    ) -> None:
        self.journal, self.board, self.clock, self.stage = journal, board, clock, stage
        self.workers = workers
        self.drills: Preemptable | None = None
        """Set on the real desk: what a real declaration stops."""
        self.real: Desk | None = None
        """Set on a drill's desk: while a real event runs there, none is declared here."""
        self.holders: Callable[[], Mapping[str, frozenset[str]]] = dict
        """Set by the roof: pseudonym -> roles of the plan and capacities of the account."""
        self.gate_sources: dict[str, GateSource] = {}
        """Who says what still holds a gate of the ground (`runbooks.ground`), by the gate's id."""
        self._frozen: dict[str, Frozen] = {}
        self._reported: tuple[tuple[str, int | None, int, int], Report] | None = None
        """The last one made, while neither log has grown: its topics open one after another."""
        self._deriving = asyncio.Lock()
        self._derived: dict[str, tuple[dict[str, Reading], Situation]] = {}
        self.adopt(city, book, plan)

    def adopt(self, city: City, book: Book, plan: str = "") -> None:
        """Take over a newly accepted plan (digest `plan`); running events keep theirs."""
        self.city, self.book, self.plan = city, book, plan

    @property
    def state(self) -> Incidents:
        """Every event of this journal, after the last acknowledged entry."""
        found: Incidents = self.journal.state(FOLD_NAME)
        return found

    def incident(self, id: str) -> Incident | None:
        """An event by its id."""
        return self.state.get(id)

    def current(self) -> Incident | None:
        """The most urgent one that runs now; `active` gives all."""
        return self.state.active

    def active(self) -> tuple[Incident, ...]:
        """Every event that runs now, the most urgent first."""
        return self.state.actives

    def copies(self) -> Copies:
        """Verified copies as the real log knows them; a drill reads the same."""
        journal = (self.real or self).journal
        try:
            found: Copies = journal.state(COPIES_NAME)
        except Missing:  # a journal opened without that fold (a drill alone, a test)
            return Copies()
        return found

    async def frozen(self, incident: Incident) -> Frozen:
        """The plan and runbooks frozen at its declaration, with what was put in since.

        Raises Missing or Damaged.
        """
        known = self._frozen.get(incident.frozen)
        if known is None:
            data = await self.workers.thread(self.journal.evidence.get, incident.frozen)
            declared = await self.journal.read(incident.seq, limit=1)
            values = await self.journal.reveal(declared[0]) if declared else {}
            known = self._frozen[incident.frozen] = await self.workers.thread(thaw, data, values)
        if not incident.amendments:
            return known
        words = await self._words(incident)
        return Frozen(known.city, amended(known.book, incident, words))

    async def _words(self, incident: Incident) -> dict[int, dict[str, str]]:
        """The words of the amendments, as far as they were not erased."""
        found: dict[int, dict[str, str]] = {}
        for one in incident.amendments:
            entries = await self.journal.read(one.seq, incident=incident.id, limit=1)
            found |= await self.texts(entries)
        return found

    async def do(self, command: c.Command, actor: Actor, op: str) -> Committed:
        """Carry out a command: decided on the newest state, durable when this returns.

        `op` = operation id of the page (the same one twice is done once). Raises Refused, Conflict
        (409), Unwritable (記録できていません: send again with the same `op`), Missing.
        """
        plan, people = self.plan, dict[str, str]()
        incident = None
        if isinstance(command, c.Declare):
            if self.real is not None and self.real.current() is not None:
                raise refuse("real_runs")
            frozen = Frozen(self.city, self.book)
            digest, people = await self._freeze()
        elif isinstance(command, c.SuggestionCommand):
            frozen, digest = Frozen(self.city, self.book), ""
        else:
            incident = self.incident(command.incident)
            digest = incident.frozen if incident is not None else ""
            frozen = (
                await self.frozen(incident)
                if incident is not None
                else Frozen(self.city, self.book)
            )
        asks = isinstance(command, c.MeetGate | c.CloseGate | c.StandDown)
        context = Context(
            actor,
            self.stage,
            frozen.city,
            frozen.book,
            plan,
            digest,
            self.clock.reading().suspect,
            unseen(self.incident(command.incident), frozen.city, self.readings)
            if isinstance(command, c.Restore)
            else frozenset(),
            self.holders(),
            self.city.automation,
            people,
            await self.ground(incident) if asks and incident is not None else {},
        )

        def carry(view: View) -> tuple[NewEntry, ...]:
            return decide(view.state(FOLD_NAME), command, view.now, context)

        committed = await self.journal.transact(carry, op=op, actor=actor)
        if isinstance(command, c.Declare) and self.drills is not None and committed.entries:
            await self.drills.preempt(str(committed.entries[0].incident))
        return committed

    async def ground(self, incident: Incident) -> Ground:
        """What every source of a gate says now; before 復旧 there is nothing to ask."""
        if incident.phase not in (Phase.RESTORED, Phase.STANDING_DOWN):
            return {}
        city, now = (await self.frozen(incident)).city, self.clock.utc()
        return {id: await ask(incident, city, now) for id, ask in self.gate_sources.items()}

    async def _freeze(self) -> tuple[str, dict[str, str]]:
        """Keep plan and book before the entry names them: a digest without a file is no evidence."""
        data, people = await self.workers.thread(freeze, self.city, self.book)
        return await self.workers.thread(self.journal.evidence.put_bytes, data), dict(people)

    # --- reading ------------------------------------------------------------------------------

    def readings(self, checks: Iterable[str]) -> dict[str, Reading]:
        """What the board says now of these checks; those it does not know are left out."""
        now = self.clock.utc()
        found = {}
        for id in checks:
            if id in self.board:
                view = self.board.view(id, now)
                found[id] = Reading(view.status, view.since, self.board.since_ok(id, now))
        return found

    async def _read(self, checks: Iterable[str]) -> dict[str, Reading]:
        """The same for many, giving way in between: nothing may hold the loop."""
        ids, found = sorted(checks), dict[str, Reading]()
        for start in range(0, len(ids), _SLICE):
            found |= self.readings(ids[start : start + _SLICE])
            await asyncio.sleep(0)
        return found

    async def situation(self, incident: Incident) -> Situation:
        """The event as it stands now: what every page is drawn from.

        Derived once for all who ask within a second while neither the log nor a proof has moved.
        """
        async with self._deriving:
            return await self._situation(incident)

    async def _situation(self, incident: Incident) -> Situation:
        frozen, now = await self.frozen(incident), self.clock.utc()
        probes = {
            step.probe.id
            for id in incident.runbooks
            if (runbook := frozen.book.get(id)) is not None
            for step in runbook.steps
            if step.probe is not None
        }
        seen = await self._read(probes)
        others = [one for one in self.active() if incident.active and one.id != incident.id]
        known = None if others else self._derived.get(incident.id)
        if known is not None and known[0] == seen and known[1].incident is incident:
            age = now - known[1].now
            if timedelta() <= age < _FRESH:
                return known[1]
        beside = tuple([(one, await self.frozen(one)) for one in others])
        made = await self.workers.thread(
            situation,
            incident,
            frozen,
            seen,
            now,
            beside,
            self.copies(),
            await self.ground(incident),
        )
        self._derived[incident.id] = (seen, made)
        return made

    async def entries(self, incident: Incident) -> tuple[Entry, ...]:
        """Every entry of an event, oldest first."""
        return await entries_of(self.journal, incident.id, incident.seq)

    async def texts(self, entries: Iterable[Entry]) -> dict[int, dict[str, str]]:
        """Entry number -> name -> text, of those that carry texts; an erased one is absent."""
        return await texts_of(self.journal, entries)

    async def report(self, incident: Incident, upto: int | None = None) -> Report:
        """The report of an event as far as it goes; `upto` = that of an earlier edition."""
        key = (incident.id, upto, self.journal.size, (self.real or self).journal.size)
        if self._reported is None or self._reported[0] != key:
            self._reported = (key, await report_of(self, incident, upto))
        return self._reported[1]

    async def record_report(self, incident: Incident, actor: Actor, op: str) -> Report:
        """Make the report and log its digest. Raises Refused while the event still runs."""
        report = await self.report(incident)
        digest = await self.workers.thread(lambda: report.digest)
        command = c.RecordReport(incident=incident.id, digest=digest, upto=report.upto)
        await self.do(command, actor, op)
        return report

    # --- evidence -----------------------------------------------------------------------------

    async def watch(self) -> None:
        """For ever: write what the board proves or disproves of the running events.

        One task of the daemon's TaskGroup. A log that cannot be written, or evidence that cannot be
        read, is tried again a second later; anything else is our bug and stops the daemon.
        """
        with contextlib.suppress(Unwritable, JournalError):
            await finish(self.state, self.journal, self.workers, WATCHER)
        while True:
            with contextlib.suppress(Unwritable, JournalError):
                await self.look()
            await self.clock.sleep_until(self.clock.monotonic() + POLL_SECONDS)

    async def look(self) -> int:
        """One look at the board for every running event; gives the number of entries written."""
        running = [one for one in self.active() if one.preempted_at is None]
        return sum([await self._look(one) for one in running])

    async def _look(self, incident: Incident) -> int:
        frozen = await self.frozen(incident)
        city, book = frozen.city, frozen.book
        asked = await self.workers.thread(checks_of, incident, city, book)
        seen, now = await self._read(asked), self.clock.utc()
        said = await self.workers.thread(testify, incident, city, book, seen, now)
        written = 0
        due = await self.workers.thread(escalations, incident, city, book, now)
        again = reminders(incident, city, now)
        for command, op in (*said, *due, *again):
            with contextlib.suppress(Refused):  # the event ended between looking and writing
                written += len((await self.do(command, WATCHER, op)).entries)
        return written


def new_op() -> str:
    """An operation id for callers without a page (terminal, tests)."""
    return secrets.token_hex(16)
