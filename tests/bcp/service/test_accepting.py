"""People in an accepted plan and in a running event: provable for ever, erasable any day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from bcp.journal import Actor
from bcp.journal.verify import verify_export
from bcp.plan.accepted import KIND, PEOPLE
from bcp.plan.personal import ERASED
from bcp.service import accepting
from bcp.service.app import open_house
from bcp.service.house import House
from bcp.service.plan import load
from runbooks.commands import Declare

TODAY = date(2026, 11, 23)
OFFICER = Actor("uid:0", "console")
PLAN = """organization: {name: 試験市}
node: {id: town, zone: インターネット接続系}
roles: [{id: joho, name: 情報担当, succession: [p1, p2]}]
people:
  - {id: p1, name: 架空 花子, phone: 0228-00-0001, mail: hanako@example.invalid}
  - {id: p2, name: 架空 次郎, mobile: 000-0000-0002}
systems: [{id: juki, name: 住民記録, zone: インターネット接続系, owner_role: joho}]
disaster: {criteria: [架空 花子(0228-00-0001)が判断する]}
"""
BOOK = """apiVersion: ict-bcp/v1
kind: Runbook
id: juki-fukkyu
version: "1"
title: 住民記録を戻す
purpose: recover
system: juki
owner_role: joho
steps:
  - {id: J-1, type: action, title: 電話する, detail: [架空 花子(0228-00-0001)へ電話する]}
"""
SECRETS = ("架空 花子", "0228-00-0001", "hanako@example.invalid", "架空 次郎", "000-0000-0002")


def write(folder: Path, plan: str = PLAN, book: str = BOOK) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "plan.yaml").write_text(f"# 連絡は架空 花子へ\n{plan}")
    (folder / "book.yaml").write_text(book)
    return folder


def in_the_clear(house: House) -> list[str]:
    """What of people stands in a file that stays for ever."""
    files = [p for p in house.places.real.rglob("*") if p.is_file() and "values" not in p.name]
    data = b"".join(path.read_bytes() for path in files)
    return [secret for secret in SECRETS if secret.encode() in data]


async def test_an_accepted_plan_is_kept_whole_without_people_in_the_clear(tmp_path: Path) -> None:
    plan = load(write(tmp_path / "plan"), TODAY)
    async with open_house(plan, tmp_path / "data") as house:
        await accepting.accept(house)
        await accepting.accept(house)

        assert len(await house.journal.read(kind=KIND)) == 1, "the same plan once"
        assert in_the_clear(house) == []
        again = await accepting.read_back(house, plan.digest, TODAY)
        assert (again.city, again.digest) == (plan.city, plan.digest)
        assert list(again.book) == list(plan.book)


async def test_another_number_is_another_acceptance_of_the_same_digest(tmp_path: Path) -> None:
    async with open_house(load(write(tmp_path / "plan"), TODAY), tmp_path / "data") as house:
        await accepting.accept(house)
        write(tmp_path / "plan", PLAN.replace("000-0000-0002", "000-0000-0003"))
        house.plan = load(tmp_path / "plan", TODAY)
        await accepting.accept(house)

        one, two = await house.journal.read(kind=KIND)
        assert one.detail["digest"] == two.detail["digest"]
        again = await accepting.read_back(house, house.plan.digest, TODAY)
        assert [person.mobile for person in again.city.people] == [None, "000-0000-0003"]


async def test_an_erased_person_is_gone_and_everything_still_verifies(tmp_path: Path) -> None:
    plan = load(write(tmp_path / "plan"), TODAY)
    async with open_house(plan, tmp_path / "data") as house:
        await accepting.accept(house)
        declare = Declare(reason="停電", onset=datetime.now(UTC), level=1)
        done = await house.desk.do(declare, OFFICER, "op-1")
        assert in_the_clear(house) == []
        (entry,) = await house.journal.read(kind=KIND)
        for named in (entry, done.entries[0]):
            await house.journal.erase(named, ["person/p1"], op=f"e-{named.seq}", actor=OFFICER)

    later = PLAN.replace(
        "  - {id: p1, name: 架空 花子, phone: 0228-00-0001, mail: hanako@example.invalid}\n", ""
    ).replace("p1, ", "")
    later = later.replace("架空 花子(0228-00-0001)", "部長")
    write(tmp_path / "plan", later, BOOK.replace("架空 花子(0228-00-0001)", "部長"))
    async with open_house(load(tmp_path / "plan", TODAY), tmp_path / "data") as house:
        again = await accepting.read_back(house, plan.digest, TODAY)
        assert again.digest == plan.digest
        assert [(p.name, p.phone, p.mobile) for p in again.city.people] == [
            (ERASED, ERASED, None),
            ("架空 次郎", None, "000-0000-0002"),
        ]
        assert again.city.disaster.criteria == (f"{ERASED}({ERASED})が判断する",)
        running = house.desk.current()
        assert running is not None
        frozen = await house.desk.frozen(running)
        step = frozen.book.runbooks[0].steps[0]
        assert step.detail == (f"{ERASED}({ERASED})へ電話する",)
        assert (await house.journal.verify()).ok
        await house.journal.export(tmp_path / "export")
        assert verify_export(tmp_path / "export", [house.journal.vkey]).ok
        everything = b"".join(p.read_bytes() for p in house.places.data.rglob("*") if p.is_file())
        assert b"0228-00-0001" not in everything


async def test_more_people_than_one_entry_holds_are_kept_too(tmp_path: Path) -> None:
    rows = "".join(
        f"  - {{id: p{n}, name: 担当者{n}, phone: 0228-11-{n:04}}}\n" for n in range(800)
    )
    text = PLAN[: PLAN.index("people:")].replace("p1, p2", "p1") + f"people:\n{rows}"
    plan = load(write(tmp_path / "plan", text, ""), TODAY)
    async with open_house(plan, tmp_path / "data") as house:
        await accepting.accept(house)
        await accepting.accept(house)

        assert len(await house.journal.read(kind=KIND)) == 1
        assert len(await house.journal.read(kind=PEOPLE)) == 2
        again = await accepting.read_back(house, plan.digest, TODAY)
        assert again.city == plan.city
