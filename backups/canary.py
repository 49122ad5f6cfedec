"""Is a copy immutable? Not by declaration: put a canary, try to overwrite and to delete it.

With the backup's own credentials, because those are what an intruder on the backup host has. Three
answers: `refused` (both were refused: proven), `allowed` (one succeeded: *not* immutable, whatever the plan
says), `unknown` (could not tell: no way to try, out of reach, an error that is no refusal).

A folder is tried as the daemon's user, SFTP with the backup's own key, a REST server by its protocol (an
append-only one answers 403), S3 by deleting the very version (a plain delete of a versioned object only
hides it) and, under GOVERNANCE, once more with the header that may bypass it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import aiohttp

from backups import s3, targets
from backups.model import Repository
from backups.restic.parsing import instant
from backups.restic.reaching import NoLogin, login, sftp_place
from backups.tools import Tools
from bcp.kit import process

FOLDER = "ict-bcp-canary"
"""Beside the repository's own folders; restic and the names check look past it."""

_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_DEADLINE = 30.0


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it."""

    outcome: str
    """`refused`, `allowed` or `unknown`."""
    reason: str
    """One bounded word: what was allowed, or why nobody can tell."""
    facts: dict[str, int] = field(default_factory=dict)
    said: str = ""


def judged(overwritten: bool | None, deleted: bool | None, facts: dict[str, int]) -> Tried:
    """The answer of two attempts: True succeeded, False refused, None could not tell. Pure."""
    if overwritten or deleted:
        return Tried("allowed", "delete_allowed" if deleted else "overwrite_allowed", facts)
    if overwritten is None or deleted is None:
        return Tried("unknown", "no_answer", facts)
    return Tried("refused", "", facts)


async def probe(repository: Repository, tools: Tools) -> Tried:
    """Try it, by whatever way the repository is reached."""
    where, now = repository.location, tools.clock.utc()
    try:
        if repository.folder is not None:
            return await tools.workers.thread(folder, repository.folder, now)
        if where.startswith("s3:"):
            return await _s3(repository, now)
        if where.startswith("rest:"):
            return await _rest(repository, tools)
        if where.startswith("sftp:"):
            return await _sftp(repository, tools.folder, now)
    except NoLogin:
        return Tried("unknown", "no_credentials")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Tried("unknown", "unreachable", said=type(error).__name__)
    return Tried("unknown", "no_way")


def _session(
    repository: Repository, headers: Mapping[str, str] | None = None
) -> aiohttp.ClientSession:
    """Believes the machine's authorities and the plan's own. Raises `OSError`."""
    trusted = ssl.create_default_context()
    if repository.ca_file is not None:
        trusted.load_verify_locations(repository.ca_file)
    connector = aiohttp.TCPConnector(ssl=trusted)
    timeout = aiohttp.ClientTimeout(total=_DEADLINE)
    return aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout)


def _name(now: datetime) -> str:
    """A new canary each day: an old one may have outlived its retention, which proves nothing."""
    return f"canary-{now:%Y%m%d}"


# --- a folder: blocking -------------------------------------------------------------------------


def folder(place: Path, now: datetime) -> Tried:
    """As this process's user."""
    if not (place / "config").exists():
        return Tried("unknown", "unreachable")
    path = place / FOLDER / _name(now)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            path.write_bytes(b"ict-bcp canary\n")
    except OSError as error:
        return Tried("unknown", "cannot_put", said=error.strerror or "")
    overwritten = _attempt(lambda: _overwrite(path))
    deleted = _attempt(path.unlink)
    if deleted:
        try:
            path.parent.rmdir()
        except OSError:
            pass
    return judged(overwritten, deleted, {})


def _overwrite(path: Path) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
    try:
        os.write(fd, b"overwritten\n")
    finally:
        os.close(fd)


def _attempt(act: object) -> bool | None:
    assert callable(act)
    try:
        act()
    except OSError as error:
        return False if error.errno in _REFUSED else None
    return True


# --- REST server --------------------------------------------------------------------------------


async def _rest(repository: Repository, tools: Tools) -> Tried:
    """A tiny object in `data/`, named as the server demands: the only type an append-only server keeps
    from being deleted and that no reader of the repository minds. It is kept and tried again."""
    url, file = repository.location.removeprefix("rest:"), repository.credentials_file
    known = await tools.workers.thread(login, Path(file)) if file else None
    headers = {"Authorization": known.header} if known is not None else {}
    base = url.rstrip("/")
    kept = tools.folder / "canary" / hashlib.sha256(url.encode()).hexdigest()[:32]
    async with _session(repository, headers) as session:

        async def call(method: str, name: str, body: bytes | None = None) -> int:
            address = f"{base}/data/{name}"
            async with session.request(method, address, data=body, allow_redirects=False) as got:
                return got.status

        content = kept.read_bytes() if kept.exists() else secrets.token_bytes(32)
        name = hashlib.sha256(content).hexdigest()
        if await call("HEAD", name) != 200:
            content = secrets.token_bytes(32)
            name = hashlib.sha256(content).hexdigest()
            status = await call("POST", name, content)
            if status != 200:
                return Tried("unknown", "cannot_put", {"status": status})
            kept.parent.mkdir(mode=0o700, exist_ok=True)
            kept.write_bytes(content)
        again, gone = await call("POST", name, content), await call("DELETE", name)
        facts = {"overwrite_status": again, "delete_status": gone}
        # The name is the hash of the content, so a server that takes it again changes nothing.
        overwritten = _answer(again) if again != 200 else False
        deleted = _answer(gone)
        if deleted:
            kept.unlink(missing_ok=True)
        return judged(overwritten, deleted, facts)


def _answer(status: int) -> bool | None:
    if 200 <= status < 300:
        return True
    return False if status in (403, 405) else None


# --- SFTP ---------------------------------------------------------------------------------------


async def _sftp(repository: Repository, scratch: Path, now: datetime) -> Tried:
    """By `sftp` in batch mode with the backup's own key: a non-zero end of the batch is a refusal."""
    place = sftp_place(repository.location)
    if place is None or set(place.path) & set('"\n\\'):
        return Tried("unknown", "no_way")
    host = f"[{place.host}]" if ":" in place.host else place.host
    path, user = place.path, f"{place.user}@" if place.user else ""
    port = ["-P", str(place.port)] if place.port is not None else []
    options = targets.ssh(repository).options()
    words = ["/usr/bin/sftp", "-q", *options, *port, "-b", "-", "--", user + host]
    local = scratch / "canary.put"
    local.write_bytes(b"ict-bcp canary\n")
    remote = f"{path}/{FOLDER}/{_name(now)}"

    async def batch(*lines: str) -> process.Completed:
        text = "".join(f"{line}\n" for line in lines).encode()
        return await process.run(words, deadline=_DEADLINE, stdin=text)

    try:
        begun = await batch(
            f'-mkdir "{path}/{FOLDER}"', f'-ls "{remote}"', f'-put "{local}" "{remote}"'
        )
        there = await batch(f'ls "{remote}"')
        if begun.returncode != 0 or there.returncode != 0:
            return Tried("unknown", "cannot_put", said=there.last_lines[-300:])
        over = await batch(f'put "{local}" "{remote}"')
        gone = await batch(f'rm "{remote}"')
    finally:
        local.unlink(missing_ok=True)
    return judged(_ended(over), _ended(gone), {})


def _ended(done: process.Completed) -> bool | None:
    if done.returncode == 0:
        return True
    said = done.last_lines.lower()  # with a bracket it is ssh's: no log-in, so no answer
    return False if "permission denied" in said.replace("permission denied (", "") else None


# --- S3 -----------------------------------------------------------------------------------------


async def _s3(repository: Repository, now: datetime) -> Tried:
    where = s3.place(repository.location)
    file = repository.credentials_file
    who = s3.credentials(Path(file)) if file else None
    if where is None or who is None:
        return Tried("unknown", "no_credentials" if where else "no_way")
    async with _session(repository) as session:
        bucket = s3.Bucket(session, where, who, now, repository.region)
        lock = await bucket.call("GET", query={"object-lock": ""})
        facts = {"bucket_lock": int(lock.status == 200 and b"Enabled" in lock.body)}
        name = f"{FOLDER}/{_name(now)}"
        put = await bucket.call("PUT", name, body=b"ict-bcp canary\n")
        if put.status != 200:
            return Tried("unknown", "cannot_put", {**facts, "status": put.status})
        version = put.headers.get("x-amz-version-id", "")
        if not version or version == "null":
            gone = await bucket.call("DELETE", name)
            # Not versioned: what is put again is overwritten, Object Lock cannot be on.
            return judged(True, _answer(gone.status), {**facts, "versioned": 0})
        facts["versioned"] = 1
        mode, until = await bucket.lock_of(name, version)
        facts |= _lock_facts("", mode, until)
        newest = await bucket.newest("snapshots/")
        newest_mode, newest_until = await bucket.lock_of(newest) if newest else ("", "")
        facts |= _lock_facts("newest_", newest_mode, newest_until) if newest else {}
        gone = await bucket.call("DELETE", name, {"versionId": version})
        deleted = _answer(gone.status)
        if deleted is False and mode == "GOVERNANCE":
            bypass = {"x-amz-bypass-governance-retention": "true"}
            gone = await bucket.call("DELETE", name, {"versionId": version}, headers=bypass)
            if _answer(gone.status):
                return Tried("allowed", "bypass_allowed", facts)
        over = facts.get("newest_retain_until_s", 0) <= now.timestamp()
        if newest and not deleted and (not newest_mode or over):
            # New objects are held, the newest snapshot itself is not: put before the lock, or lapsed.
            return Tried("allowed", "newest_unlocked", facts)
        # A second put makes a second version; the first stays what it was.
        return judged(False, deleted, facts)


def _lock_facts(what: str, mode: str, until: str) -> dict[str, int]:
    """0 none, 1 GOVERNANCE (can be bypassed by permission), 2 COMPLIANCE; until when, Unix time."""
    facts = {f"{what}mode": {"GOVERNANCE": 1, "COMPLIANCE": 2}.get(mode, 0)}
    try:
        facts[f"{what}retain_until_s"] = int(instant(until).timestamp())
    except ValueError:
        pass
    return facts
