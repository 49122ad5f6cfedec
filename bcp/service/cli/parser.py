"""The words of the command line. Parsing only: what a command does stands in `commands`."""

from __future__ import annotations

import argparse
from pathlib import Path

from bcp import __version__
from bcp.service.cli import event_words, parser_keeping, parser_reports, parser_steps
from bcp.service.cli.parser_disaster import add_verbs, declare_more
from bcp.service.cli.parser_people import people

DATA_DEFAULT = "/var/lib/ict-bcp"

Sub = argparse._SubParsersAction  # argparse gives this type no public name


def build() -> argparse.ArgumentParser:
    """The whole grammar."""
    from bcp.service.cli.parser_books import runbook  # its words are built of ours

    parser = argparse.ArgumentParser(
        prog="ict-bcp",
        description="自治体のICT-BCPを見張り、確かめ、導き、記録する / "
        "watches, proves, guides and records a city's ICT-BCP",
        epilog="終了コード: 0 良好, 1 所見あり, 2 使い方・設定の誤り, 3 判定不能 / "
        "exit: 0 good, 1 finding, 2 usage or configuration, 3 could not tell",
    )
    parser.add_argument("--version", action="version", version=f"ict-bcp {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _run(commands)
    _plan(commands)
    _checks(commands)
    _backup(commands)
    _audit(commands)
    runbook(commands)
    _disaster(commands)
    _announce(commands)
    reports = _group(commands, "report", "報告", "reports")
    parser_reports.add(lambda verb, ja, en: _leaf(reports, verb, ja, en, plan=True, data=True))
    _log(commands)
    people(commands, _leaf, _group)
    return parser


def _leaf(
    commands: Sub[argparse.ArgumentParser],
    name: str,
    ja: str,
    en: str,
    *,
    plan: bool = False,
    data: bool = False,
) -> argparse.ArgumentParser:
    leaf = commands.add_parser(name, help=f"{ja} / {en}", description=f"{ja} / {en}")
    leaf.add_argument("--json", action="store_true", help="機械が読む形で出す / print JSON")
    if plan:
        leaf.add_argument("plan", type=Path, metavar="PLAN_DIR", help="計画のフォルダ / the plan")
    if data:
        leaf.add_argument(
            "--data",
            type=Path,
            default=Path(DATA_DEFAULT),
            metavar="DIR",
            help=f"データのフォルダ (既定 {DATA_DEFAULT}) / data folder",
        )
    return leaf


def _group(
    commands: Sub[argparse.ArgumentParser], name: str, ja: str, en: str
) -> Sub[argparse.ArgumentParser]:
    group = commands.add_parser(name, help=f"{ja} / {en}", description=f"{ja} / {en}")
    return group.add_subparsers(dest="verb", metavar="VERB", required=True)


def _run(commands: Sub[argparse.ArgumentParser]) -> None:
    demo = _leaf(commands, "demo", "練習市を動かす", "run the practice city")
    demo.add_argument("--port", type=int, help="画面のポート / port of the pages")
    demo.add_argument("--data", type=Path, default=Path("practice-data"), metavar="DIR")
    demo.add_argument(
        "action",
        nargs="?",
        choices=["run", "faults", "break", "heal"],
        default="run",
        help="faults 一覧, break 壊す, heal 直す / list, inject or heal a fault",
    )
    demo.add_argument("fault", nargs="?", help="故障の名前 / name of the fault")
    run = _leaf(commands, "run", "常駐プログラムを動かす", "run the daemon", plan=True, data=True)
    run.add_argument("--port", type=int, help="計画の access.port の代わり / instead of the plan's")


def _plan(commands: Sub[argparse.ArgumentParser]) -> None:
    check = _leaf(
        commands, "check-config", "計画の誤りを全部出す", "every fault of a plan at once", plan=True
    )
    check.add_argument(
        "--gaps", action="store_true", help="未設定を危険な順に出す / what is unset, worst first"
    )
    _leaf(commands, "schema", "計画の JSON Schema を出す", "JSON Schema of the plan")
    _leaf(commands, "kinds", "検査の種類を出す", "every kind of check")


def _checks(commands: Sub[argparse.ArgumentParser]) -> None:
    probe = _leaf(commands, "probe", "検査を一度だけ行う", "run one check now")
    probe.add_argument("words", nargs="*", metavar="PLAN_DIR CHECK_ID | key=value")
    probe.add_argument("--kind", help="計画なしで試す種類 / a kind, without a plan")
    _leaf(commands, "status", "今の状態を文字で出す", "the board as text", plan=True, data=True)
    seen = _leaf(
        commands,
        "observe",
        "目視の結果を記録する",
        "record what a person saw",
        plan=True,
        data=True,
    )
    seen.add_argument("check", metavar="CHECK_ID")
    seen.add_argument("result", choices=["ok", "degraded", "failed"])
    seen.add_argument("--by", required=True, help="確認した人の名前 / who looked")
    seen.add_argument("--note", default="")
    _interim(commands)
    taken = _leaf(
        commands, "acknowledge", "故障を引き受ける", "take a failure on", plan=True, data=True
    )
    taken.add_argument("check", metavar="CHECK_ID")
    taken.add_argument("--note", default="")


def _interim(commands: Sub[argparse.ArgumentParser]) -> None:
    group = _group(commands, "check", "検査を一時止める・臨時に足す", "pause, look for a while")
    for verb, ja, en in (
        ("pause", "一時止める", "pause"),
        ("temporary", "臨時に足す", "a temporary check"),
    ):
        leaf = _leaf(group, verb, ja, en, plan=True, data=True)
        leaf.add_argument("check", metavar="CHECK_ID" if verb == "pause" else "NAME")
        leaf.add_argument(
            "--for", dest="length", required=True, metavar="4h", help="7日まで / ≤ 7d"
        )
        leaf.add_argument("--reason", required=True, help="理由 / why")
        if verb == "temporary":
            leaf.add_argument("--kind", required=True)
            leaf.add_argument(
                "--set", action="append", default=[], dest="words", metavar="key=value"
            )
    for verb, ja, en in (("resume", "再開する", "resume"), ("remove", "外す", "remove")):
        _leaf(group, verb, ja, en, plan=True, data=True).add_argument("check", metavar="CHECK_ID")
    _leaf(group, "interim", "計画と違うもの", "what differs now", plan=True, data=True)


def _backup(commands: Sub[argparse.ArgumentParser]) -> None:
    group = _group(commands, "backup", "バックアップとその証拠", "backups and their evidence")
    for verb, ja, en in (
        ("run", "バックアップを取る", "make a backup"),
        ("list", "世代と証拠の一覧", "snapshots and evidence"),
        ("verify", "証拠の段を確かめる", "prove a rung of evidence"),
        ("restore", "空の場所へ戻す", "restore into an empty place"),
        ("restore-test", "復元試験をする (段階4)", "restore test (level 4)"),
        ("custody", "保管記録を出す", "the custody record"),
        ("init", "置き場所(リポジトリ)を作る", "create a repository"),
        ("accept", "リポジトリの今の状態を受け入れる", "accept a repository as it is"),
    ):
        leaf = _leaf(group, verb, ja, en, plan=True, data=True)
        leaf.add_argument("set", metavar="SET", nargs="?" if verb in ("list", "custody") else None)
        if verb not in ("list", "custody"):
            needed = verb in ("init", "accept")
            leaf.add_argument(
                "--repository", required=needed, help="対象の保管先 / only this repository"
            )
        if verb == "accept":
            leaf.add_argument("--snapshot", action="append", default=[], help="64桁 / full id")
        if verb == "verify":
            leaf.add_argument("--level", type=int, choices=range(5), default=2)
        if verb == "restore":
            leaf.add_argument("--snapshot", required=True, help="64桁の世代番号 / full snapshot id")
            leaf.add_argument(
                "--target", type=Path, required=True, help="空のフォルダ / empty folder"
            )
            leaf.add_argument(
                "--confirm",
                default="",
                metavar="TARGET",
                help="上書きしてよいなら場所をもう一度 / the target again, to write over what is there",
            )

    parser_keeping.add(
        lambda verb, ja, en: _leaf(group, verb, ja, en, plan=True, data=True),
        lambda verb, ja, en: _leaf(group, verb, ja, en),
    )


def _audit(commands: Sub[argparse.ArgumentParser]) -> None:
    group = _group(commands, "audit", "機密性の設定を確かめる", "confidentiality")
    for verb, ja, en in (
        ("run", "今すぐ確かめる", "look now"),
        ("list", "所見の一覧", "findings"),
    ):
        leaf = _leaf(group, verb, ja, en, plan=True, data=True)
        leaf.add_argument("check", metavar="CHECK_ID", nargs="?")


def _disaster(commands: Sub[argparse.ArgumentParser]) -> None:
    group = _group(commands, "disaster", "発動・手順・解除・報告", "declare, guide, stand down")

    def leaf(name: str, ja: str, en: str) -> argparse.ArgumentParser:
        made = _leaf(group, name, ja, en, plan=True, data=True)
        made.add_argument("--drill", metavar="ID", help="この訓練で行う / within this drill")
        made.add_argument(
            "--by", metavar="LOGIN", help="行う人 (省くとこの端末の利用者) / who acts"
        )
        made.add_argument("--incident", metavar="ID", help="どの発動か / which event")
        return made

    add_verbs(leaf)

    declare = leaf("declare", "発動する (--drill で訓練)", "declare (or open a drill)")
    declare.add_argument("--level", type=int, default=3)
    declare.add_argument("--onset", help="発災時刻 2026-11-23T10:02 (JST) / time zero")
    declare.add_argument("--reason", required=True)
    declare.add_argument("--nature", choices=["disaster", "failure", "cyber"], default="disaster")
    declare.add_argument(
        "--capacity", choices=["principal", "deputy", "on_site"], default="on_site"
    )
    declare.add_argument("--role", help="権限者の役割 / role of the authority")
    declare.add_argument("--system", action="append", default=[], help="範囲 (省くと全部) / scope")
    declare_more(declare)
    leaf("show", "今の状況", "the situation")
    parser_steps.add(leaf)
    heard = leaf("scribe", "聞き取りを記録する (1行に1つ)", "record what was heard, line by line")
    heard.add_argument(
        "file", metavar="FILE", help="JUKI-03 済 04:10 担当2 (- は標準入力) / - = stdin"
    )
    heard.add_argument("--check", action="store_true", help="確かめるだけ / only check")
    heard.add_argument("--mode", choices=["phone", "paper"], default="phone")
    hand = leaf(
        "handover",
        "引継書を見る、指揮を引き継ぐ (--to で申し出、相手が --confirm)",
        "the hand-over sheet; offer the command with --to, the other confirms",
    )
    hand.add_argument("--to", metavar="LOGIN", help="この人に申し出る / offer it to")
    hand.add_argument("--summary", default="", help="伝えること / objectives and warnings")
    hand.add_argument("--reason", default="", help="理由 / why")
    how = hand.add_mutually_exclusive_group()
    for act, ja, en in (
        ("confirm", "申し出を確認して指揮を執る", "confirm and take command"),
        ("withdraw", "申し出を取り下げる・辞退する (--reason)", "withdraw or decline"),
        ("alone", "相手が確認できない緊急時 (--to, --reason)", "the other cannot confirm"),
    ):
        how.add_argument(
            f"--{act}", dest="act", action="store_const", const=act, help=f"{ja} / {en}"
        )
    told = leaf("situation", "状況報告を見る、出す (--issue)", "situation report; issue it")
    told.add_argument("--number", type=int, help="第n報 / an earlier one")
    told.add_argument("--issue", action="store_true", help="番号を付けて記録に残す / issue it")
    told.add_argument("--remark", default="", help="統括者から / the commander's words")
    down = leaf("stand-down", "解除する", "stand down")
    down.add_argument("--reason", default="")
    down.add_argument(
        "--waive",
        action="append",
        default=[],
        metavar="SYSTEM",
        help="復旧の証拠がないまま対象から外す / waive a system without evidence",
    )
    down.add_argument("--close-gate", action="append", default=[], metavar="GATE")
    box = _leaf(group, "outbox", "つながらない間の記録を取り込む", "take in an outbox", data=True)
    box.add_argument("action", choices=["import"])
    box.add_argument("file", type=Path, metavar="FILE", help="書き出した .jsonl / exported file")
    box.add_argument("plan", nargs="?", type=Path, metavar="PLAN_DIR")
    box.add_argument("--drill", metavar="ID", help="この訓練のもの / of this drill")
    box.add_argument("--by", metavar="LOGIN", help="記録する人 / in whose name")
    table = leaf("chronology", "クロノロジーを出す", "the chronology")
    table.add_argument("--format", choices=["text", "csv", "xlsx"], default="text")
    table.add_argument("--out", type=Path, metavar="FILE", help="書き出すファイル / where to")
    report = leaf("report", "報告書を出す", "the report")
    report.add_argument("--text", action="store_true", help="文章で (省いたときと同じ) / as text")
    report.add_argument(
        "--upto",
        type=int,
        metavar="N",
        help="記録 N までの版をもう一度 / the edition up to entry N",
    )
    event_words.changes(leaf)
    event_words.breaches(leaf)


def _announce(commands: Sub[argparse.ArgumentParser]) -> None:
    group = _group(commands, "announce", "お知らせ", "announcements")

    def leaf(name: str, ja: str, en: str) -> argparse.ArgumentParser:
        made = _leaf(group, name, ja, en, plan=True, data=True)
        made.add_argument("--drill", metavar="ID", help="この訓練で行う / within this drill")
        made.add_argument("--by", metavar="LOGIN", help="行う人 / who acts")
        return made

    event_words.announcements(leaf)


def _log(commands: Sub[argparse.ArgumentParser]) -> None:
    group = _group(commands, "log", "改ざん検知つきの記録", "the integrity log")
    for verb, ja, en in (
        ("show", "記録を読む", "read entries"),
        ("verify", "改ざんを調べる", "verify"),
        ("export", "書き出す (C2SP tlog-tiles)", "export as tiles"),
    ):
        leaf = _leaf(group, verb, ja, en, data=True)
        leaf.add_argument("place", type=Path, metavar="PLAN_DIR or EXPORT_DIR")
        leaf.add_argument("--drill", metavar="ID")
        if verb == "show":
            leaf.add_argument("--last", type=int, default=20)
            leaf.add_argument("--kind")
            leaf.add_argument("--incident")
        if verb == "verify":
            leaf.add_argument(
                "--vkey", action="append", default=[], help="信頼する公開鍵 / trusted key"
            )
        if verb == "export":
            leaf.add_argument("--out", type=Path, required=True)
