"""Do the copies of a set agree? Pure.

`restic copy` keeps the tree id and the time and sets `original`; a copy agrees with another when each
snapshot the other has on record is there with the same tree. Copies filled by backups of their own have
other trees by nature: those are compared by the root of the source manifest, taken at the same source.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from backups.custody import CopyState
from backups.record import Custody
from backups.restic.parsing import Snapshot

_NAMED = 20


@dataclass(frozen=True, slots=True)
class Agreement:
    """How one copy stands against the others of its set."""

    behind: int
    """Snapshots newer than anything here that another copy has."""
    lag_s: int
    """Seconds between the newest snapshot anywhere and the newest here."""
    differing: tuple[str, ...]
    """Copied snapshots here whose tree is not the one on record at their source."""
    shared: int
    """Snapshots here that agree with another copy's record."""
    others: int

    @property
    def good(self) -> bool:
        """Nothing here contradicts another copy. Being behind is a lag, not a contradiction."""
        return not self.differing

    @property
    def reason(self) -> str:
        """One bounded word."""
        return "differs" if self.differing else "behind" if self.behind else ""

    @property
    def names(self) -> tuple[str, ...]:
        """The first differing snapshots."""
        return self.differing[:_NAMED]

    @property
    def facts(self) -> dict[str, int]:
        """For the record."""
        return {
            "behind": self.behind,
            "lag_s": self.lag_s,
            "differing": len(self.differing),
            "shared": self.shared,
            "others": self.others,
        }


def compare(mine: str, states: Mapping[str, CopyState], shown: Collection[Snapshot]) -> Agreement:
    """This repository's snapshots against the records of every repository of the set."""
    ids: dict[str, Custody] = {}
    contents: set[tuple[str, str]] = set()
    newest_elsewhere: list[Custody] = []
    for name, state in states.items():
        if name == mine:
            continue
        whole = [one for one in state.kept if one.complete]
        # Rewritten and forgotten ones too: what was copied before is judged by what it was then.
        ids |= {one.snapshot: one for one in state.custody}
        contents |= {(one.tree, one.manifest) for one in whole}
        newest_elsewhere += whole
    here = states.get(mine, CopyState())
    record = {one.snapshot: one for one in here.kept}
    trees = {tree for tree, _manifest in contents}
    manifests = {manifest for _tree, manifest in contents}
    differing, shared = [], 0
    for one in shown:
        source = ids.get(one.original or "")
        if source is not None and source.tree != one.tree:
            differing.append(one.id)
        elif one.tree in trees or (one.id in record and record[one.id].manifest in manifests):
            shared += 1
    present = {one.id for one in shown}
    own = [one.time for one in here.kept if one.complete and one.snapshot in present]
    last = max((one.time for one in newest_elsewhere), default=None)
    mine_last = max(own, default=None)
    behind = [one for one in newest_elsewhere if mine_last is None or one.time > mine_last]
    lag = 0
    if last is not None and mine_last is not None and last > mine_last:
        lag = int((last - mine_last).total_seconds())
    others = sum(1 for name, state in states.items() if name != mine and state.custody)
    # The same moment in two other copies is one snapshot to be behind by.
    moments = {(one.manifest, one.time) for one in behind}
    return Agreement(len(moments), lag, tuple(differing), shared, others)
