"""一時停止 and 臨時の検査: they need a reason and an end, and end by themselves, whatever the order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.journal.entry import NewEntry
from bcp.kit.errors import UsageError
from bcp.watch.interim import ADDED, FOLD, REMOVED, RESUMED, Interim, add, end, pause
from tests.fakes import START
from tests.runbooks.world import recorded

H = timedelta(hours=1)


def folded(*new: NewEntry) -> Interim:
    state = Interim()
    for seq, one in enumerate(new, 1):
        state = FOLD.apply(state, recorded(one, seq, "u-1", one.occurred_at))
    return state


def test_a_pause_ends_by_itself_and_says_who_and_where_the_reason_is() -> None:
    state = folded(pause("a", START, 2 * H, "工事"))
    (one,) = state.paused(START + H).values()
    assert (one.by, one.seq, one.until) == ("u-1", 1, START + 2 * H)
    assert state.paused(START + 2 * H) == {}
    assert pause("a", START, H, "工事").values == {"reason": "工事"}, "erasable"


@pytest.mark.parametrize(("length", "reason"), [(8 * 24 * H, "x"), (0 * H, "x"), (H, " ")])
def test_what_lasts_or_has_no_reason_is_refused(length: timedelta, reason: str) -> None:
    with pytest.raises(UsageError):
        pause("a", START, length, reason)


@given(st.lists(st.tuples(st.sampled_from("prad"), st.sampled_from("ab"), st.integers(1, 100))))
def test_what_is_on_now_is_what_was_said_last(said: list[tuple[str, str, int]]) -> None:
    now, state = START, Interim()
    pauses: dict[str, object] = {}
    added: dict[str, object] = {}
    for seq, (word, id, hours) in enumerate(said, 1):
        if word == "p":
            new, pauses[id] = pause(id, now, hours * H, "x"), now + hours * H
        elif word == "a":
            new, added[id] = add({"id": id}, now, hours * H, "x"), now + hours * H
        else:
            new = end(RESUMED if word == "r" else REMOVED, id, now)
            (pauses if word == "r" else added).pop(id, None)
        state = FOLD.apply(state, recorded(new, seq, "u-1", now))
        now += H
        assert {id: one.until for id, one in state.pauses.items()} == pauses
        assert {id: one.until for id, one in state.added.items()} == added
    assert ADDED in (FOLD.kinds or ())
