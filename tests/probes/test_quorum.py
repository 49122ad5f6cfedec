"""Kind `quorum`: several ways to one thing, one verdict, and who sees what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from bcp.kit.workers import Workers
from bcp.watch.check import Env, Known
from bcp.watch.values import Mute, Outcome, Status
from probes import kinds
from tests.bcp.watch.helpers import running
from tests.probes.test_pair import known
from tests.probes.test_together import Town

OK, FAILED = Status.OK, Status.FAILED
WAYS = ("w/here", "w/branch", "w/proxy")
FIELDS: dict[str, Any] = {
    "id": "w/all",
    "kind": "quorum",
    "system": "juki",
    "vantages": [
        {"name": "庁内から", "check": "w/here"},
        {"name": "支所から", "check": "w/branch"},
        {"name": "外から", "check": "w/proxy"},
    ],
}


async def look(env: Env, board: dict[str, Known], **fields: Any) -> Outcome:
    check = kinds()["quorum"].model_validate({**FIELDS, **fields})
    return await check.run(replace(env, known=board.get))


async def test_one_place_that_does_not_reach_it_is_named_and_calls_nothing_down(env: Env) -> None:
    board = dict.fromkeys(WAYS, known(OK)) | {"w/branch": known(FAILED)}

    found = await look(env, board)

    assert found.status is Status.DEGRADED
    assert (
        "3地点のうち使える 2、停止 1、不明 0 (判定に必要 2): 支所から(文failed)"
        in found.sentence.ja
    )
    assert found.facts == {"reaching": 2, "failing": 1, "silent": 0}


async def test_two_of_three_call_it_down_though_the_third_is_silent(env: Env) -> None:
    found = await look(env, dict.fromkeys(WAYS[:2], known(FAILED)))

    assert found.status is FAILED
    assert "外から(結果なし)" in found.sentence.ja


async def test_the_quorum_of_the_plan_is_the_one_that_counts(env: Env) -> None:
    board = dict.fromkeys(WAYS, known(OK)) | {"w/branch": known(FAILED)}

    assert (await look(env, board, quorum=1)).status is FAILED
    assert (await look(env, board, quorum=3)).status is Status.DEGRADED


@pytest.mark.parametrize(
    "wrong",
    [
        {"quorum": 4},
        {"quorum": 0},
        {"vantages": FIELDS["vantages"][:1]},
        {"vantages": [*FIELDS["vantages"], {"name": "庁内から", "check": "w/x"}]},
        {"vantages": [*FIELDS["vantages"], {"name": "別", "check": "w/here"}]},
        {"vantages": [*FIELDS["vantages"], {"name": "別", "check": "w/all"}]},
    ],
)
def test_vantages_that_are_not_several_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kinds()["quorum"].model_validate({**FIELDS, **wrong})


async def test_on_the_road_one_blind_place_calls_nobody_and_two_call_once(workers: Workers) -> None:
    town = Town(workers, FIELDS)
    await town.define()
    well = dict.fromkeys(WAYS, OK)
    async with running(town.recorder.run):
        assert await town.round(well) is OK
        assert await town.round(well | {"w/here": Status.UNKNOWN}) is OK
        down = well | {"w/here": FAILED, "w/branch": FAILED}
        for _ in range(3):
            last = await town.round(down)
        assert last is FAILED
        assert [(one.check, one.state) for one in town.heard] == [("w/all", FAILED)]
        assert town.board.view("w/here").muted == {Mute.MEMBER}
