"""What is demanded of each sort of file, and the survey that judges. Runs in a thread, read-only.

If the walk meets its cap, another file system or a folder it may not read, that is `not_checked`:
what was not looked at never counts as closed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from bcp.kit.errors import NotPermitted
from bcp.watch.check import HostAccess
from bcp.watch.values import Finding, FindingResult
from probes.confidentiality import contents
from probes.confidentiality.access import (
    ENTER,
    READ,
    WRITE,
    Access,
    closed_above,
    look,
    strangers,
    user_name,
)
from probes.confidentiality.catalogue import Judge
from probes.confidentiality.host_demands import (
    ACL,
    DEMANDS,
    DIRECTORY,
    GROUPS,
    NO_ACL,
    OWNERS,
    PUBLIC,
    SECRET,
    UNENCRYPTED,
    WATCH_PARENT,
    WRITABLE_FOLDER,
    Demand,
    PlaceLike,
)
from probes.confidentiality.host_walk import Budget, Unseen, reason, secrets_in, walk

_STICKY = 0o1000
_MOST = 50
"""Failing paths named one by one per rule and place; the rest is counted."""


class Survey:
    """Looks at places one after the other and collects findings."""

    def __init__(
        self, host: HostAccess, judge: Judge, max_entries: int, stopped: Callable[[], bool]
    ) -> None:
        self._host, self._judge = host, judge
        self._budget = Budget(max_entries, stopped)
        self.findings: list[Finding] = []
        self.seen = 0
        self._lines: list[str] = []
        # Of the place being looked at:
        self._rules: dict[str, str] = {}
        self._count: dict[tuple[str, FindingResult], int] = {}

    @property
    def evidence(self) -> tuple[str, ...]:
        """One line per path that fails: mode, owner, ACL."""
        return tuple(self._lines[:40])

    # -- looking --

    def place(self, place: PlaceLike) -> None:
        """Judge a file, or a folder and what is in it."""
        demands = DEMANDS[place.holds]
        self._rules = {demand.rule: demand.expected for demand in demands} | {ACL: NO_ACL}
        self._count = {}
        first, seen = demands[0].rule, self.seen
        try:
            access = look(self._host.require(Path(place.path)))
        except FileNotFoundError:
            if place.optional:
                result = FindingResult.NOT_APPLICABLE
                self._add(first, place.path, result, "無い absent", demands[0].expected)
            else:
                self._not_checked(first, place.path, "ファイルがない / absent")
            return
        except (OSError, ValueError, RuntimeError, NotPermitted) as error:
            self._not_checked(first, place.path, reason(error))
            return
        self._top(place, access)
        if access.is_dir and place.holds != "folder":
            for item in walk(access, self._host, self._budget):
                if isinstance(item, Unseen):
                    self._not_checked(first, str(item.path), item.reason)
                    continue
                self.seen += 1
                if item.is_dir:
                    self._folder(place, item)
                else:
                    self._file(place, item, named=False)
        self._passes(access, self.seen - seen)

    def _passes(self, access: Access, count: int) -> None:
        """Rules without a fault or a blind spot in this place pass, once each."""
        if any(result is FindingResult.NOT_CHECKED for _rule, result in self._count):
            return
        observed = access.shown if count <= 1 else f"{count}件 files"
        for rule, expected in self._rules.items():
            if (rule, FindingResult.FAIL) not in self._count:
                self._add(rule, str(access.path), FindingResult.PASS, observed, expected)

    def _top(self, place: PlaceLike, access: Access) -> None:
        self.seen += 1
        self._budget.left -= 1
        if not access.is_dir:
            self._file(place, access, named=True)
        elif place.holds == "folder":
            self._judge_access(place, access, DEMANDS["folder"])
        else:
            self._folder(place, access)
            rights = WRITE if place.holds in PUBLIC else READ | WRITE | ENTER
            self._rules[DIRECTORY] = "0700"
            self._judge_access(place, access, (Demand(DIRECTORY, rights, "0700"),))
            if place.holds == "repository" and contents.is_restic(access.path):
                self._rules[UNENCRYPTED] = "暗号化 encrypted"

    def _folder(self, place: PlaceLike, access: Access) -> None:
        """Whoever writes in a folder replaces and deletes what it holds."""
        rule = WRITABLE_FOLDER.get(place.holds)
        if rule is not None:
            self._judge_access(place, access, (Demand(rule, WRITE, "0700"),))

    def _file(self, place: PlaceLike, access: Access, *, named: bool) -> None:
        if not access.is_file:
            return
        if place.holds == "private_key" and not named and not self._is_key(access):
            return
        self._judge_access(place, access, DEMANDS[place.holds])
        if place.holds == "dump":
            self._judge_protection(access)
        if named and place.holds in WATCH_PARENT:
            self._judge_parent(place, access.path.parent)

    def _is_key(self, access: Access) -> bool:
        """By content; by its name when we may not read it (its mode can be judged all the same)."""
        name = access.path.name
        try:
            return contents.is_private_key(contents.head(access.path), name)
        except OSError:
            return name.endswith((".key", ".p12", ".pfx")) or name.startswith("id_")

    def _judge_parent(self, place: PlaceLike, folder: Path) -> None:
        """Who writes in the folder can put another file in its place (sticky ones excepted)."""
        try:
            access = look(folder)
        except (OSError, ValueError):
            return
        if not access.mode & _STICKY:
            rule = WRITABLE_FOLDER.get(place.holds, DIRECTORY)
            self._judge_access(place, access, (Demand(rule, WRITE, "0700"),))

    def secrets_beside_backups(self, places: Sequence[PlaceLike]) -> None:
        """Passwords lying in or next to a repository, and password files the plan keeps there."""
        self._rules, self._count = {SECRET: "別の場所 elsewhere"}, {}
        told = {p.path for p in places if p.holds == "password_file"}
        for place in places:
            if place.holds != "repository":
                continue
            try:
                real = self._host.require(Path(place.path))
                top = look(real)
            except (OSError, ValueError, RuntimeError, NotPermitted):
                continue  # already told as not checked by `place`
            self._count = {}
            for folder in (real, real.parent) if top.is_dir else (real.parent,):
                self._secrets(folder, told)
            self._passes(top, 1)

    def _secrets(self, folder: Path, told: Collection[str]) -> None:
        try:
            self._host.require(folder)
        except NotPermitted:
            return  # above the permitted roots: not ours to look at
        for found in secrets_in(folder, self._budget):
            if isinstance(found, Unseen):
                self._not_checked(SECRET, str(found.path), found.reason)
            else:
                self._fail(SECRET, look(found), "別の場所 elsewhere")
        for path in told:
            if Path(path).parent == folder and Path(path).is_file():
                self._fail(SECRET, look(Path(path)), "別の場所 elsewhere")

    # -- judging --

    def _judge_access(self, place: PlaceLike, access: Access, demands: Collection[Demand]) -> None:
        groups = {*place.groups, *GROUPS.get(place.holds, ())}
        owners = set(place.owners) or OWNERS.get(place.holds, frozenset())
        wrong_owner = bool(owners) and access.uid != 0 and user_name(access.uid) not in owners
        for demand in demands:
            grants = strangers(access, demand.rights, groups)
            if any(grant.acl for grant in grants):
                self._fail(ACL, access, NO_ACL)
            by_mode = {grant.who for grant in grants if not grant.acl}
            if by_mode or wrong_owner:
                outside = by_mode == {"others"} and not wrong_owner
                closed = closed_above(access.path) if outside else None
                expected = f"{demand.expected} {'/'.join(sorted(owners))}".strip()
                self._fail(demand.rule, access, expected, closed=closed)

    def _judge_protection(self, access: Access) -> None:
        try:
            found = contents.protection(contents.head(access.path))
        except OSError as error:
            self._not_checked(UNENCRYPTED, str(access.path), reason(error))
            return
        if found is None:
            return
        how, what = found
        self._rules[UNENCRYPTED] = "暗号化 encrypted"
        if how == "encrypted":
            return
        volume = contents.volume_encrypted(access.device)
        if volume is None:
            why = f"平文 plain {what}。媒体の暗号化を判定できない / encryption of the volume not known"
            self._not_checked(UNENCRYPTED, str(access.path), why)
        elif not volume:
            self._fail(UNENCRYPTED, access, "暗号化 encrypted", note=f"平文 plain {what}")

    # -- telling --

    def _fail(
        self,
        rule: str,
        access: Access,
        expected: str,
        *,
        closed: Path | None = None,
        note: str = "",
    ) -> None:
        """`closed`: a folder above keeps strangers out, which takes one step off."""
        subject, observed = str(access.path), f"{access.shown} {note}".rstrip()
        if closed is not None:
            observed += f" (上のフォルダ {closed} が閉じている / closed above)"
        if any(f.id == rule and f.subject == subject for f in self.findings):
            self._count.setdefault((rule, FindingResult.FAIL), 1)
            return
        nth = self._counted(rule, FindingResult.FAIL)
        if nth == _MOST + 1:
            subject, observed = f"{access.path.parent}/…", "ほかにもある / and more"
        if nth <= _MOST + 1:
            self._lines.append(f"{subject}: {observed}")
            result, ease = FindingResult.FAIL, 1 if closed is not None else 0
            self._add(rule, subject, result, observed, expected, ease=ease)

    def _not_checked(self, rule: str, subject: str, why: str) -> None:
        if self._counted(rule, FindingResult.NOT_CHECKED) <= _MOST:
            self._add(rule, subject, FindingResult.NOT_CHECKED, why, self._rules.get(rule, "-"))

    def _counted(self, rule: str, result: FindingResult) -> int:
        self._count[rule, result] = self._count.get((rule, result), 0) + 1
        return self._count[rule, result]

    def _add(
        self,
        rule: str,
        subject: str,
        result: FindingResult,
        observed: str,
        expected: str,
        *,
        ease: int = 0,
    ) -> None:
        self.findings.append(
            self._judge.finding(rule, subject, result, observed, expected, ease=ease)
        )
