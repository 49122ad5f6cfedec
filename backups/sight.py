"""What is seen of a repository from its folder, held against what the record demands."""

from __future__ import annotations

from collections.abc import Mapping

from backups.anomaly import missing_objects
from backups.objects import Listing, ListingGone, from_bytes, listing
from backups.record import Action
from backups.restic.restic import Answer
from backups.restic.verdict import Judgement, Verdict
from backups.tools import Copy
from bcp.journal.errors import JournalError


async def identify(copy: Copy, seen: Listing | None) -> Answer[str]:
    """The repository's id. A config file with the digest on record *is* that repository: then the
    password need not be asked again (opening costs restic half a second of key derivation)."""
    demand = copy.state.demand
    config = seen.config if seen is not None else None
    if demand is not None and config is not None and config == demand.config:
        return Answer(Judgement(Verdict.GOOD, ""), demand.repository_id, 0.0)
    return await copy.restic.repository_id()


async def see_objects(copy: Copy) -> Listing | None:
    """The objects in the repository's folder; None when it is not on this host or not there."""
    folder = copy.repository.folder
    if folder is None:
        return None
    try:
        return await copy.tools.workers.thread(listing, folder)
    except ListingGone:
        return None


async def required_objects(copy: Copy) -> Mapping[str, int]:
    """The objects that are demanded now; empty when there is no list."""
    demand = copy.state.demand
    digest = demand.objects if demand is not None else None
    if digest is None:
        return {}

    def load() -> Mapping[str, int]:
        return from_bytes(copy.tools.log.evidence.get(digest))

    try:
        return await copy.tools.workers.thread(load)
    except JournalError:  # the store lost the list: compare without it rather than not at all
        return {}


def still_required(copy: Copy, required: Mapping[str, int], seen: Listing) -> dict[str, int]:
    """What is there, and what is missing without having been announced: a loss is not forgotten by
    the next backup on top of it (restic would take it for granted and end with 0)."""
    state, demand = copy.state, copy.state.demand
    if demand is not None and state.since(demand.seq, Action.PRUNE, Action.ACCEPT):
        return dict(seen.objects)
    gone, resized = missing_objects(required, seen)
    return {**seen.objects, **{name: required[name] for name in (*gone, *resized)}}
