"""What counts as proven, when the next proof is due, and what the plan may say. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from backups import due, ledger
from backups.custody import CopyState
from backups.digits import Ground, digits
from backups.levels import next_part
from backups.model import AttestedSet, Backups, BackupSet, restic_sets
from backups.objects import Listing
from backups.record import Evidence, Result
from backups.standing import VANISHED, Memory, good_copy, proof_period, rung, rungs
from bcp.kit.language import catalogue
from bcp.watch.values import Status
from tests.backups.test_custody import custody, snap
from tests.fakes import START

PLAN = """[{"id": "juki", "kind": "restic", "system": "juki", "sources": ["/srv/juki"],
 "every": "1d", "rpo": "30h", "verify": {"parts": 3, "deadline": "1h"},
 "repositories": [{"id": "main", "location": "/b", "password_file": "/p", "site": "a", "medium": "disk"},
  {"id": "far", "location": "/c", "password_file": "/p", "site": "b", "medium": "tape", "offline": true}]},
 {"id": "gov", "kind": "attested", "provider": "A"}]"""
SETS = TypeAdapter(Backups).validate_json(PLAN, strict=True)
JUKI = restic_sets(SETS)[0]
MAIN = JUKI.repositories[0]
STATE = CopyState(custody=(custody(0),))


def proof(
    level: int, result: Result = Result.GOOD, at: datetime = START, **more: object
) -> Evidence:
    made = Evidence("juki", "main", level, result, at, "", snap(0).id, START)
    return replace(made, **more)  # type: ignore[arg-type]


def on_record(*evidence: Evidence) -> CopyState:
    return replace(
        STATE,
        evidence={one.level: one for one in evidence},
        good={one.level: one for one in evidence if one.good},
        parts={(n, 3): START for n in (1, 2, 3)},
    )


look = partial(rung, JUKI, MAIN)


def test_nothing_on_record_is_unknown_on_every_rung() -> None:
    for one in rungs(JUKI, MAIN, CopyState(), Memory(), START):
        assert one.status is Status.UNKNOWN
        assert good_copy(one, CopyState()) is None


@given(st.integers(0, 4), st.integers(0, 10**7))
def test_a_good_proof_is_never_green_past_its_period(level: int, seconds: int) -> None:
    now = START + timedelta(seconds=seconds)
    one = look(on_record(proof(level)), Memory(), level, now)
    assert one.expires is not None
    if now > one.expires:
        assert one.status is Status.UNKNOWN
    elif level == 4 and timedelta(seconds=seconds) > timedelta(hours=30):
        assert one.status is Status.DEGRADED, "the proven copy is older than the RPO"
    else:
        assert one.status is Status.OK, one


@given(st.integers(0, 4), st.integers(0, 10**7))
def test_what_is_proven_bad_stays_failed_until_proven_otherwise(level: int, seconds: int) -> None:
    now = START + timedelta(seconds=seconds)
    bad = proof(level, Result.BAD, reason="damaged")
    tried = proof(level, Result.INCONCLUSIVE, now, reason="busy")
    assert look(on_record(bad), Memory(tried={level: tried}), level, now).status is Status.FAILED


def test_an_attempt_that_could_not_tell_changes_nothing_while_a_proof_counts() -> None:
    busy = Memory(
        tried={4: proof(4, Result.INCONCLUSIVE, START + timedelta(hours=1), reason="busy")}
    )
    assert look(on_record(proof(4)), busy, 4, START + timedelta(hours=2)).status is Status.OK
    late = look(on_record(proof(4)), busy, 4, START + timedelta(days=3))
    assert late.status is Status.UNKNOWN
    assert "使用中" in late.sentence.ja
    fresh = look(STATE, busy, 4, START + timedelta(hours=2))
    assert (fresh.status, "使用中" in fresh.sentence.ja) == (Status.UNKNOWN, True)


@pytest.mark.parametrize("reason", sorted(VANISHED))
def test_older_proofs_say_nothing_of_a_repository_that_went_away(reason: str) -> None:
    first = proof(1, Result.BAD, START + timedelta(minutes=5), reason=reason)
    state = on_record(proof(4), first)
    one = look(state, Memory(), 4, START + timedelta(minutes=6))
    assert one.status is Status.UNKNOWN
    assert good_copy(one, state) is None


@pytest.mark.parametrize("level", [2, 3, 4])
def test_a_proof_made_after_a_rollback_was_found_does_not_turn_green(level: int) -> None:
    """restic finds a rolled-back repository sound: between two polls rungs 2 to 4 shone green."""
    first = proof(1, Result.BAD, START, reason="rolled_back")
    later = proof(level, at=START + timedelta(seconds=30))
    one = look(on_record(later, first), Memory(), level, START + timedelta(seconds=31))
    assert one.status is Status.UNKNOWN
    assert good_copy(one, on_record(later, first)) is None


@pytest.mark.parametrize("level", [2, 3, 4])
def test_while_nobody_can_see_the_copy_its_proofs_say_nothing_of_today(level: int) -> None:
    """A deleted folder looks like a disk that is not mounted: not a day of green for it."""
    gone = Memory(tried={1: proof(1, Result.INCONCLUSIVE, START, reason="unreachable")})
    state = on_record(proof(1), proof(level))
    soon = START + proof_period(JUKI, 1)  # type: ignore[operator]
    assert look(state, gone, level, soon).status is Status.OK
    one = look(state, gone, level, soon + timedelta(seconds=1))
    assert (one.status, good_copy(one, state)) == (Status.UNKNOWN, None)
    assert "今日" in one.sentence.ja
    shelved = rung(JUKI, JUKI.repositories[1], state, gone, level, soon + timedelta(seconds=1))
    assert shelved.status is Status.OK, "an offline copy is meant to be out of sight"


def test_a_proven_snapshot_that_is_gone_proves_nothing() -> None:
    one = look(on_record(proof(4)), Memory(present=frozenset({"x"})), 4, START)
    assert one.status is Status.UNKNOWN
    assert (
        look(on_record(proof(4)), Memory(present=frozenset({snap(0).id})), 4, START).status
        is Status.OK
    )


def test_freshness_is_judged_by_the_reader_from_the_clock() -> None:
    state = on_record(proof(1, at=START + timedelta(hours=30)))
    assert look(state, Memory(), 1, START + timedelta(hours=30)).status is Status.OK
    stale = look(state, Memory(), 1, START + timedelta(hours=30, minutes=5))
    assert stale.status is Status.FAILED
    assert "RPO" in stale.sentence.ja


def test_data_is_proven_only_when_every_part_was_read() -> None:
    part = replace(on_record(proof(3)), parts={(1, 3): START})
    assert look(part, Memory(), 3, START).status is Status.DEGRADED
    assert good_copy(look(part, Memory(), 3, START), part) is None
    assert next_part(part, 3) == (2, 3)
    assert next_part(on_record(), 3) == (1, 3)


def test_every_reason_and_rung_has_its_words() -> None:
    words = catalogue()
    for reason in (*VANISHED, "deleted", "foreign", "rewritten", "stale", "differs", "interrupted"):
        assert f"backups.bad_{reason}" in words, reason
    for reason in ("busy", "unreachable", "no_space", "manifest_gone", "never", "inconclusive"):
        assert f"backups.unknown_{reason}" in words, reason
    for level in range(5):
        assert {f"backups.{w}_{level}" for w in ("never", "proven", "rung")} <= words.keys()
    for key, text in words.items():
        if key.startswith("backups."):
            assert text.ja.strip(), key
            assert text.en.strip(), key


def test_work_is_due_at_once_then_by_its_interval_and_slower_after_failures() -> None:
    when = partial(due.due, JUKI, MAIN)
    assert when(CopyState(), Memory(), START, 0) == START
    assert when(CopyState(), Memory(), START, 4) is None, "nothing to prove yet"
    assert when(STATE, Memory(), START, 4) == START
    assert when(on_record(proof(4)), Memory(), START, 4) == START + timedelta(days=1)
    bad = proof(4, Result.BAD)
    waits = [when(STATE, Memory(tried={4: bad}, failures={4: n}), START, 4) for n in (1, 2, 3, 40)]
    assert [at - START for at in waits if at] == [
        timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20), timedelta(days=1),
    ]  # fmt: skip
    far = JUKI.repositories[1]
    assert due.due(JUKI, far, STATE, Memory(), START, 0) is None, "offline: by hand"
    work = due.next_work(JUKI, MAIN, STATE, Memory(), START, due.HEAVY)
    assert work is not None
    assert work.level == 0


def test_the_ledger_covers_every_pack_once_per_round_and_drops_the_pruned() -> None:
    packs = [f"{n:02x}" + "0" * 62 for n in range(256)]
    kept: dict[str, datetime] = {}
    for n in range(1, 8):
        kept = ledger.after(kept, packs, (n, 7), START + timedelta(days=n))
    assert kept.keys() == set(packs)
    assert ledger.after(kept, packs[:10], (1, 7), START).keys() == set(packs[:10])
    listing = Listing({f"data/{pack}": 10 for pack in packs}, None, {})
    seen = ledger.coverage(kept, listing, START + timedelta(days=7), timedelta(days=30))
    assert (seen.ratio, seen.read, seen.oldest) == (1.0, 256, START + timedelta(days=1))
    half = ledger.coverage({packs[0]: START}, listing, START, timedelta(days=1))
    assert half.ratio == pytest.approx(1 / 256)
    assert half.oldest is None


def test_the_five_digits_count_what_is_proven_and_say_when_they_cannot() -> None:
    unproven = {c.id: rungs(JUKI, c, CopyState(), Memory(), START) for c in JUKI.repositories}
    before = {d.name: d for d in digits(JUKI, unproven)}
    assert before["copies"].found == 1
    assert (before["errors"].found, before["errors"].shown) == (None, "？")
    state = on_record(*(proof(level) for level in range(5)))
    proven = {c.id: rungs(JUKI, c, state, Memory(), START) for c in JUKI.repositories}
    river, dry = frozenset({"川"}), frozenset[str]()
    apart = Ground({"a": river, "b": dry})
    after = {d.name: d.found for d in digits(JUKI, proven, apart)}
    assert after == {"copies": 3, "media": 2, "offsite": 1, "offline": 1, "errors": 0}
    flood = Ground({"a": river, "b": river})
    unstated = {d.name: d for d in digits(JUKI, proven, Ground({"a": river}))}
    assert unstated["offsite"].holds is None, "nobody has looked where b lies"
    one_tested = {**proven, "far": unproven["far"]}
    assert {d.name: d.found for d in digits(JUKI, one_tested, apart)}["errors"] is None
    same_zone = {d.name: d for d in digits(JUKI, proven, flood)}
    assert same_zone["offsite"].holds is False, "two places in one hazard zone are one"


@pytest.mark.parametrize(
    ("home", "zones", "found"),
    [
        ("a", {"a": "川", "b": ""}, 1),
        ("c", {"a": "川", "b": "", "c": "山"}, 2),
        ("c", {"a": "川", "b": "", "c": "川"}, 1),
        ("c", {"a": "川", "b": "川", "c": "川"}, 0),
        ("c", {"a": "川", "b": ""}, None),
        ("c", {"a": None, "b": None, "c": "山"}, None),
    ],
)
def test_a_copy_beside_the_original_is_not_in_another_place(
    home: str, zones: dict[str, str | None], found: int | None
) -> None:
    state = on_record(*(proof(level) for level in range(5)))
    proven = {c.id: rungs(JUKI, c, state, Memory(), START) for c in JUKI.repositories}
    stated = {site: frozenset(zone) for site, zone in zones.items() if zone is not None}
    ground = Ground(stated, {"juki": home})
    digit = {d.name: d for d in digits(JUKI, proven, ground)}["offsite"]
    assert digit.found == found
    assert "元のデータと別の場所" in digit.ground.ja


def test_the_plan_is_read_strictly() -> None:
    assert isinstance(SETS[1], AttestedSet)
    good = JUKI.model_dump(mode="json", by_alias=True)
    faults: tuple[dict[str, object], ...] = (
        {"sources": ["relative"]},
        {"sources": []},
        {"exclude": ["[a-z]"]},
        {"exclude": ["a/b"]},
        {"verify": {"parts": 300}},
        {"verify": {"poll": "2h", "exists": "1h"}},
        {"repositories": [*good["repositories"], good["repositories"][0]]},
        {"unknown": 1},
    )
    for wrong in faults:
        with pytest.raises(ValidationError):
            BackupSet.model_validate({**good, **wrong})
