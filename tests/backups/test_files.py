"""Sets of kind `files`: copies other products make, over real folders and a real log."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backups.acts import What
from backups.digits import digits
from backups.files.model import FilesCopy, FilesSet
from backups.files.proving import Restored
from backups.files.seeing import dated, generations
from backups.record import Result
from backups.room import BackupRoom
from backups.standing import Rung
from backups.tools import SYSTEM
from bcp.journal.entry import Actor
from bcp.kit.errors import Refused, UsageError
from bcp.watch.values import Status
from tests.backups.conftest import Place

ME = Actor("u-1", "staff")
HOUR = timedelta(hours=1)


class Product:
    """The city's other backup software: each run leaves a folder with all there is."""

    def __init__(self, place: Place, form: str = "folders", **changes: object) -> None:
        self.place, self.source = place, place.folder / "share"
        self.nas = place.folder / "nas"
        self.nas.mkdir()
        (self.nas / ".mounted").write_text("")
        for name, text in (("戸籍/一覧.csv", "1,2,3"), ("plan.txt", "x" * 5000)):
            self.write(name, text)
        (self.source / os.fsdecode("台帳".encode("cp932"))).write_bytes(b"sjis")
        copy = {
            "id": "nas",
            "location": str(self.nas),
            "generations": form,
            "marker": ".mounted",
            "keep": 2,
        }
        self.set = FilesSet.model_validate(
            {
                "id": "share",
                "kind": "files",
                "product": "庁内バックアップ",
                "system": "juki",
                "sources": (str(self.source),),
                "rpo": "26h",
                "repositories": [{**copy, **changes}],
            }
        )
        self.room: BackupRoom = place.make_room(self.set)

    def write(self, name: str, text: str) -> None:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, name: str) -> Path:
        made = self.nas / name
        shutil.copytree(self.source, made)
        self.age(made)
        return made

    def age(self, top: Path) -> None:
        """An hour old: the product has finished writing."""
        at = self.place.clock.utc().timestamp() - 3600
        for path in (*top.rglob("*"), top):
            os.utime(path, (at, at))

    async def look(self, level: int = 1) -> Rung:
        await self.room.files.poll(("share", "nas"))
        return self.room.rung("share", "nas", level)

    def restore(self, name: str, **said: object) -> Restored:
        out = self.place.folder / "restored" / name
        shutil.copytree(self.nas / name, out)
        return Restored(out, **said)  # type: ignore[arg-type]

    async def prove(self, said: Restored, op: str = "prove") -> Result:
        made = await self.room.files.prove(("share", "nas"), said, actor=ME, op=op)
        return made.result


async def test_each_generation_is_entered_once_with_its_digests_and_its_age(place: Place) -> None:
    product = Product(place)
    product.run("day1")
    first = await product.look()
    assert first.status is Status.OK
    product.run("day2")
    await product.look()
    await product.look()
    (one, two) = product.room.custody("share", "nas").custody
    assert one.files == two.files == 3
    assert one.manifest != two.manifest, "the names of the generations are in them"
    data = place.log.evidence.get(one.manifest)
    assert "台帳".encode("cp932") in data, "names are bytes, whatever their encoding"
    listing = place.folder / "m"
    listing.write_bytes(data)
    done = await place.workers.thread(
        lambda: subprocess.run(
            ["sha256sum", "-c", "--quiet", listing], cwd=product.nas, check=False
        )
    )
    assert done.returncode == 0
    entry = (await place.log.read(kind="backup.custody"))[0]
    assert "day1" not in str(entry.detail), "names of files may name people"


async def test_a_product_tidies_up_oldest_first_and_anything_else_is_a_finding(
    place: Place,
) -> None:
    product = Product(place)
    for day in range(4):
        product.run(f"day{day}")
        place.clock.shift += timedelta(hours=20)
        await product.look()
    shutil.rmtree(product.nas / "day0")
    assert (await product.look()).status is Status.OK
    shutil.rmtree(product.nas / "day2")
    gone = await product.look()
    assert gone.status is Status.FAILED
    assert "消えています" in gone.sentence.ja
    shutil.rmtree(product.nas / "day1")
    few = await product.look()
    assert few.evidence is not None
    assert few.evidence.reason == "too_few"
    shutil.rmtree(product.nas / "day3")
    assert (await product.look()).evidence.reason == "emptied"  # type: ignore[union-attr]


async def test_a_generation_that_changed_is_found_by_its_size_and_by_its_digest(
    place: Place,
) -> None:
    product = Product(place)
    made = product.run("day1")
    await product.look()
    assert (await product.prove(product.restore("day1"))) is Result.GOOD
    (made / "plan.txt").write_text("y" * 5000)
    product.age(made)
    assert (await product.look()).status is Status.OK, "names, sizes and times are as they were"
    check = await product.room.files.read_again(("share", "nas"))
    assert check is not None
    assert (check.what, check.result, check.facts["changed"]) == (What.NAMES, Result.BAD, 1)
    assert (await product.look()).status is Status.FAILED
    assert product.room.rung("share", "nas", 4).status is Status.UNKNOWN, (
        "older proofs are overtaken"
    )
    await product.room.accept(
        "share", "nas", (product.room.custody("share", "nas").custody[0].snapshot,),
        actor=SYSTEM, op="yes",
    )  # fmt: skip
    await product.look()
    assert await product.room.files.read_again(("share", "nas")) is not None
    assert (await product.look()).status is Status.OK


async def test_out_of_reach_is_not_damage_and_an_offline_copy_is_good_meanwhile(
    place: Place,
) -> None:
    product = Product(place, offline=True, rotate="30d")
    product.run("day1")
    assert (await product.look()).status is Status.OK
    product.nas.rename(product.nas.with_name("in the safe"))
    place.clock.shift += timedelta(days=20)
    away = await product.look()
    assert away.status is Status.OK, "out of reach is its strength"
    assert away.at is not None
    place.clock.shift += timedelta(days=11)
    assert (await product.look()).status is Status.UNKNOWN
    (product.nas).mkdir()
    late = await product.look()
    assert late.status is Status.UNKNOWN, "an empty mount point without its marker is no copy"
    assert "取り外し中" in late.sentence.ja


async def test_what_the_product_restores_proves_its_rungs_against_the_source(place: Place) -> None:
    product = Product(place)
    assert product.room.rungs("share", "nas")[0].level == 1, "its own word is no evidence"
    product.run("day1")
    await product.look()
    place.clock.shift += timedelta(hours=20)
    product.write("plan.txt", "changed after day 1")
    product.run("day2")
    product.write("plan.txt", "changed again before we looked")
    product.write("neu.txt", "came later")
    await product.look()
    assert (await product.prove(product.restore("day2"))) is Result.GOOD
    rungs = {one.level: one for one in product.room.rungs("share", "nas")}
    assert {rungs[level].status for level in (2, 3)} == {Status.OK}
    assert rungs[4].status is Status.DEGRADED, "one file is neither version: it proves nothing"
    assert rungs[4].evidence is not None
    assert rungs[4].evidence.facts["excused"] == 1
    accepted = await product.room.accept_restored(
        "share", "nas", "窓口で確かめた", actor=ME, op="ok"
    )
    assert accepted.level == 5
    assert product.room.rung("share", "nas", 5).status is Status.OK


@pytest.mark.parametrize("harm", ["missing", "changed", "extra"])
async def test_a_restore_that_is_not_the_source_is_bad(place: Place, harm: str) -> None:
    product = Product(place)
    for day in ("day1", "day2"):
        product.run(day)
        await product.look()
        place.clock.shift += HOUR
    said = product.restore("day2")
    target = said.folder / "plan.txt"
    if harm == "missing":
        target.unlink()
    elif harm == "changed":
        target.write_text("z" * 5000)
    else:
        (said.folder / "ransom.txt").write_text("pay")
    assert (await product.prove(said)) is Result.BAD
    rung = product.room.rung("share", "nas", 4)
    assert rung.status is Status.FAILED
    assert rung.evidence is not None
    assert rung.evidence.facts[harm] == 1
    assert product.room.rung("share", "nas", 3).status is Status.UNKNOWN


async def test_the_first_generation_cannot_tell_damage_from_change(place: Place) -> None:
    product = Product(place)
    product.run("day1")
    product.write("plan.txt", "changed before we ever looked")
    await product.look()
    assert (await product.prove(product.restore("day1"))) is Result.INCONCLUSIVE


async def test_a_part_proves_a_part_and_nothing_proves_nothing(place: Place) -> None:
    product = Product(place)
    product.run("day1")
    await product.look()
    part = product.restore("day1", partial=True)
    (part.folder / "plan.txt").unlink()
    assert (await product.prove(part)) is Result.GOOD
    rungs = {one.level: one for one in product.room.rungs("share", "nas")}
    assert "一部" in rungs[4].sentence.ja
    assert rungs[3].status is Status.UNKNOWN, "the rest was not read"
    empty = place.folder / "restored" / "nothing"
    empty.mkdir()
    assert (await product.prove(Restored(empty, partial=True), "again")) is Result.INCONCLUSIVE
    with pytest.raises(UsageError):
        await product.prove(Restored(place.folder / "no such"), "third")
    with pytest.raises(UsageError, match="世代"):
        await product.prove(Restored(part.folder, "ffff"), "fourth")


async def test_without_the_originals_nothing_can_be_compared(place: Place) -> None:
    product = Product(place)
    product.run("day1")
    shutil.move(product.source, place.folder / "away")
    await product.look()
    with pytest.raises(Refused, match="元のデータ"):
        await product.prove(product.restore("day1"))


@pytest.mark.parametrize("form", ["files", "mirror"])
async def test_one_file_each_and_a_mirror_are_generations_too(place: Place, form: str) -> None:
    product = Product(place, form, keep=1)
    for day in range(3):
        if form == "files":
            (product.nas / f"full-{day}.vbk").write_bytes(os.urandom(1000))
        else:
            (product.nas / "a.txt").write_text(f"day {day}")
        product.age(product.nas)
        assert (await product.look()).status is Status.OK
        place.clock.shift += timedelta(hours=5)
    assert len(product.room.custody("share", "nas").custody) == 3
    place.clock.shift += timedelta(hours=30)
    old = await product.look()
    assert old.status is Status.FAILED
    assert "RPO" in old.sentence.ja


async def test_what_is_still_written_is_not_entered(place: Place) -> None:
    product = Product(place)
    made = product.run("day1")
    (made / "half.bin").write_bytes(b"being written")
    waiting = await product.look()
    assert waiting.status is Status.UNKNOWN
    assert "書き込んでいる" in waiting.sentence.ja
    assert not product.room.custody("share", "nas").custody


async def test_restic_has_nothing_to_do_with_them(place: Place) -> None:
    product = Product(place)
    with pytest.raises(UsageError, match="庁内バックアップ"):
        await product.room.backup("share")
    with pytest.raises(UsageError, match="庁内バックアップ"):
        await product.room.verify("share", "nas", 3)


async def test_a_copy_counts_for_the_digits_once_it_is_whole_and_unchanged(place: Place) -> None:
    product = Product(place, site=None, medium="nas")
    before = digits(product.set, {"nas": product.room.rungs("share", "nas")})
    product.run("day1")
    await product.look()
    after = digits(product.set, {"nas": product.room.rungs("share", "nas")})
    assert (before[0].found, after[0].found) == (1, 2)


@pytest.mark.parametrize(
    ("name", "when"),
    [
        (b"daily.2026-11-27_0400", datetime(2026, 11, 26, 19, 0, tzinfo=UTC)),
        (b"GMT-2026.11.27-04.00.15", datetime(2026, 11, 26, 19, 0, 15, tzinfo=UTC)),
        (b"20261127.vbk", datetime(2026, 11, 26, 15, 0, tzinfo=UTC)),
        (b"full-3.vbk", None),
        (b"20261345", None),
        (b"id1202611271", None),
    ],
)
def test_the_date_in_a_name(name: bytes, when: datetime | None) -> None:
    assert dated(name) == when


def test_snapshots_are_dated_by_name_where_their_files_are_as_old_as_they_were(
    tmp_path: Path,
) -> None:
    for name in ("daily.2026-11-26_0400", "daily.2026-11-27_0400", "@eaDir", "lost+found"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text("a")
    copy = FilesCopy(id="nas", location=str(tmp_path), dated_by="name")
    seen = generations(copy)
    assert seen is not None
    assert [one.name for one in seen] == [b"daily.2026-11-26_0400", b"daily.2026-11-27_0400"]
    assert seen[1].made is not None
    assert (seen[1].made - seen[0].made).days == 1  # type: ignore[operator]


async def test_the_room_looks_by_itself(place: Place) -> None:
    product = Product(place)
    product.run("day1")
    running = asyncio.create_task(product.room.run())
    try:
        for _ in range(200):
            await asyncio.sleep(0.05)
            if product.room.rung("share", "nas", 1).status is Status.OK:
                break
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert product.room.rung("share", "nas", 1).status is Status.OK
    assert len(product.room.custody("share", "nas").custody) == 1
