"""Which snapshots may go: the policy proposes, the guard refuses; nothing proven, new or last ever goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backups.acts import Act, Change, SideCheck, What
from backups.custody import CopyState
from backups.forget import owes_prune
from backups.model import BackupSet
from backups.record import Action, Custody, Evidence, Result
from backups.retention import Retention, objections, overdue, propose

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def custody(age: timedelta, index: int = 0, *, complete: bool = True) -> Custody:
    return Custody(
        "juki",
        "main",
        "r" * 64,
        f"{index:064x}",
        "t" * 64,
        NOW - age,
        "m" * 64,
        1,
        1,
        f"run{index}",
        "0.14.0",
        complete,
        seq=index,
    )


def test_space_that_was_forgotten_and_never_freed_is_owed() -> None:
    def done(action: Action, seq: int) -> dict[Action, Act]:
        return {action: Act("juki", "main", action, "run", Result.GOOD, NOW, seq=seq)}

    one = BackupSet.model_validate(
        {
            "id": "juki",
            "kind": "restic",
            "sources": ["/srv"],
            "repositories": [{"id": "main", "location": "/repo", "password_file": "/p"}],
        }
    )
    forgot = replace(nights(1), retained=done(Action.FORGET, 7))
    freed = replace(forgot, retained={**forgot.retained, **done(Action.PRUNE, 8)})
    earlier = replace(forgot, retained={**forgot.retained, **done(Action.PRUNE, 6)})
    assert owes_prune(one, forgot), "killed, or no space, after the forget"
    assert owes_prune(one, earlier)
    assert not owes_prune(one, freed)
    assert not owes_prune(one, nights(1)), "nothing was forgotten"
    by_hand = one.model_copy(update={"retention": Retention(prune=False)})
    assert not owes_prune(by_hand, forgot), "the plan frees no space"


def nights(count: int) -> CopyState:
    """A snapshot a night, the newest last night."""
    ages = [timedelta(days=count - index, hours=-12) for index in range(count)]
    return CopyState(tuple(custody(age, index) for index, age in enumerate(ages)))


def all_of(state: CopyState) -> set[str]:
    return {one.snapshot for one in state.custody}


def test_days_weeks_and_months_keep_the_newest_of_each() -> None:
    state = nights(60)
    policy = Retention(last=2, daily=7, weekly=4, monthly=2)
    made = propose(policy, state, all_of(state), None, NOW)
    words = [word for _one, word in made.keep]
    assert {word: words.count(word) for word in set(words)} == {
        "newest": 1,
        "last": 1,
        "daily": 5,
        "weekly": 2,
        "monthly": 1,
    }
    assert len(made.keep) + len(made.remove) == 60


def test_a_period_is_measured_from_the_newest_snapshot_not_from_a_clock_set_ahead() -> None:
    state = nights(30)
    policy = Retention(last=1, within=timedelta(days=10))
    year_ahead = NOW + timedelta(days=365)
    made = propose(policy, state, all_of(state), None, year_ahead)
    assert len(made.keep) == 11


def test_what_is_not_there_or_not_on_record_is_neither_kept_nor_removed() -> None:
    state = nights(5)
    present = {state.custody[0].snapshot, state.custody[4].snapshot, "e" * 64}
    made = propose(Retention(last=1), state, present, None, NOW)
    assert [one.snapshot for one in made.remove] == [state.custody[0].snapshot]


def test_incomplete_snapshots_do_not_stand_in_for_whole_ones() -> None:
    whole, half = custody(timedelta(days=1), 0), custody(timedelta(hours=20), 1, complete=False)
    state = CopyState((whole, half))
    made = propose(Retention(last=1, daily=1), state, all_of(state), None, NOW)
    assert whole.snapshot in {one.snapshot for one, _ in made.keep}


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=40, unique=True),
    st.integers(1, 5),
    st.integers(0, 5),
    st.integers(0, 5),
    st.integers(0, 400),
    st.integers(0, 30),
)
def test_whatever_the_policy_new_proven_and_last_stay_and_applying_twice_changes_nothing(
    ages: list[int], last: int, daily: int, monthly: int, proven: int, rpo: int
) -> None:
    copies = tuple(
        custody(timedelta(hours=6 * age), index)
        for index, age in enumerate(sorted(ages, reverse=True))
    )
    tested = copies[proven % len(copies)]
    evidence = Evidence("juki", "main", 4, Result.GOOD, NOW, snapshot=tested.snapshot)
    state = CopyState(copies, good={4: evidence})
    policy = Retention(last=last, daily=daily, monthly=monthly, most=200)
    horizon = timedelta(hours=rpo)
    made = propose(policy, state, all_of(state), horizon, NOW)
    gone = {one.snapshot for one in made.remove}
    assert copies[-1].snapshot not in gone
    assert tested.snapshot not in gone
    assert all(NOW - one.time > horizon for one in made.remove)
    assert objections(made.remove, policy, state, [c.time for c in copies], horizon, NOW) == ()
    left = replace(state, forgotten=frozenset(gone))
    assert propose(policy, left, all_of(left) - gone, horizon, NOW).remove == ()


def test_the_guard_names_every_reason() -> None:
    state = nights(30)
    policy, times = Retention(last=1, most=3), [one.time for one in state.custody]
    bad = Evidence("juki", "main", 3, Result.BAD, NOW, "damaged")
    side = SideCheck("juki", "main", What.NAMES, Result.BAD, NOW, "changed")
    held = Change("juki", "main", "run", NOW, 80, True, ("entropy",))
    tested = replace(bad, level=4, result=Result.GOOD, snapshot=state.custody[0].snapshot)
    cases = {
        "anomaly": replace(state, anomalies=("deleted",)),
        "failed_check": replace(state, evidence={3: bad}),
        "held": replace(state, held=held),
        "proven": replace(state, good={4: tested}),
    }
    for word, one in cases.items():
        assert objections(state.custody[:1], policy, one, times, None, NOW) == (word,)
    one = replace(state, checks={What.NAMES: side})
    assert objections(state.custody[:1], policy, one, times, None, NOW) == ("failed_check",)
    ahead = [*times, NOW + timedelta(hours=1)]
    assert objections(state.custody[:1], policy, state, ahead, None, NOW) == ("future",)
    found = objections(state.custody, policy, state, times, timedelta(days=2), NOW)
    assert found == ("too_many", "rpo")
    found = objections(state.custody, policy, state, times, None, NOW)
    assert found == ("too_many", "newest")


def test_retention_that_stopped_unseen_is_told_after_its_days() -> None:
    state = nights(60)
    policy = Retention(every=timedelta(days=1), warn_after=timedelta(days=14))
    late = overdue(policy, state, NOW)
    assert late is not None
    assert late > timedelta(days=50)
    done = Act("juki", "main", Action.FORGET, "r", Result.GOOD, NOW - timedelta(days=13))
    assert overdue(policy, replace(state, retained={Action.FORGET: done}), NOW) is None
    assert overdue(Retention(), state, NOW) is None, "by a person only: never late"
