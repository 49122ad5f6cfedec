"""Every command, through the daemon and without one: words, exit codes, one JSON document."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bcp.service.small_city import SECRET, City

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic here"),
]

PASSPHRASE = "kuri-no-ki-mori-2026"


@pytest.fixture(params=["daemon", "alone"])
def city(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[City]:
    city = City.make(tmp_path)
    if request.param == "daemon":
        city.start()
    else:
        city("log", "show", city.plan)  # makes the log, as a first start would
    try:
        yield city
    finally:
        city.stop()


def test_backups_are_made_listed_proven_restored_and_their_custody_told(city: City) -> None:
    plan = city.plan
    assert city("backup", "list", plan, "juki").code == 3, "nothing is known before the first"
    assert city("backup", "run", plan, "juki").code == 0
    assert city("backup", "verify", plan, "juki", "--level", 2).code == 0
    tested = city("backup", "restore-test", plan, "juki", "--json")
    assert (tested.code, tested.document["rungs"][0]["level"]) == (0, 4)
    listed = city("backup", "list", plan, "juki", "--json").document["copies"][0]["rungs"]
    assert [rung["level"] for rung in listed] == [0, 1, 2, 3, 4, 5]
    custody = city("backup", "custody", plan, "juki", "--json").document["custody"]
    assert len(custody) == 1
    snapshot = custody[0]["snapshot"]
    back = city(
        "backup", "restore", plan, "juki", "--snapshot", snapshot, "--target", city.root / "b"
    )
    assert back.code == 0, back.err
    restored = list((city.root / "b").rglob("台帳.txt"))
    assert [file.read_text() for file in restored] == ["住民\n"]
    again = city(
        "backup", "restore", plan, "juki", "--snapshot", snapshot, "--target", city.root / "b"
    )
    assert (again.code, again.out) == (2, "")
    assert "空のフォルダ" in again.err
    unknown = city("backup", "run", plan, "jukii")
    assert unknown.code == 2
    assert "did you mean 'juki'" in unknown.err
    assert city("backup", "run", plan, "juki", "--repository", "elsewhere").code == 2


def test_a_report_is_taken_over_a_restore_accepted_the_sealed_things_tried(city: City) -> None:
    plan, root = city.plan, city.root
    report = root / "10月.pdf"
    report.write_bytes(b"%PDF")
    days = ("--begin", "2026-10-01", "--end", "2026-10-31")
    taken = city("backup", "attest", plan, "gov", "--file", report, *days)
    assert taken.code == 0, taken.err
    assert "実測ではありません" in taken.out
    for wrong in (
        ("gov", "--file", root / "none", *days),
        ("juki", "--file", report, *days),
        ("gov", "--file", report, "--begin", "2026-10-31", "--end", "2026-10-01"),
        ("gov", "--file", report, "--begin", "10月", "--end", "2026-10-31"),
    ):
        refused = city("backup", "attest", plan, *wrong)
        assert refused.code == 2, wrong
        assert refused.err.strip()
    copy = ("juki", "--repository", "main")
    assert city("backup", "run", plan, "juki").code == 0
    assert city("backup", "approve", plan, *copy, "--note", "x").code == 2, "nothing was restored"
    for level in (1, 2, 3):
        assert city("backup", "verify", plan, "juki", "--level", level).code in (0, 1)
    assert city("backup", "restore-test", plan, "juki").code == 0
    assert city("backup", "approve", plan, *copy, "--note", "窓口で3件").code == 0
    sealed = ("--password-file", root / "password")
    tried = city("backup", "escrow", plan, *copy, *sealed)
    assert tried.code == 0, tried.err
    same = city("backup", "escrow-sign", plan, *copy)
    assert (same.code, "別の人" in same.err) == (2, True)
    (root / "wrong").write_text("no\n")
    assert city("backup", "escrow", plan, *copy, "--password-file", root / "wrong").code == 1
    for kind, count in (("backup.attested", 1), ("backup.escrow", 2)):
        shown = city("log", "show", plan, "--json", "--kind", kind).document["entries"]
        assert len(shown) == count, kind


def test_what_another_product_restored_is_compared_with_the_source(tmp_path: Path) -> None:
    city = City.make(tmp_path)
    nas = city.root / "nas"
    with (city.plan / "plan.yaml").open("a", encoding="utf-8") as plan:
        plan.write(
            "  - {id: share, kind: files, product: 庁内の製品, system: juki,\n"
            f"     sources: [{city.root / 'source'}],\n"
            f"     repositories: [{{id: nas, location: {nas}, settle: 0s}}]}}\n"
        )
    city("log", "show", city.plan)
    copy = ("share", "--repository", "nas")
    assert city("backup", "verify", city.plan, *copy, "--level", 1).code == 3, "nothing is there"
    shutil.copytree(city.root / "source", nas / "2026-11-27")
    assert city("backup", "verify", city.plan, *copy, "--level", 1).code == 0
    back = city.root / "restored"
    shutil.copytree(nas / "2026-11-27", back)
    told = ("backup", "restored", city.plan, "share", back, "--repository", "nas", "--took", "2h")
    done = city(*told)
    assert (done.code, "元と一致" in done.out) == (0, True), done.err
    assert "消してください" in done.out
    next(path for path in back.rglob("*") if path.is_file()).write_text("other")
    assert city(*told, "--json").code == 3, "the first generation cannot tell damage from change"
    assert city("backup", "restored", city.plan, "juki", back, "--repository", "main").code == 2
    listed = city("backup", "list", city.plan, "share", "--json").document["copies"][0]["rungs"]
    assert [rung["status"] for rung in listed] == ["ok", "ok", "ok", "ok", "unknown"]
    assert city("backup", "run", city.plan, "share").code == 2
    assert city("backup", "names", city.plan, "share").code == 0


def test_findings_are_looked_for_and_listed(city: City) -> None:
    good = city("audit", "run", city.plan, "juki/files")
    assert good.code == 0, good.err
    (city.root / "password").chmod(0o644)

    bad = city("audit", "run", city.plan, "--json")

    assert bad.code == 1
    found = [row for row in bad.document["findings"] if row["result"] == "fail"]
    assert found
    assert found[0]["remedy"]
    assert city("audit", "list", city.plan).code == 1
    assert city("audit", "list", city.plan, "juki/nothing").code == 2


def test_what_a_person_saw_is_recorded_under_a_commitment(city: City) -> None:
    assert city("observe", city.plan, "juki/seen", "ok", "--by", "佐藤 花子").code == 0
    wrong = city("observe", city.plan, "juki/files", "ok", "--by", "佐藤 花子")
    assert wrong.code == 2
    assert "目視の検査ではありません" in wrong.err
    rows = city("log", "show", city.plan, "--json", "--kind", "observed.confirmed").document
    assert [row["subject"] for row in rows["entries"]] == ["juki/seen"]
    assert "佐藤" not in json.dumps(rows, ensure_ascii=False)


def test_the_log_is_shown_verified_and_exported_and_the_export_stands_alone(city: City) -> None:
    assert city("observe", city.plan, "juki/seen", "ok", "--by", "佐藤").code == 0
    shown = city("log", "show", city.plan, "--json").document
    whole = city("log", "verify", city.plan, "--json").document
    assert whole["ok"] is True
    assert whole["size"] >= shown["size"]
    target = city.root / "export"
    assert city("log", "export", city.plan, "--out", target).code == 0

    alone = city.type("log", "verify", target, "--json")

    assert (alone.code, alone.document["ok"]) == (0, True)
    tile = next(file for file in (target / "tile" / "entries").rglob("*") if file.is_file())
    content = bytearray(tile.read_bytes())
    content[len(content) // 2] ^= 1
    tile.write_bytes(content)
    broken = city.type("log", "verify", target)
    assert broken.code == 1
    assert "食い違いあり" in broken.out
    assert city("log", "export", city.plan, "--out", target).code in (2, 3), "never over another"


def test_people_are_added_changed_listed_and_disabled(city: City) -> None:
    file = city.root / "passphrase"
    file.write_text(f"{PASSPHRASE}\n")
    add = ("user", "add", "sato", "--name", "佐藤", "--role", "commander")
    asked = city(*add)
    assert asked.code == 2, "no prompt without a terminal"
    assert "--password-file" in asked.err
    assert city(*add, "--password-file", file).code == 0
    assert city(*add, "--password-file", file).code == 2, "taken"
    assert city("user", "passwd", "sato", "--password-file", file).code == 0
    assert (
        city("user", "add", "x", "--name", "x", "--role", "king", "--password-file", file).code == 2
    )
    assert city("user", "disable", "sato").code == 0
    listed = city("user", "list", "--json")
    assert [(a["login"], a["disabled"]) for a in listed.document["accounts"]] == [("sato", True)]
    assert PASSPHRASE not in listed.out
    assert "hash" not in listed.out
    acting = city("disaster", "declare", city.plan, "--reason", "x", "--by", "sato")
    assert acting.code == 2, "who is disabled does not act"


def test_the_availability_report_as_text_and_as_a_file(city: City, tmp_path: Path) -> None:
    told = city("report", "availability", city.plan, "--json")
    assert told.code == 0, told.err
    assert {one["id"] for one in told.document["rows"]} == {"juki", "jumin"}
    assert "稼働報告" in city("report", "availability", city.plan).out
    file = tmp_path / "r.csv"
    made = city("report", "availability", city.plan, "--format", "csv", "--out", str(file))
    assert made.code == 0, made.err
    assert "稼働率 %" in file.read_text("utf-8-sig")
    assert city("report", "availability", city.plan, "--month", "2026-13").code == 2


def test_the_evidence_of_backups_is_told_as_text_json_and_a_workbook(city: City) -> None:
    told = city("report", "backups", city.plan, "--json")
    assert told.code == 0
    titles = [part["title"] for part in told.document["parts"]]
    assert [title[:2] for title in titles] == ["1.", "2.", "3.", "4."]
    shown = city("report", "backups", city.plan).out
    assert "2. 実測" in shown
    assert "4. 未確認" in shown
    file = city.root / "evidence.xlsx"
    made = city("report", "backups", city.plan, "--format", "xlsx", "--out", str(file))
    assert made.code == 0
    assert file.read_bytes()[:2] == b"PK"
    assert city("report", "backups", city.plan, "--format", "xlsx").code == 2, "where to?"
    assert city("report", "backups", city.plan, "--system", "nobody").code == 2


def test_a_check_is_paused_and_another_added_for_a_while(city: City) -> None:
    plan, much = city.plan, ("--for", "2h", "--reason", "工事")
    assert city("check", "pause", plan, "juki/seen", *much).code == 0
    given = ("host=127.0.0.1", "port=9", "system=juki")
    fields = [word for one in given for word in ("--set", one)]
    made = city("check", "temporary", plan, "look", "--kind", "tcp", *much, *fields)
    assert made.code == 0, made.err
    told = city("check", "interim", plan, "--json").document["interim"]
    assert {(one["what"], one["check"]) for one in told} == {
        ("paused", "juki/seen"),
        ("temporary", "temp/look"),
    }
    long = city("check", "pause", plan, "juki/seen", "--for", "30d", "--reason", "工事")
    assert long.code == 2
    assert "7日まで" in long.err
    assert city("check", "resume", plan, "juki/seen").code == 0
    assert city("check", "remove", plan, "temp/look").code == 0
    assert "計画どおり" in city("check", "interim", plan).out


def test_a_whole_drill_by_the_command_line_alone(city: City) -> None:
    plan, drill = city.plan, ("--drill", "aki")
    assert city("backup", "run", plan, "juki").code == 0
    begun = city("disaster", "declare", plan, *drill, "--reason", "秋の訓練", "--json")
    assert begun.code == 0, begun.err
    assert begun.document["kind"] == "drill"
    assert begun.document["levels"][0]["goal"] == "pending"
    assert city("disaster", "show", plan, "--json").document["incident"] is None, "real is quiet"
    for step in ("J-1", "J-2"):
        assert city("disaster", "step", plan, step, "start", *drill).code == 0
        assert city("disaster", "step", plan, step, "done", *drill, "--note", "見た").code == 0
    early = city("disaster", "step", plan, "J-9", "done", *drill)
    assert early.code == 2
    assert city("disaster", "note", plan, "余震あり", *drill).code == 0
    shown = city("disaster", "show", plan, *drill, "--json").document
    assert shown["levels"][0]["goal"] == "pending", "a tick proves nothing"

    time.sleep(0.01)
    assert city("observe", plan, "juki/seen", "ok", "--by", "窓口の田中").code == 0
    goal = ""
    for _look in range(60):
        goal = city("disaster", "show", plan, *drill, "--json").document["levels"][0]["goal"]
        if goal == "attained":
            break
        time.sleep(0.5)
    assert goal == "attained", "evidence does"

    refused = city("disaster", "stand-down", plan, *drill, "--reason", "終わり")
    assert refused.code == 2, refused.out
    gates = city("disaster", "show", plan, *drill, "--json").document["gates"]
    assert gates
    close = [word for gate in gates for word in ("--close-gate", gate)]
    down = city("disaster", "stand-down", plan, *drill, "--reason", "訓練のため", *close)
    assert down.code == 0, down.err
    first = city("disaster", "report", plan, *drill)
    second = city("disaster", "report", plan, *drill)
    assert first.code == 0
    assert first.out == second.out
    assert "【訓練】" in first.out
    assert "余震あり" in first.out
    assert "訓練のため" in first.out
    assert city("log", "verify", plan, *drill).code == 0
    assert city("log", "verify", plan).code == 0


def test_the_board_is_told_and_unknown_is_never_good(city: City) -> None:
    said = city("status", city.plan, "--json")

    assert said.code in (1, 3)
    assert said.document["verdict"] in ("finding", "unknown")


def test_what_was_last_known_is_told_with_its_age_when_the_daemon_is_down(tmp_path: Path) -> None:
    city = City.make(tmp_path)
    city.start()
    assert city("observe", city.plan, "juki/seen", "ok", "--by", "佐藤").code == 0
    city.stop()

    said = city("status", city.plan)

    assert said.code == 3
    assert "今の状態は不明" in said.out
    assert "juki/seen: そのとき ok" in said.out


def test_commands_without_state_answer_by_themselves(tmp_path: Path) -> None:
    city = City.make(tmp_path)
    assert city.type("check-config", city.plan).code in (0, 1)
    document = city.type("check-config", city.plan, "--gaps", "--json").document
    assert document["ok"] is True
    assert document["gaps"]
    assert "$schema" in city.type("schema").document
    kinds = {row["kind"]: row for row in city.type("kinds", "--json").document}
    assert {"http", "tcp", "tls", "dns", "ping", "command", "observed", "host_files"} <= set(kinds)
    assert city.type("probe", city.plan, "juki/files").code == 0
    nobody = city.type("probe", "--kind", "tcp", "host=127.0.0.1", "port=9", "--json")
    assert (nobody.code, nobody.document["status"]) == (1, "failed")
    assert city.type("probe", "--kind", "tpc", "host=x").code == 2
    assert city.type("probe", "--kind", "tcp", "host").code == 2
    assert city.type("probe", "--kind", "tcp", "host=x", "prot=9").code == 2
    assert city.type("probe", city.plan, "juki/nothing").code == 2
    assert city.type("runbook", "lint", city.plan).code in (0, 1)
    printed = city.type("runbook", "print", city.plan, "juki-fukkyu", "--out", tmp_path, "--json")
    assert Path(printed.document["file"]).read_bytes().startswith(b"%PDF")
    assert not city.data.exists()


def test_lint_weighs_the_runbooks_with_what_the_log_knows(city: City) -> None:
    plain = city.type("runbook", "lint", city.plan, "--json")
    assert (plain.code, {f["rule"] for f in plain.document["faults"]}) == (1, {"E004"})
    assert "W109" in plain.document["not_checked"]
    known = city("runbook", "lint", city.plan, "--json")
    assert known.document["not_checked"] == []
    never = [f for f in known.document["warnings"] if "一度もたどっていません" in f["message"]]
    assert len(never) == 1
    city("disaster", "declare", city.plan, "--reason", "地震")
    assert city("disaster", "step", city.plan, "J-1", "done").code == 0
    after = city("runbook", "lint", city.plan)
    assert "一度もたどっていません" not in after.out
    assert after.code == 1
    assert "E004: " in after.out
    assert city.type("runbook", "lint", city.plan, "juki-fukyu").code == 2


def test_the_rules_are_listed(tmp_path: Path) -> None:
    said = City.make(tmp_path).type("runbook", "lint", "--rules", "--json")
    assert len(said.document) == 21


def test_help_is_japanese_and_english_for_every_command() -> None:
    def help_of(*words: str) -> str:
        command = [sys.executable, "-m", "bcp", *words, "--help"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    top = help_of()
    for name in ("run", "check-config", "backup", "disaster", "log", "user", "probe", "status"):
        assert name in top
    assert "終了コード" in top
    for words in (("run",), ("backup", "restore"), ("disaster", "declare"), ("log", "verify")):
        said = help_of(*words)
        assert any("\u3040" <= letter <= "\u9fff" for letter in said)
        assert "/ " in said


def test_accounts_wait_for_the_log_that_bears_the_citys_name(tmp_path: Path) -> None:
    city = City.make(tmp_path)

    said = city("user", "list")

    assert said.code == 2
    assert "ict-bcp run" in said.err
    assert not (city.data / "real").exists()


def test_usage_errors_are_two_and_json_errors_go_to_stderr(tmp_path: Path) -> None:
    city = City.make(tmp_path)
    assert city.type("nonsense").code == 2
    assert city.type("backup", "verify", city.plan, "juki", "--level", 9).code == 2
    said = city("backup", "run", tmp_path / "nowhere", "juki", "--json")
    assert (said.code, said.out) == (2, "")
    assert json.loads(said.err)["error"] == "UsageError"
    assert SECRET not in said.err


def test_an_outbox_is_taken_in_once_and_the_chronology_written_for_a_spreadsheet(
    city: City,
) -> None:
    city("disaster", "declare", city.plan, "--reason", "地震")
    box = city.root / "box.jsonl"
    item = {"v": 1, "op": "0123456789ab", "at": None, "stage": "real", "step": "J-1"}
    box.write_text(json.dumps(item | {"fields": {"do": "finish"}, "by": "佐藤"}) + "\n")
    for word in ("recorded", "already"):
        said = city("disaster", "outbox", "import", box, city.plan, "--json")
        assert (said.code, said.document["results"][0]["result"]) == (0, word)
    box.write_text(
        json.dumps(item | {"op": "0123456789ac", "step": "J-9", "fields": {"do": "finish"}})
    )
    assert city("disaster", "outbox", "import", box, city.plan).code == 1
    box.write_text("{}")
    assert city("disaster", "outbox", "import", box, city.plan).code == 2
    for kind, begin in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")):
        file = city.root / f"c.{kind}"
        made = city("disaster", "chronology", city.plan, "--format", kind, "--out", file, "--json")
        assert made.document["rows"] >= 2
        assert file.read_bytes().startswith(begin)
    assert "実施: 佐藤" in (city.root / "c.csv").read_text(encoding="utf-8-sig")
    assert "J-1" in city("disaster", "chronology", city.plan).out
    assert city("disaster", "chronology", city.plan, "--format", "csv").code == 2


def test_runbooks_are_exported_with_what_is_lost(tmp_path: Path) -> None:
    city, out = City.make(tmp_path), tmp_path / "out"
    for form, name in (("html", "mochidashi.html"), ("cacao", "juki-fukkyu.cacao.json"),
                       ("json", "juki-fukkyu.json")):  # fmt: skip
        said = city.type("runbook", "export", city.plan, "--format", form, "--out", out, "--json")
        assert said.code == 0, said.err
        assert said.document["files"] == [
            {"file": str(out / name), "sha256": said.document["files"][0]["sha256"]}
        ]
    text = (out / "mochidashi.html").read_text(encoding="utf-8")
    assert "住民記録を戻す" in text
    assert "佐藤" not in text
    city.type("runbook", "export", city.plan, "--contacts", "--out", out)
    assert "佐藤" in (out / "mochidashi.html").read_text(encoding="utf-8")
    assert city.type("runbook", "export", city.plan, "juki", "--out", out).code == 2


def test_what_is_carried_out_with_contacts_enters_the_register_in_the_same_call(
    city: City,
) -> None:
    if city.service is not None:  # the plan of a running daemon has no site yet
        return
    more = "sites: [{id: honcho, name: 本庁舎, kind: headquarters}]\n"
    (city.plan / "sites.yaml").write_text(more, encoding="utf-8")
    out = city.root / "out"
    words = ("runbook", "export", city.plan, "--contacts", "--out", out)
    bare = city(*words)
    assert bare.code == 0
    assert "--issue-to" in bare.err
    assert city(*words, "--issue-to", "honcho").code == 2
    said = city(*words, "--issue-to", "honcho", "--holder", "joho", "--json")
    assert (said.code, said.document["copy"]) == (0, "copy-1")
    listed = city("runbook", "copies", city.plan, "--json").document["copies"]
    assert [(one["copy"], one["sets"], one["reprint"]) for one in listed] == [
        ("copy-1", ["9", "runbooks"], [])
    ]
    assert city(*words, "--issue-to", "honcho", "--holder", "nobody").code == 2
