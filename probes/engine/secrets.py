"""Credentials a plan names by file; read fresh for each run so that a changed one is used."""

from __future__ import annotations

from pathlib import Path

from bcp.kit.language import Text
from bcp.watch.check import Env
from bcp.watch.logins import Stamp
from probes.engine.trouble import Trouble

_CAP = 8192


def _read(path: str) -> str:
    with Path(path).open("rb") as file:
        return file.read(_CAP).decode("utf-8").strip()


def _stamp(path: str) -> Stamp:
    found = Path(path).stat()
    return (found.st_mtime_ns, found.st_ino, found.st_size)


async def stamp(env: Env, path: str) -> Stamp:
    """Tells this state of the file from another. Take it before `read`. Raises `Trouble` (ours)."""
    try:
        return await env.workers.thread(_stamp, path)
    except OSError as error:
        text = Text(f"認証ファイル {path} を読めません", f"cannot read the credential file {path}")
        why = (f"{path}: {error.strerror}",)
        raise Trouble(text, "answer", ours=True, evidence=why) from error


async def read(env: Env, path: str) -> str:
    """The content without surrounding blanks. Raises `Trouble` (ours); never shows the content."""
    try:
        secret = await env.workers.thread(_read, path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        text = Text(f"認証ファイル {path} を読めません", f"cannot read the credential file {path}")
        raise Trouble(text, "answer", ours=True, evidence=(f"{path}: {reason}",)) from error
    if not secret or any(ord(c) < 32 for c in secret):
        text = Text(f"認証ファイル {path} は一行で書く", f"{path} must hold one line")
        raise Trouble(text, "answer", ours=True)
    return secret
