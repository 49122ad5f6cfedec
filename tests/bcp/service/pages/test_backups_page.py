"""The page of backups: what is proven, when, of which copy; what is only claimed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backups.figures import CopyStatus
from backups.files.model import FilesCopy
from backups.model import AttestedSet, restic_sets
from backups.record import Evidence, Result
from backups.standing import Rung
from bcp.kit.clock import SystemClock
from bcp.kit.language import Text
from bcp.service.pages.backups_page import attached
from bcp.watch.values import Status
from tests.bcp.service.pages.sample import Town, Visitor, proofs, read_city, serving, town

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


async def test_each_rung_tells_when_it_was_proven_how_long_ago_and_of_which_snapshot(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("viewer")
    _, page = await visitor.get("/backups")
    first = page[page.index('class="copy"') : page.index("</table>")]
    assert "証拠 4: 復元して一致" in first
    assert "復元にかかった時間 6分 (実測)" in first
    assert "(11分前)" in first
    assert "(15分前)" in first
    assert len(re.findall(r"<tr>.{0,80}scope=\"row\"", first)) == 6


async def test_damage_and_disagreement_stand_beside_the_copy(visitor: Visitor) -> None:
    await visitor.sign_in("viewer")
    _, page = await visitor.get("/backups")
    assert "ただし 3 データを読めた が失敗" in page
    assert "リポジトリが古い状態に巻き戻されています" in page


async def test_what_a_provider_claims_has_other_words_and_no_stair(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("viewer")
    _, page = await visitor.get("/backups")
    claimed = page[page.index('class="attested"') :]
    assert "申告のみ" in claimed
    assert "実測ではありません" in claimed
    assert "<svg" not in claimed
    assert 's pass"' not in claimed


async def test_held_back_verification_says_why(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("viewer")
    made.room.pause("発動中のため")
    assert "検証を止めています: 発動中のため" in (await visitor.get("/backups"))[1]
    made.room.resume()
    assert "検証を止めています" not in (await visitor.get("/backups"))[1]


async def test_a_report_is_taken_over_by_a_named_person_and_stays_a_claim(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("viewer")
    _, page = await visitor.get("/backups")
    assert "報告を受理する" not in page
    claim = next(one for one in made.room.sets if isinstance(one, AttestedSet))
    await visitor.sign_in("staff")
    given = {"set": claim.id, "begin": "2026-10-01", "end": "2026-10-31", "op": "r"}
    status, page = await visitor.upload("/backups/attest", "report", b"%PDF", **given)
    assert status == 303, page
    _, page = await visitor.get("/backups")
    shown = page[page.index('class="attested"') :]
    assert "staff 太郎" in shown
    assert "受理" in shown
    assert "申告のみ" in shown
    assert 's pass"' not in shown
    status, body = await visitor.get(f"/backups/reports/{claim.id}")
    assert (status, body) == (200, "%PDF")
    bad = {**given, "begin": "10月", "op": "s"}
    assert (await visitor.upload("/backups/attest", "report", b"%PDF", **bad))[0] == 400


async def test_the_owner_accepts_what_was_restored(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("staff")
    _, page = await visitor.get("/backups")
    assert "業務主管として受け入れる" in page
    form = page[page.index('action="/backups/approve"') :]
    found = re.search(r'<option value="([^"]+)"', form)
    assert found is not None
    given = {"copy": found[1], "note": "窓口で3件", "op": "a"}
    status, _ = await visitor.post("/backups/approve", **given)
    assert status == 303
    _, page = await visitor.get("/backups")
    assert "証拠 5: 業務で開けた" in page


async def test_the_evidence_report_keeps_measured_stated_and_unchecked_apart(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("viewer")
    assert (await visitor.get("/backups/report"))[0] == 403
    await visitor.sign_in("auditor")
    status, page = await visitor.get("/backups/report")
    assert status == 200
    order = [page.index(head) for head in ("1. ", "2. 実測", "3. 申告", "4. 未確認")]
    assert order == sorted(order)
    measured = page[order[1] : order[2]]
    assert "○ 実測" in measured
    assert "処理の申告" not in measured, "what a job says of itself was not measured"
    assert "？" not in measured
    assert len(page.encode()) < 30_000
    for kind, magic in (("pdf", b"%PDF"), ("xlsx", b"PK")):
        async with visitor.client.get(f"{visitor.root}/backups/report/{kind}") as answer:
            assert answer.status == 200
            assert (await answer.read()).startswith(magic)
    one = made.city.systems[0].id
    assert (await visitor.get(f"/backups/report?system={one}"))[0] == 200
    assert (await visitor.get("/backups/report?system=nowhere"))[0] == 404


@pytest.mark.parametrize(("result", "seen"), [(Result.GOOD, True), (Result.INCONCLUSIVE, False)])
def test_an_offline_copy_that_was_never_reached_was_never_attached(
    result: Result, seen: bool
) -> None:
    offline = FilesCopy(id="tape", location="/media/tape", offline=True)
    looked = Evidence("share", "tape", 1, result, NOW, "" if seen else "offline")
    rung = Rung("share", "tape", 1, Status.UNKNOWN, Text("", ""), looked, NOW)
    copy = CopyStatus(offline, (rung,), None, (), None, "", None)
    assert attached(copy) == (NOW if seen else None)


async def test_a_restore_is_ordered_on_the_page_by_who_may_and_after_typing_the_set(
    tmp_path: Path,
) -> None:
    plan, sets = read_city()
    one = restic_sets(sets)[0].model_copy(update={"restore_to": str(tmp_path / "back")})
    async with (
        town(tmp_path / "town", SystemClock(), city=(plan, (one,))) as made,
        serving(made) as server,
        Visitor.open(made, server) as visitor,
    ):
        await proofs(made)
        await visitor.sign_in("viewer")
        assert "/backups/restore" not in (await visitor.get("/backups"))[1]
        await visitor.sign_in("administrator")
        _, page = await visitor.get("/backups")
        form = page[page.index('action="/backups/restore"') :]
        snapshot = re.findall(r'<option value="([0-9a-f]{64})"', form)[0]
        repository = re.findall(r'name="repository" value="([^"]+)"', form)[0]
        asked = {"set": one.id, "repository": repository, "snapshot": snapshot}
        status, said = await visitor.post("/backups/restore", **asked, confirm="x")
        assert (status, f"{one.id} と入力" in said) == (400, True)
        assert "このサーバーへ復元する" in said, "it can be typed again there"
        assert made.room.orders.waiting((one.id, repository)) is None
        await visitor.post("/backups/restore", **asked, confirm=one.id)
        order = made.room.orders.waiting((one.id, repository))
        assert order is not None
        assert order.custody.snapshot == snapshot
        assert "復元を受け付けました" in (await visitor.get("/backups"))[1]
        status, _ = await visitor.post("/backups/restore", **{**asked, "set": "nobody"})
        assert status == 404


async def test_only_who_holds_the_owner_role_accepts_once_somebody_here_does(
    tmp_path: Path,
) -> None:
    plan, sets = read_city()
    one = restic_sets(sets)[0]
    system = plan.system(one.system or "")
    assert system is not None
    role = plan.role(system.owner_role or "")
    assert role is not None
    people = [
        person.model_copy(
            update={"login": "commander" if person.id == role.succession[0] else None}
        )
        for person in plan.people
    ]
    city = plan.model_copy(update={"people": tuple(people)})
    async with (
        town(tmp_path / "town", SystemClock(), city=(city, (one,))) as made,
        serving(made) as server,
        Visitor.open(made, server) as visitor,
    ):
        await proofs(made)
        given = {"copy": f"{one.id}/{one.repositories[0].id}", "note": "窓口で3件"}
        await visitor.sign_in("staff")
        status, said = await visitor.post("/backups/approve", **given)
        assert (status, f"業務主管({role.name})" in said) == (409, True), said[:2000]
        await visitor.sign_in("commander")
        assert (await visitor.post("/backups/approve", **given))[0] == 303
        assert made.room.rung(one.id, one.repositories[0].id, 5).status is Status.OK
