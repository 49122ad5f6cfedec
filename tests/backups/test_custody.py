"""Record against repository, pure: every disagreement has its name, an announced act has none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from backups.anomaly import Anomaly, Seen, compare
from backups.custody import CopyState, CustodyState, apply
from backups.objects import Listing, from_bytes, to_bytes
from backups.record import (
    Action,
    Custody,
    Disagreement,
    Evidence,
    Intent,
    Record,
    Result,
    read,
)
from backups.restic.parsing import Snapshot
from bcp.journal.entry import Actor, Entry, NewEntry
from bcp.kit.clock import ClockReading
from tests.fakes import START

HOME = "9" * 64
CLOCK = ClockReading(0, True, "boot", 0, suspect=False)


def snap(index: int) -> Snapshot:
    at = START + timedelta(hours=index)
    return Snapshot(f"{index:064x}", f"{index + 7:064x}", at, "vm", ("/srv",), ("ict-bcp",))


def custody(index: int, **changes: object) -> Custody:
    one = snap(index)
    made = Custody(
        "juki", "main", HOME, one.id, one.tree, one.time, "0" * 64, 3, 10, f"r{index}", "0.19.1", True,
        seq=index,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def entry(new: NewEntry, seq: int) -> Entry:
    return Entry(
        1, "n1", 1, seq, f"op{seq}", None, new.kind, new.occurred_at, new.occurred_at, CLOCK,
        Actor("system", "test"), new.subject, new.detail, {}, new.evidence,
    )  # fmt: skip


def kinds(copy: CopyState, there: list[Snapshot], home: str = HOME) -> list[str]:
    now = START + timedelta(days=30)
    return [one.kind.value for one in compare(copy, Seen(home, tuple(there)), now=now)]


RECORDS: list[Record] = [
    Intent("juki", "main", Action.BACKUP, "r1", START, (), "a" * 64, 3, 10),
    custody(1, unsettled="b" * 64, objects="c" * 64, keys={"k": "d" * 64}),
    Evidence(
        "juki", "main", 4, Result.GOOD, START, "", "e" * 64, START, {"files": 3}, "r1", "said"
    ),
    Disagreement("juki", "main", START, ("foreign",), ("f" * 64,)),
]


def test_every_record_is_read_back_from_its_entry() -> None:
    for seq, record in enumerate(RECORDS):
        made = entry(record.entry(), seq)
        assert made.data(), "fits into an entry, integers only"
        again = read(made)
        wanted = replace(record, seq=seq)
        if isinstance(wanted, Evidence):
            wanted = replace(wanted, said="")  # what restic said is a value, not in the entry
        assert again == wanted


def test_the_fold_ends_open_backups_and_keeps_the_newest_evidence() -> None:
    state = CustodyState()
    for seq, record in enumerate(RECORDS):
        state = apply(state, entry(record.entry(), seq))
        if seq == 0:
            assert set(state.copy("juki", "main").open_backups) == {"r1"}
    copy = state.copy("juki", "main")
    assert copy.open_backups == {}
    assert copy.anomalies == ("foreign",)
    assert copy.good[4].facts == {"files": 3}
    bad = Evidence("juki", "main", 4, Result.BAD, START, "differs")
    state = apply(state, entry(bad.entry(), 9))
    assert state.copy("juki", "main").evidence[4].reason == "differs"
    assert state.copy("juki", "main").good[4].good, "what was good once is remembered beside it"
    unsure = Evidence("juki", "main", 4, Result.INCONCLUSIVE, START, "busy")
    assert (
        apply(state, entry(unsure.entry(), 10)).copy("juki", "main").evidence[4].reason == "differs"
    )


def test_years_of_backups_do_not_pile_up_intents() -> None:
    state = CustodyState()
    for index in range(1, 200):
        intent = Intent("juki", "main", Action.BACKUP, f"r{index}", START)
        state = apply(state, entry(intent.entry(), 2 * index))
        state = apply(state, entry(custody(index).entry(), 2 * index + 1))
    assert len(state.copy("juki", "main").intents) <= 2
    assert len(state.copy("juki", "main").custody) == 199


@given(st.integers(1, 8), st.data())
def test_any_set_of_vanished_snapshots_is_found_and_nothing_else_is(
    count: int, data: st.DataObject
) -> None:
    copy = CopyState(custody=tuple(custody(index) for index in range(count)))
    gone = data.draw(st.sets(st.integers(0, count - 1)))
    there = [snap(index) for index in range(count) if index not in gone]
    found = kinds(copy, there)
    if not gone:
        assert found == []
    else:
        assert found == ["emptied" if not there else "deleted"]
        names = tuple(snap(index).id for index in gone)
        told = Intent("juki", "main", Action.FORGET, "x", START, names, seq=99)
        assert kinds(replace(copy, intents=(told,)), there) == [], "announced: no alarm"


def test_strangers_rewriters_other_trees_and_other_repositories_have_their_names() -> None:
    copy = CopyState(custody=(custody(0), custody(1)))
    both = [snap(0), snap(1)]
    assert kinds(copy, [*both, snap(5)]) == ["foreign"]
    rewritten = replace(snap(1), id="f" * 64, original=snap(1).id)
    assert kinds(copy, [snap(0), rewritten]) == ["rewritten"]
    tagged = Intent("juki", "main", Action.TAG, "x", START, (snap(1).id,), seq=9)
    assert kinds(replace(copy, intents=(tagged,)), [snap(0), rewritten]) == []
    other = replace(rewritten, tree="e" * 64)
    assert kinds(replace(copy, intents=(tagged,)), [snap(0), other]) == ["rewritten"]
    assert kinds(copy, [snap(0), replace(snap(1), tree="e" * 64)]) == ["tree_changed"]
    assert kinds(copy, both, home="8" * 64) == ["recreated"]
    future = replace(snap(7), time=START + timedelta(days=400))
    assert "time_backwards" in kinds(copy, [*both, future])


def test_our_own_running_backup_and_other_sets_are_not_strangers() -> None:
    copy = CopyState(custody=(custody(0),))
    running = replace(snap(3), tags=("ict-bcp", "run:abc"))
    seen, now = Seen(HOME, (snap(0), running)), START + timedelta(days=1)
    assert [one.kind for one in compare(copy, seen, now=now)] == [Anomaly.FOREIGN]
    assert compare(copy, seen, now=now, running={"abc"}) == ()
    assert compare(copy, seen, now=now, siblings={running.id}) == ()
    forged = replace(running, tags=("run:abc",))
    assert compare(copy, Seen(HOME, (snap(0), forged)), now=now, running={"abc"}) != ()


def test_vanished_objects_show_and_a_prune_announced_before_does_not() -> None:
    required = {"data/" + "a" * 64: 10, "index/" + "b" * 64: 5}
    there = Listing({"data/" + "a" * 64: 9}, "cfg", {"k": "1"})
    copy = CopyState(custody=(custody(0, config="cfg", keys={"k": "1"}),))
    seen = Seen(HOME, (snap(0),), there, required)
    now = START + timedelta(days=1)
    found = {one.kind for one in compare(copy, seen, now=now)}
    assert found == {Anomaly.OBJECTS_MISSING, Anomaly.OBJECTS_CHANGED}
    told = replace(copy, intents=(Intent("juki", "main", Action.PRUNE, "x", now, seq=5),))
    assert compare(told, seen, now=now) == ()
    early = replace(copy, intents=(Intent("juki", "main", Action.PRUNE, "x", now, seq=-1),))
    assert compare(early, seen, now=now) != (), "an older announcement does not cover it"
    for changed, kind in (
        (replace(there, config="other"), Anomaly.CONFIG_CHANGED),
        (replace(there, keys={}), Anomaly.KEYS_GONE),
        (replace(there, keys={"k": "2"}), Anomaly.KEYS_CHANGED),
    ):
        assert kind in {one.kind for one in compare(copy, replace(seen, listing=changed), now=now)}


def test_an_older_copy_put_back_is_called_a_rollback() -> None:
    older = Listing({"data/" + "a" * 64: 9}, None, {})
    copy = CopyState(custody=(custody(0, listed=older.root), custody(1, listed="x")))
    seen = Seen(HOME, (snap(0),), older, {})
    found = compare(copy, seen, now=START + timedelta(days=1))
    assert [(one.kind, one.count) for one in found] == [(Anomaly.ROLLED_BACK, 1)]


@given(st.dictionaries(st.binary(min_size=32, max_size=32).map(bytes.hex), st.integers(0, 1 << 40)))
def test_object_lists_are_read_back(found: dict[str, int]) -> None:
    named = {f"data/{name}": size for name, size in found.items()}
    assert from_bytes(to_bytes(named)) == named


def test_a_backup_adopted_late_is_no_clock_that_went_back() -> None:
    """The daemon was killed, its restic went on, and the next backup was entered before that one."""
    late = custody(1, seq=9, adopted=True)
    both = CopyState(custody=(custody(0), custody(2), late))
    assert kinds(both, [snap(0), snap(1), snap(2)]) == []
    back = CopyState(custody=(custody(0), custody(2), custody(1, seq=9)))
    assert kinds(back, [snap(0), snap(1), snap(2)]) == ["time_backwards"]
