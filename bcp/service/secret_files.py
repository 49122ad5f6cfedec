"""Secrets a plan names by file: found, and looked at for who else may read them.

Each is used all the same: a city whose backups stop over a mode is worse off than one that is told
on every page. What a plan names is few files; looking is a `stat` each.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from backups.model import AttestedSet
from bcp.service.plan import Plan

_OPEN = frozenset({"ca_file", "tls_certificate_file"})
"""Files named in a plan that are meant to be read by all."""


def named(plan: Plan) -> Iterator[Path]:
    """Passwords, keys, tokens and secret addresses of the plan in force."""
    sets = [one for one in plan.backups if not isinstance(one, AttestedSet)]
    holders = (
        plan.access,
        *plan.notify,
        *plan.checks,
        *(repository for one in sets for repository in one.repositories),
    )
    seen: dict[Path, None] = {}
    for holder in holders:
        for name in type(holder).model_fields:
            value = getattr(holder, name)
            if name.endswith("_file") and name not in _OPEN and isinstance(value, str):
                seen[Path(value)] = None
    yield from seen


def exposed(plan: Plan) -> list[str]:
    """A sentence for each secret that other users of this host can read or replace. Blocking.

    A group may read (`systemd` and service groups do so); anybody may not. A file that cannot be
    looked at is told where it is used.
    """
    found = []
    for path in named(plan):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & 0o027:
            found.append(
                f"{path}: 他の利用者が読み書きできる秘密のファイルです / "
                f"a secret that others can read or change (mode {mode:04o}; chmod 600)"
            )
    return found
