"""What an entry says, in words."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backups.record import Custody, Evidence, Result
from bcp.journal.canonical import Json
from bcp.journal.entry import Actor, NewEntry
from bcp.kit.language import catalogue
from bcp.kit.units import to_us
from bcp.service.pages.entry_words import Names, in_short, pairs
from bcp.service.pages.render import Words
from tests.bcp.service.pages.sample import Town, Visitor
from tests.bcp.service.pages.test_heard import declared

ROOT = Path(__file__).resolve().parents[4]
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
DIGEST = "5f1c" * 16
CUSTODY = Custody(
    "juki", "main", DIGEST, DIGEST, DIGEST, NOW - timedelta(hours=1), DIGEST, 7, 645_162, "ab" * 8,
    "0.14.0", True, keys={DIGEST: DIGEST}, seconds_ms=751, added=652_259,
)  # fmt: skip


async def short(made: Town, new: NewEntry) -> str:
    done = await made.journal.append(new, op=f"t-{made.journal.size}", actor=Actor("u-1", "staff"))
    return in_short(pairs(done.entries[0], Words("ja", NOW), Names()))


async def test_sizes_lengths_and_times_are_told_for_people_and_digests_left_to_the_entry(
    made: Town, visitor: Visitor
) -> None:
    manifest = made.journal.evidence.put_bytes(b"manifest")
    said = await short(made, replace(CUSTODY, manifest=manifest).entry())
    assert "大きさ 630.0 KiB" in said
    assert "所要 0.8秒" in said
    assert "控えの日時 09:00" in said
    assert DIGEST[:12] not in said
    await visitor.sign_in("auditor")
    _, page = await visitor.get("/log?kind=backup.custody")
    assert "保管記録" in page
    assert "{" not in page[page.index("<tbody>") :]
    _, one = await visitor.get(f"/log/entries/{made.journal.size - 1}")
    assert DIGEST in one
    assert "2026-11-23 09:00:00 JST" in one
    assert (await visitor.get("/log/entries/999999"))[0] == 404


async def test_a_change_is_told_as_from_and_to(made: Town) -> None:
    detail: dict[str, Json] = {
        "check": "a/b",
        "old": "unknown",
        "new": "failed",
        "since_us": to_us(NOW),
    }
    said = await short(made, NewEntry("check.changed", "a/b", detail, None, NOW))
    assert said == "前 不明・今 停止・いつから 10:00"


async def test_levels_and_things_of_the_plan_are_told_by_name(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("commander")
    event = await declared(made)
    detail: dict[str, Json] = {"level": 2, "systems": ["juki"], "check": "mail/lock"}
    new = NewEntry("incident.level_changed", event, detail, event, NOW)
    await made.journal.append(new, op="t-level", actor=Actor("u-1", "commander"))
    level, juki = made.city.disaster.level_name(2), made.city.system("juki")
    assert juki is not None
    for path in ("/log", "/disaster/chronology"):
        _, page = await visitor.get(path)
        assert f"段階 {level}" in page
        assert juki.name in page


async def test_facts_within_facts_stand_beside_the_others_without_zeros(made: Town) -> None:
    proof = Evidence("juki", "main", 4, Result.GOOD, NOW, facts={"changed": 0, "files": 7})
    said = await short(made, proof.entry())
    assert said == "段階 4・結果 合格・ファイル 7"


async def test_who_acted_is_told_by_name_never_as_a_number_of_the_system(
    made: Town, visitor: Visitor
) -> None:
    new = NewEntry("log.note", "x", {"by": "uid:0"}, None, NOW)
    await made.journal.append(new, op="n1", actor=Actor("uid:0", "console"))
    await made.journal.append(new, op="n2", actor=Actor("system", "service"))
    await visitor.sign_in("auditor")
    _, page = await visitor.get("/log")
    assert "uid:0" not in page
    assert "この機械の管理者" in page
    assert "自動" in page


async def test_the_last_verification_is_told_with_its_time(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("auditor")
    assert "まだ検証していません" in (await visitor.get("/log"))[1]
    made.note_verified(False)
    assert "問題があります" in (await visitor.get("/log"))[1]
    _, page = await visitor.post("/log/verify")
    assert "欠け・改ざんなし" in page
    _, page = await visitor.get("/log")
    assert "欠け・改ざんなし" in page
    assert made.verified is True


def test_every_kind_of_entry_the_architecture_names_has_a_name_on_screen() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = text.split("## Entries")[1].split("\n## ")[0]
    kinds = set(
        re.findall(
            r"`((?:log|plan|check|history|observed|backup|audit|incident|account|"
            r"session|announcement)\.[a-z_]+)`",
            listed,
        )
    )
    assert len(kinds) > 30
    known = catalogue()
    assert {kind for kind in kinds if f"pages.log_{kind.replace('.', '_')}" not in known} == set()
