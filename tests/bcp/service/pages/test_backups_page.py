"""The page of backups: what is proven, when, of which copy; what is only claimed."""

from __future__ import annotations

import re

from tests.bcp.service.pages.sample import Town, Visitor


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
    assert len(re.findall(r"<tr>.{0,80}scope=\"row\"", first)) == 5


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
