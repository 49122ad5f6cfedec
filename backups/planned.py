"""The copies a plan names, and how a command finds one. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from backups.model import AnySet, BackupSet, ProvenCopy, ProvenSet, Repository, proven_sets
from bcp.kit.errors import UsageError
from bcp.kit.language import text

Key = tuple[str, str]
"""(set, repository)."""


@dataclass(frozen=True, slots=True)
class Planned:
    """The sets of one plan."""

    sets: tuple[AnySet, ...]

    def keys(self, kind: type[ProvenSet] | None) -> tuple[Key, ...]:
        """(set, repository) of the sets of a kind; None: of every kind that is measured."""
        return tuple(
            (one.id, copy.id)
            for one in proven_sets(self.sets)
            if kind is None or isinstance(one, kind)
            for copy in one.repositories
        )

    def chosen(self, set_id: str, repository: str | None) -> tuple[Key, ...]:
        """The copies named by a command. Raises `UsageError` with the names there are."""
        found = tuple(
            key for key in self.keys(None) if key[0] == set_id and repository in (None, key[1])
        )
        if not found:
            known = ", ".join("/".join(key) for key in self.keys(None)) or "-"
            raise UsageError(
                "計画にないバックアップです / no such backup in the plan",
                expected=known,
                got=f"{set_id}/{repository or '*'}",
            )
        return found

    def find(self, key: Key) -> tuple[BackupSet, Repository]:
        """The definitions of a copy that restic makes. Raises `UsageError`."""
        one, copy = self.known(key)
        if not isinstance(one, BackupSet) or not isinstance(copy, Repository):
            product = "" if isinstance(one, BackupSet) else one.product
            raise UsageError(
                text("backups.files_product", product=product).ja,
                got="/".join(key),
                next_step="ict-bcp backup restored SET FOLDER",
            )
        return one, copy

    def known(self, key: Key) -> tuple[ProvenSet, ProvenCopy]:
        """The definitions of any copy that is measured. Raises `UsageError`."""
        for one in proven_sets(self.sets):
            copy = one.repository(key[1])
            if one.id == key[0] and copy is not None:
                return one, copy
        raise UsageError("計画にないバックアップです / no such backup", got="/".join(key))
