"""What people state about copies, put on record: 申告 (a provider's report), 受入 (level 5), 封印物 (escrow).

Durable before it counts: the report lies in the evidence store before the entry names it.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from backups.custody import CopyState
from backups.record import Evidence, Result
from backups.restic.restic import Restic
from backups.restic.verdict import Judgement, Verdict
from backups.standing import Rung
from backups.statements import Attestation, Escrow
from backups.tools import Copy, Tools, make_private
from bcp.journal.entry import Actor
from bcp.kit.errors import Refused, UsageError
from bcp.kit.language import text
from bcp.watch.values import Status

MOST = 20 * 1024 * 1024
"""Bytes of a report: what a month's report of a provider has, tenfold."""

_DATA = ("data", "index", "snapshots", "locks")
"""Folders of a repository that are not sealed: they are lent to the trial by links."""


async def attest(tools: Tools, said: Attestation, report: bytes, *, actor: Actor, op: str) -> None:
    """Take over a provider's report. Raises `UsageError` for a period that makes no sense."""
    now = tools.clock.utc()
    if not report or len(report) > MOST:
        raise UsageError(
            text("backups.report_size").ja, got=f"{len(report)} B", expected=f"1 - {MOST} B"
        )
    if not said.begin < said.end <= now + timedelta(days=1):
        raise UsageError(text("backups.report_period").ja, got=f"{said.begin} - {said.end}")
    if said.copy_time is not None and said.copy_time > now:
        raise UsageError(text("backups.report_future").ja, got=str(said.copy_time))
    digest = await tools.workers.thread(tools.log.evidence.put_bytes, report)
    made = replace(said, at=now, digest=digest, size=len(report))
    await tools.log.append(made.entry(), op=op, actor=actor)


async def accept(tools: Tools, restored: Rung, note: str, *, actor: Actor, op: str) -> Evidence:
    """業務主管の受入: the owner accepts what the last good restore test brought back (level 5).

    Raises `Refused` while level 4 is not proven: nobody can accept what was not restored.
    """
    proof = restored.evidence
    if proof is None or restored.status not in (Status.OK, Status.DEGRADED):
        raise Refused(
            text("backups.accept_unproven").ja,
            got=restored.sentence.ja,
            next_step="ict-bcp backup restore-test",
        )
    made = Evidence(
        restored.set,
        restored.repository,
        5,
        Result.GOOD,
        tools.clock.utc(),
        "accepted",
        proof.snapshot,
        proof.snapshot_time,
        said=note,
    )
    await tools.write(made, op=op, actor=actor)
    return made


async def try_sealed(
    copy: Copy, password: Path, materials: Path | None, *, actor: Actor, op: str
) -> Escrow:
    """封印物の確認: do the sealed password (and key file and config) open this copy?

    From a clean folder: no cache, no configuration, no password of the daemon. With `materials` (a
    folder with `config` and `keys/`) the repository's own config and keys are not looked at. A copy
    that cannot be reached is no verdict on the sealed things. Raises `UsageError`.
    """
    tools, run = copy.tools, secrets.token_hex(8)
    folder = await tools.workers.thread(_clean_room, copy, password, materials)
    try:
        location = (
            str(folder / "repository") if materials is not None else copy.restic.target.location
        )
        target = replace(
            copy.restic.target,
            location=location,
            password_file=folder / "password",
            cache=folder / "home",
            temp=folder / "home",
        )
        restic = Restic(target, copy.restic.version)
        found = await restic.repository_id()
        listed = await restic.snapshots() if found.judgement.good else None
        result, reason = _verdict(copy.state, found.judgement, found.value, listed)
    finally:
        await tools.workers.thread(shutil.rmtree, folder, True)
    kind = "whole" if materials is not None else "password"
    made = Escrow(*copy.key, tools.clock.utc(), run, result, reason, kind, by=actor.id)
    await tools.log.append(made.entry(), op=op, actor=actor)
    return made


async def sign(copy: Copy, *, roles: frozenset[str] = frozenset(), actor: Actor, op: str) -> Escrow:
    """A signature under the last trial; `roles`: those of the plan the person holds.

    Where the plan names roles, each signs once and no person twice; else one person signs who did not
    make the trial. Raises `Refused`.
    """
    trial, done = copy.state.escrow, copy.state.escrow_signatures
    if trial is None or trial.result is not Result.GOOD:
        raise Refused(text("backups.escrow_none").ja, next_step="ict-bcp backup escrow")
    wanted = copy.set.verify.escrow_roles
    if any(one.by == actor.id for one in done):
        raise Refused(text("backups.escrow_twice").ja, got=actor.id)
    if not wanted and trial.by == actor.id:
        raise Refused(text("backups.escrow_same").ja, got=actor.id)
    signed = {one.role for one in done}
    role = next((one for one in wanted if one in roles and one not in signed), "")
    if wanted and not role:
        missing = ", ".join(one for one in wanted if one not in signed)
        raise Refused(text("backups.escrow_role").ja, expected=missing, got=actor.id)
    made = replace(
        trial,
        at=copy.tools.clock.utc(),
        signs=True,
        by=actor.id,
        role=role,
        last=set(wanted) <= {*signed, role},
    )
    await copy.tools.log.append(made.entry(), op=op, actor=actor)
    return made


def attested_until(report: Attestation, within: timedelta) -> datetime:
    """By when the next report must be here."""
    return report.end + within


def _clean_room(copy: Copy, password: Path, materials: Path | None) -> Path:
    """A private folder with what was sealed and nothing else. Blocking. Raises `UsageError`."""
    wanted = [password] + ([materials / "config", materials / "keys"] if materials else [])
    for path in wanted:
        if not path.exists():
            raise UsageError(text("backups.escrow_missing").ja, got=str(path))
    real = copy.repository.folder
    if materials is not None and real is None:
        raise UsageError(text("backups.escrow_folder_only").ja, got=copy.repository.location)
    make_private(copy.tools.scratch)
    folder = Path(tempfile.mkdtemp(prefix="escrow-", dir=copy.tools.scratch))
    (folder / "home").mkdir()
    shutil.copyfile(password, folder / "password")
    (folder / "password").chmod(0o600)
    if materials is not None and real is not None:
        inside = folder / "repository"
        inside.mkdir()
        shutil.copyfile(materials / "config", inside / "config")
        shutil.copytree(materials / "keys", inside / "keys")
        for name in _DATA:
            (inside / name).symlink_to(real / name)
    return folder


def _verdict(
    state: CopyState, judged: Judgement, repository_id: str | None, listed: object
) -> tuple[Result, str]:
    """Opened, and it is the repository on record, and its newest snapshot is there."""
    if not judged.good:
        bad = judged.verdict in (Verdict.WRONG_PASSWORD, Verdict.NO_REPOSITORY, Verdict.DAMAGED)
        return (Result.BAD if bad else Result.INCONCLUSIVE), judged.verdict.value
    known = state.demand
    if known is not None and known.repository_id != repository_id:
        return Result.BAD, "recreated"
    shown = {one.id for one in getattr(listed, "value", None) or ()}
    newest = state.newest
    if newest is not None and newest.snapshot not in shown:
        return Result.INCONCLUSIVE, "no_snapshot"
    return Result.GOOD, ""
