"""The thin shell around the restic program: one method per verb, a judgement for every call.

Every call has its own deadline (0.14 retries a missing pack for minutes). A stale lock of a killed
restic of this host is removed, once, and the call is tried again; anybody else's lock is *busy*.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from backups.restic import arguments, locks, parsing
from backups.restic.arguments import Target
from backups.restic.parsing import Progress, Snapshot, Summary
from backups.restic.reaching import Login, NoLogin, login, sftp_place
from backups.restic.verdict import Judgement, Verdict, judge, of_ssh
from backups.restic.version import Version, parse_version
from bcp.kit import process
from bcp.kit.clock import Clock, SystemClock
from bcp.kit.errors import BcpError

T = TypeVar("T")
Run = Callable[..., Awaitable[process.Completed]]
OnProgress = Callable[[Progress], None]

QUICK = 60.0
"""Deadline of calls that read only the list of things, seconds."""

LEAVING = 3.0
"""Seconds a restic nobody waits for any more may take to remove its lock and go."""

_UNLOCK = 30.0
"""Deadline of taking a stale lock away: it must not make a late answer much later."""


class ResticMissing(BcpError):
    """The program is not there, not restic, or too old."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a call gave; `value` is there only when the judgement is good (or incomplete)."""

    judgement: Judgement
    value: T | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Check:
    """The result of `check`."""

    errors: int | None
    """What restic counted (0.18 on); None: the version does not say."""


class Restic:
    """One repository, opened by one program with one password file."""

    def __init__(
        self,
        target: Target,
        version: Version,
        run: Run = process.run,
        clock: Clock | None = None,
    ) -> None:
        self.target, self.version, self._run = target, version, run
        self._clock = clock or SystemClock()

    def taking_from(self, source: Target) -> Restic:
        """The same repository, for a `copy` out of another one."""
        return Restic(replace(self.target, source=source), self.version, self._run, self._clock)

    async def snapshots(self, deadline: float = QUICK) -> Answer[tuple[Snapshot, ...]]:
        """Every snapshot the repository admits to."""
        ended, judgement = await self.call(arguments.snapshots(self.target), deadline)
        return self._read(ended, judgement, parsing.snapshots)

    async def repository_id(self, deadline: float = QUICK) -> Answer[str]:
        """The id written at `init`; another id is another repository."""
        ended, judgement = await self.call(arguments.cat_config(self.target), deadline)
        return self._read(ended, judgement, parsing.repository_id)

    async def init(self, deadline: float = QUICK) -> Answer[str]:
        """Create the repository. An explicit act of a person, never a reaction to an error."""
        ended, judgement = await self.call(arguments.init(self.target), deadline)
        if not judgement.good:
            return Answer(judgement, None, ended.duration)
        return await self.repository_id(deadline)

    async def backup(
        self,
        sources: Iterable[Path],
        *,
        run: str,
        tags: Iterable[str],
        parent: str | None,
        exclude_file: Path | None,
        deadline: float,
        on_progress: OnProgress | None = None,
    ) -> Answer[Summary]:
        """Back up; the value names the full snapshot id in every version."""
        words = arguments.backup(
            self.target,
            self.version,
            sources,
            run=run,
            tags=tags,
            parent=parent,
            exclude_file=exclude_file,
        )
        ended, judgement = await self.call(words, deadline, on_progress)
        if judgement.verdict not in (Verdict.GOOD, Verdict.INCOMPLETE):
            return Answer(judgement, None, ended.duration)
        return self._read(ended, judgement, parsing.summary)

    async def find_run(self, run: str, deadline: float = QUICK) -> Answer[Snapshot]:
        """The one snapshot that carries a run's tag. A good judgement without a value: looked, and
        there is none (or, never seen, more than one)."""
        listing = await self.snapshots(deadline)
        found = [one for one in listing.value or () if arguments.run_of(one.tags) == run]
        return Answer(listing.judgement, found[0] if len(found) == 1 else None, listing.seconds)

    async def check(self, deadline: float, part: tuple[int, int] | None = None) -> Answer[Check]:
        """Structure, or structure and one part of the data."""
        ended, judgement = await self.call(arguments.check(self.target, part), deadline)
        errors = parsing.check_errors(ended.stdout)
        if judgement.good and errors:
            # Exit 0 with errors counted: believe the worse of the two.
            judgement = Judgement(Verdict.DAMAGED, f"num_errors {errors}")
        return Answer(judgement, Check(errors), ended.duration)

    async def restore(
        self,
        snapshot: str,
        into: Path,
        deadline: float,
        on_progress: OnProgress | None = None,
        include: Iterable[str] = (),
    ) -> Answer[None]:
        """Restore one snapshot, or what of it is named, into a folder. Only hashes tell whether it is
        right."""
        words = arguments.restore(self.target, snapshot, into, include)
        ended, judgement = await self.call(words, deadline, on_progress)
        return Answer(judgement, None, ended.duration)

    async def ls(self, snapshot: str, deadline: float = QUICK) -> Answer[int]:
        """How many nodes a snapshot lists (names would not be byte-exact)."""
        ended, judgement = await self.call(arguments.ls(self.target, snapshot), deadline)
        return self._read(
            ended,
            judgement,
            lambda out: sum(1 for item in parsing.messages(out) if "path" in item),
        )

    async def keys(self, deadline: float = QUICK) -> Answer[int]:
        """How many keys open the repository."""
        ended, judgement = await self.call(arguments.key_list(self.target), deadline)
        return self._read(ended, judgement, lambda out: out.count(b'"current"') or None)

    async def unlock_stale(self, deadline: float = QUICK) -> tuple[str, ...]:
        """Remove the locks of dead processes of this host (`locks`); never others'."""
        try:
            async with asyncio.timeout(deadline):
                return await locks.heal(self, self._clock.utc())
        except (TimeoutError, OSError):
            return ()

    def _read(
        self, ended: process.Completed, judgement: Judgement, read: Callable[[bytes], T | None]
    ) -> Answer[T]:
        if judgement.verdict not in (Verdict.GOOD, Verdict.INCOMPLETE):
            return Answer(judgement, None, ended.duration)
        value = read(ended.stdout)
        if value is None or ended.truncated:
            reason = "restic の出力を読めません / restic's output cannot be read"
            return Answer(Judgement(Verdict.INCONCLUSIVE, reason), None, ended.duration)
        return Answer(judgement, value, ended.duration)

    async def call(
        self, words: tuple[str, ...], deadline: float, on_progress: OnProgress | None = None
    ) -> tuple[process.Completed, Judgement]:
        """A call; one that meets a dead lock of this host removes it and is tried once more."""
        ended, judgement = await self.once(words, deadline, on_progress)
        if judgement.verdict is Verdict.BUSY:
            await self.unlock_stale(_UNLOCK)
            ended, judgement = await self.once(words, deadline, on_progress)
        killed = ended.timed_out or ended.returncode < 0
        if killed and not judgement.on_the_way:
            # A killed restic leaves its lock: take it away now, so that nobody finds it later.
            await self.unlock_stale(_UNLOCK)
        return ended, judgement

    async def once(
        self, words: tuple[str, ...], deadline: float, on_progress: OnProgress | None = None
    ) -> tuple[process.Completed, Judgement]:
        """One call, no second try."""
        for folder in (self.target.cache, self.target.temp):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

        def on_line(line: bytes) -> None:
            seen = parsing.progress(line)
            if seen is not None and on_progress is not None:
                on_progress(seen)

        try:
            logins = [self._login(one) for one in (self.target, self.target.source)]
        except NoLogin as error:
            why = f"{error.what}: {error.where} ({error.got})"
            return process.Completed(words, 1, b"", why.encode(), False, 0.0), Judgement(
                Verdict.DENIED, why
            )
        try:
            ended = await self._run(
                words,
                deadline=deadline,
                grace=LEAVING,
                env=arguments.environment(self.target, *logins),
                cap=256 << 20,
                on_line=on_line if on_progress is not None else None,
            )
        except (FileNotFoundError, PermissionError) as error:
            raise missing(self.target.program, str(error)) from error
        judged = judge(ended)
        if judged.verdict is Verdict.UNREACHABLE:
            judged = await self._ask_ssh() or judged
        for known in logins:  # restic hides it in addresses; nobody promises that it always will
            if known is not None:
                judged = replace(judged, reason=known.hide(judged.reason))
        return ended, judged

    async def _ask_ssh(self) -> Judgement | None:
        """restic may end before it has passed on why ssh did: then ssh is asked itself. An impostor
        must never look like a line that is down."""
        for end in (self.target, self.target.source):
            place = sftp_place(end.location) if end is not None else None
            if end is None or place is None:
                continue
            env = arguments.environment(self.target)
            words = end.ssh.words(place)
            try:
                ended = await self._run(words, deadline=_UNLOCK, env=env, stdin=b"", cap=1 << 16)
            except OSError:  # there is no ssh: restic has said so
                return None
            if (said := of_ssh(ended)) is not None:
                return said
        return None

    @staticmethod
    def _login(target: Target | None) -> Login | None:
        """Read anew for each call: a changed password counts at once. A line of a small file."""
        if target is None or not target.wants_login or target.credentials is None:
            return None
        return login(target.credentials)


async def detect(program: str, run: Run = process.run) -> Version:
    """Which restic this is. Raises `ResticMissing` when it is none or too old."""
    try:
        ended = await run(arguments.version(program), deadline=QUICK, env={"PATH": "/usr/bin:/bin"})
    except (FileNotFoundError, PermissionError, OSError) as error:
        raise missing(program, str(error)) from error
    version = parse_version(ended.stdout) if ended.returncode == 0 else None
    if version is None:
        raise missing(program, ended.last_lines[:200] or f"exit {ended.returncode}")
    if not version.supported:
        raise missing(program, str(version))
    return version


def missing(program: str, got: str) -> ResticMissing:
    """The sentence for a program that cannot be used."""
    return ResticMissing(
        "restic を使えません / restic cannot be used",
        where=program,
        expected="restic 0.14 or later",
        got=got,
        next_step="apt-get install restic",
    )


def find_program(wanted: str | None) -> str:
    """The absolute path of the program; the name itself when it is not on the PATH."""
    return shutil.which(wanted or "restic") or (wanted or "restic")
