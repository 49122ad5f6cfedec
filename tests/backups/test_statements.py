"""申告, 受入, 封印物: what people state about copies, over a real repository."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backups import figures
from backups.care import concerns
from backups.custody import CopyState
from backups.figures import families
from backups.model import AttestedSet, BackupSet, Verify
from backups.record import Evidence, Result
from backups.standing import Memory, rung
from backups.statements import Attestation
from backups.tools import SYSTEM
from bcp.journal.entry import Actor
from bcp.kit.errors import Refused, UsageError
from bcp.watch.values import Status
from tests.backups.conftest import Place
from tests.backups.test_standing import JUKI, STATE, on_record, proof
from tests.fakes import START

ONE, TWO = Actor("u-1", "staff"), Actor("u-2", "staff")
GOV = AttestedSet(id="gov", kind="attested", provider="A")
FAR = JUKI.repositories[1]
SEALED = JUKI.model_copy(update={"verify": Verify(parts=3, escrow=timedelta(days=365))})


def report(end: datetime, days: int = 30) -> Attestation:
    return Attestation("gov", end, "", 0, end - timedelta(days=days), end, name="10gatsu.pdf")


async def test_a_report_is_kept_whole_and_counts_until_the_next_is_due(place: Place) -> None:
    room = place.make_room(place.set(), GOV)
    now = place.clock.utc()
    assert room.attestation("gov") is None
    await room.attest(report(now - timedelta(days=3)), b"%PDF October", actor=ONE, op="a")
    await room.attest(report(now - timedelta(days=40)), b"%PDF September", actor=ONE, op="b")
    said = room.attestation("gov")
    assert said is not None
    assert (said.by, said.size) == ("u-1", 12), "an older period replaces nothing"
    assert place.log.evidence.get(said.digest) == b"%PDF October"
    due = {f.name: f.samples for f in families(room, now)}
    (sample,) = due["ict_bcp_backup_attested_due_timestamp_seconds"]
    assert sample.value == (said.end + timedelta(days=45)).timestamp()
    measured = due["ict_bcp_backup_good_timestamp_seconds"]
    assert {one.labels["set"] for one in measured} == {"juki"}, "a claim is no measurement"


@pytest.mark.parametrize(
    ("said", "data"),
    [
        (report(datetime(2126, 1, 1, tzinfo=UTC)), b"x"),
        (report(datetime(2026, 1, 1, tzinfo=UTC), days=-1), b"x"),
        (report(datetime(2026, 1, 1, tzinfo=UTC)), b""),
    ],
    ids=["of the future", "ends before it begins", "empty"],
)
async def test_a_report_that_makes_no_sense_is_refused(
    place: Place, said: Attestation, data: bytes
) -> None:
    room = place.make_room(place.set(), GOV)
    with pytest.raises(UsageError):
        await room.attest(said, data, actor=ONE, op="a")
    assert room.attestation("gov") is None


async def test_only_what_a_restore_test_brought_back_can_be_accepted(place: Place) -> None:
    await place.init()
    await place.room.backup("juki")
    with pytest.raises(Refused, match="段階4"):
        await place.room.accept_restored("juki", "main", "", actor=ONE, op="early")
    assert place.room.rung("juki", "main", 5).status is Status.UNKNOWN
    await place.room.verify("juki", "main", 1)
    await place.room.verify("juki", "main", 4)
    made = await place.room.accept_restored("juki", "main", "窓口の画面で3件", actor=ONE, op="ok")
    top = place.room.rung("juki", "main", 5)
    assert (top.status, top.snapshot) == (Status.OK, made.snapshot)
    place.clock.shift = timedelta(days=366)
    assert place.room.rung("juki", "main", 5).status is Status.UNKNOWN, "a year, then anew"


async def test_the_sealed_things_open_the_copy_from_a_clean_folder_and_two_people_sign(
    place: Place, tmp_path: Path
) -> None:
    await place.init()
    await place.room.backup("juki")
    envelope = tmp_path / "envelope"
    (envelope / "sealed").mkdir(parents=True)
    shutil.copy(place.password, envelope / "password")
    shutil.copy(place.repository / "config", envelope / "sealed")
    shutil.copytree(place.repository / "keys", envelope / "sealed" / "keys")
    keys = place.repository / "keys"
    keys.rename(place.folder / "lost")  # the repository lost its keys: the sealed ones must do
    keys.mkdir()
    trial = await place.room.try_sealed(
        "juki", "main", envelope / "password", envelope / "sealed", actor=ONE, op="try"
    )
    assert (trial.result, trial.reason, trial.materials) == (Result.GOOD, "", "whole")
    assert list(place.room.tools.scratch.glob("escrow-*")) == [], "no secret is left"
    with pytest.raises(Refused, match="別の人"):
        await place.room.sign_sealed("juki", "main", actor=ONE, op="same")
    await place.room.sign_sealed("juki", "main", actor=TWO, op="sign")
    signed = place.room.custody("juki", "main").escrow_signed
    assert signed is not None
    assert signed.run == trial.run


async def test_each_role_of_the_plan_signs_once_and_by_another_person(place: Place) -> None:
    await place.init()
    verify = Verify(escrow=timedelta(days=365), escrow_roles=("infra", "soumu"))
    room = place.make_room(place.set(verify=verify))
    await room.backup("juki")
    trial = await room.try_sealed("juki", "main", place.password, None, actor=ONE, op="try")
    assert trial.result is Result.GOOD
    key, three = ("juki", "main"), Actor("u-3", "account")
    with pytest.raises(Refused, match="役割"):
        await room.sign_sealed(*key, roles=frozenset({"viewer"}), actor=TWO, op="none")
    both = frozenset({"infra", "soumu"})
    first = await room.sign_sealed(*key, roles=both, actor=TWO, op="first")
    assert (first.role, first.last) == ("infra", False)
    assert room.custody(*key).escrow_signed is None, "half of the signatures is none"
    assert figures.status(room).sets[0].copies[0].unsigned_roles == ("soumu",)
    with pytest.raises(Refused, match="すでに署名"):
        await room.sign_sealed(*key, roles=both, actor=TWO, op="again")
    with pytest.raises(Refused, match="役割"):
        await room.sign_sealed(*key, roles=frozenset({"infra"}), actor=three, op="taken")
    second = await room.sign_sealed(*key, roles=both, actor=three, op="second")
    assert (second.role, second.last) == ("soumu", True)
    signed = room.custody(*key).escrow_signed
    assert signed is not None
    assert signed.run == trial.run
    assert figures.status(room).sets[0].copies[0].unsigned is None


async def test_a_wrong_password_in_the_envelope_is_found_and_cannot_be_signed(
    place: Place, tmp_path: Path
) -> None:
    await place.init()
    await place.room.backup("juki")
    wrong = tmp_path / "password"
    wrong.write_text("not this one\n")
    trial = await place.room.try_sealed("juki", "main", wrong, None, actor=ONE, op="try")
    assert (trial.result, trial.reason) == (Result.BAD, "wrong_password")
    with pytest.raises(Refused):
        await place.room.sign_sealed("juki", "main", actor=TWO, op="sign")
    with pytest.raises(UsageError):
        await place.room.try_sealed("juki", "main", tmp_path / "none", None, actor=ONE, op="x")
    away = place.folder / "away"
    place.repository.rename(away)
    lost = await place.room.try_sealed("juki", "main", place.password, None, actor=SYSTEM, op="y")
    assert lost.result is not Result.GOOD


def words(one: BackupSet, state: CopyState, now: datetime) -> list[tuple[Status, str]]:
    asked = ("rotation", "escrow")
    found = concerns(one, one.repositories[1], state, 0, now)
    return [(c.status, c.word) for c in found if c.word in asked]


def test_an_offline_copy_is_good_out_of_reach_until_it_must_be_attached_again() -> None:
    state = on_record(proof(1), proof(4))
    unreachable = Evidence("juki", "far", 1, Result.INCONCLUSIVE, START, "offline")
    away = Memory(tried={1: unreachable})
    for days, status in ((1, Status.OK), (31, Status.OK), (32, Status.UNKNOWN)):
        now = START + timedelta(days=days)
        assert rung(JUKI, FAR, state, away, 1, now).status is status, days
        assert rung(JUKI, FAR, state, away, 4, now).status is status, days
    assert words(JUKI, state, START + timedelta(days=31)) == []
    assert words(JUKI, state, START + timedelta(days=32)) == [(Status.FAILED, "rotation")]


def test_sealed_things_nobody_tried_or_signed_need_a_person() -> None:
    assert words(JUKI, STATE, START) == [], "nothing is sealed by this plan"
    assert words(SEALED, STATE, START) == [(Status.DEGRADED, "escrow")]
