"""Command lines and environments for restic. Pure.

The password reaches restic by `--password-file` only; where a REST server wants a user and a password,
its address stands in the environment. Proofs read the repository itself, so they run with `--no-cache`: a
cache would show a healthy tree that is damaged on the medium.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from backups.restic.reaching import Login, Ssh, sftp_place
from backups.restic.version import Version
from bcp.kit.errors import UsageError

FULL_ID = re.compile(r"[0-9a-f]{64}\Z")
TAG = "ict-bcp"
_RUN_TAG = "run:"
_OWN_SSH = Ssh()


@dataclass(frozen=True, slots=True)
class Target:
    """Which program opens which repository with which password file."""

    program: str
    location: str
    password_file: Path
    cache: Path
    """A cache of our own, so that nobody else's `cache --cleanup` or permissions touch us."""
    temp: Path
    gentle: tuple[str, ...] = ()
    """Words before the program: `nice`, `ionice`."""
    upload: int | None = None
    """KiB a second; None: no limit."""
    download: int | None = None
    credentials: Path | None = None
    """For S3: AWS's credentials file; its secret stands in no environment. For REST: `reaching.login`."""
    ca: Path | None = None
    """For REST and S3: who vouches for the server's certificate, beside the machine's own."""
    ssh: Ssh = _OWN_SSH
    """For SFTP."""
    source: Target | None = None
    """For `copy`: the repository it takes from."""

    @property
    def wants_login(self) -> bool:
        """Whether the address must carry user and password: it then stands in no command line."""
        return self.location.startswith("rest:") and self.credentials is not None


def gently(nice: int, idle_disk: bool, tie: str | None = None) -> tuple[str, ...]:
    """The words that make a child step back. These programs become it: signals reach restic itself.

    `tie`: the path of setpriv. A restic then ends with us, even when we are killed, and takes its lock
    away: one that lived on would write residents' data into a scratch folder already emptied.
    """
    words = [tie, "--pdeathsig=INT", "--"] if tie else []
    words += ["/usr/bin/nice", "-n", str(nice)] if nice else []
    return (*words, *(["/usr/bin/ionice", "-c", "3"] if idle_disk else []))


def environment(
    target: Target, login: Login | None = None, source_login: Login | None = None
) -> Mapping[str, str]:
    """The whole environment of the child: nothing of ours (no secret, no proxy) leaks into it.

    `login`, `source_login`: what a target that `wants_login` was found to want.
    """
    more: dict[str, str] = {}
    for one, name, known in (
        (target.source, "RESTIC_FROM_REPOSITORY", source_login),
        (target, "RESTIC_REPOSITORY", login),
    ):
        if one is not None and one.wants_login:
            more[name] = known.inside(one.location) if known is not None else one.location
        elif one is not None and one.credentials is not None:
            more["AWS_SHARED_CREDENTIALS_FILE"] = str(one.credentials)
    return {
        **more,
        "PATH": "/usr/bin:/bin",
        "HOME": str(target.cache),
        "TMPDIR": str(target.temp),
        "LANG": "C.UTF-8",
        # Status lines come ten a second even into a pipe; one a second is enough for progress.
        "RESTIC_PROGRESS_FPS": "1",
    }


def snapshot_id(value: str) -> str:
    """The id, when it is a full one. Raises `UsageError` for `latest` and short ids: a foreign
    snapshot, another host or another path set becomes `latest` without a word."""
    if not FULL_ID.match(value):
        raise UsageError(
            "スナップショットは64桁の完全なIDで指定する / name a snapshot by its full id",
            expected="64 hexadecimal digits",
            got=value[:80],
            next_step="ict-bcp backup list",
        )
    return value


def run_tag(run: str) -> str:
    """The tag that marks the snapshot of one run of ours."""
    return _RUN_TAG + run


def run_of(tags: Iterable[str]) -> str | None:
    """The run id among a snapshot's tags, when it claims to be ours."""
    own = [tag.removeprefix(_RUN_TAG) for tag in tags if tag.startswith(_RUN_TAG)]
    return own[0] if own and TAG in tags else None


def base(target: Target, *, cache: bool = False, lock: bool = True) -> list[str]:
    """The words every call begins with."""
    words = [*target.gentle, target.program]
    words += [] if target.wants_login else ["--repo", target.location]
    words += _reached(target)
    if target.upload is not None:
        words += ["--limit-upload", str(target.upload)]
    if target.download is not None:
        words += ["--limit-download", str(target.download)]
    words += ["--password-file", str(target.password_file), "--json"]
    words += ["--cache-dir", str(target.cache)] if cache else ["--no-cache"]
    return words if lock else [*words, "--no-lock"]


def _reached(target: Target) -> list[str]:
    """By which ssh, and with whose word for the certificate. The options count for both ends of a
    `copy`: `may_copy` has refused what would not fit both."""
    words: list[str] = []
    ends = [target, target.source] if target.source is not None else [target]
    commands = dict.fromkeys(
        one.ssh.command(place) for one in ends if (place := sftp_place(one.location)) is not None
    )
    if len(commands) == 1:
        words += ["-o", f"sftp.command={next(iter(commands))}"]
    for file in dict.fromkeys(one.ca for one in ends if one.ca is not None):
        words += ["--cacert", str(file)]
    return words


def may_copy(target: Target, source: Target) -> None:
    """One restic opens both ends of a `copy`, with one ssh and one credentials file. Raises
    `UsageError` where they would need two."""
    ssh = [(o.ssh.command(p), o.ssh.own) for o in (target, source) if (p := sftp_place(o.location))]
    aws = {o.credentials for o in (target, source) if o.location.startswith("s3:")}
    if (len({command for command, _own in ssh}) > 1 and any(own for _command, own in ssh)) or (
        len(aws) > 1
    ):
        raise UsageError(
            "鍵または資格情報の違う2つの保管先の間は複製できません / two places with different keys or"
            " credentials cannot be copied between",
            where=source.location,
            got=target.location,
            next_step="それぞれにバックアップする / back up into each of them",
        )


def version(program: str) -> tuple[str, ...]:
    """Ask the program who it is."""
    return (program, "version", "--json")


def snapshots(target: Target) -> tuple[str, ...]:
    """List snapshots without a lock: a poll must work on read-only media and beside a check."""
    return (*base(target, lock=False), "snapshots")


def cat_config(target: Target) -> tuple[str, ...]:
    """The repository's configuration, with its id."""
    return (*base(target, lock=False), "cat", "config")


def key_list(target: Target) -> tuple[str, ...]:
    """The keys that open the repository."""
    return (*base(target, lock=False), "key", "list")


def init(target: Target) -> tuple[str, ...]:
    """Create a repository. Only ever by a person's explicit command."""
    return (*base(target), "init")


def unlock(target: Target) -> tuple[str, ...]:
    """Remove *stale* locks (restic's own judgement: dead process of this host, or 30 minutes)."""
    return (*base(target), "unlock")


def backup(
    target: Target,
    version: Version,
    sources: Iterable[Path],
    *,
    run: str,
    tags: Iterable[str] = (),
    parent: str | None,
    exclude_file: Path | None,
) -> tuple[str, ...]:
    """Back up. The parent is pinned: restic would take any newest snapshot of these paths, also a
    foreign one, and skip files it claims to know. Without a parent everything is read."""
    words = [*base(target, cache=True), "backup", "--tag", TAG, "--tag", run_tag(run)]
    for tag in tags:
        words += ["--tag", tag]
    words += ["--parent", snapshot_id(parent)] if parent else ["--force"]
    if version.retry_lock:
        words += ["--retry-lock", "2m"]
    if exclude_file is not None:
        words += ["--exclude-file", str(exclude_file)]
    return (*words, "--", *(str(source) for source in sources))


def check(target: Target, part: tuple[int, int] | None = None) -> tuple[str, ...]:
    """Structure; with `part` = (n, t) also read that part of the data."""
    words = [*base(target), "check"]
    if part is not None:
        n, t = part
        if not 1 <= n <= t <= 256:
            raise ValueError(f"part {n}/{t}: 1 <= n <= t <= 256")
        words.append(f"--read-data-subset={n}/{t}")
    return tuple(words)


def restore(
    target: Target, snapshot: str, into: Path, include: Iterable[str] = ()
) -> tuple[str, ...]:
    """Restore one pinned snapshot; takes a lock, so that a prune does not remove what is read."""
    words = [*base(target), "restore", snapshot_id(snapshot), "--target", str(into)]
    for path in include:
        words += ["--include", path]
    return tuple(words)


def ls(target: Target, snapshot: str) -> tuple[str, ...]:
    """List a snapshot. Never a base for comparing names: JSON loses bytes that are not UTF-8."""
    return (*base(target, lock=False), "ls", snapshot_id(snapshot))
