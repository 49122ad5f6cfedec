#!/usr/bin/env python3
"""Writes the Grafana dashboards from the few lines below: `python scripts/make_dashboards.py`.

Why not by hand: panels repeat much JSON, and diffs of a generated file stay readable. Why plain
panels only (stat, timeseries, table): no Grafana server is at hand in the tests; what they cannot
see (rendering, transformations) is kept out. A state is always a word and a colour together.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "config" / "grafana" / "dashboards"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24

STATES = {"0": ("● 正常", "green"), "1": ("▲ 低下", "yellow"), "2": ("？ 不明", "purple")}
STATES |= {"3": ("■ 停止", "red")}

Json = dict[str, Any]


def severity(series: str, by: str, where: str = "") -> str:
    """3 failed, 2 unknown, 1 degraded, 0 ok: one number per thing, worst on top when sorted."""

    def one(state: str) -> str:
        inner = ",".join(part for part in (where, f'state="{state}"') if part)
        return f"max by ({by}) ({series}{{{inner}}})"

    return f"3 * {one('failed')} + 2 * {one('unknown')} + {one('degraded')}"


def words(states: Mapping[str, tuple[str, str]]) -> list[Json]:
    """Numbers as a word and a colour."""
    options = {
        value: {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(states.items())
    }
    return [{"type": "value", "options": options}]


def steps(*pairs: tuple[float | None, str]) -> Json:
    """Thresholds; the first has no lower end."""
    return {"mode": "absolute", "steps": [{"value": at, "color": color} for at, color in pairs]}


def panel(
    kind: str,
    title: str,
    description: str,
    targets: Iterable[tuple[str, str]],
    *,
    size: tuple[int, int],
    unit: str = "short",
    mappings: list[Json] | None = None,
    thresholds: Json | None = None,
    hide: Iterable[str] = (),
    names: Mapping[str, str] | None = None,
    descending: bool | None = None,
) -> Json:
    """One panel; `targets` are (expression, legend). Place and id are given by `lay_out`."""
    table = kind == "table"
    defaults: Json = {
        "unit": unit,
        "mappings": mappings or [],
        "thresholds": thresholds or steps((None, "text")),
        "color": {"mode": "palette-classic" if kind == "timeseries" else "thresholds"},
    }
    if table:
        defaults["custom"] = {"cellOptions": {"type": "color-text"}, "filterable": True}
    out: Json = {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "gridPos": {"w": size[0], "h": size[1]},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options(kind, descending),
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": expression,
                "legendFormat": legend,
                "instant": kind != "timeseries",
                "range": kind == "timeseries",
                "format": "table" if table else "time_series",
            }
            for index, (expression, legend) in enumerate(targets)
        ],
    }
    if table:
        excluded = dict.fromkeys(("Time", *hide), True)
        organize = {"excludeByName": excluded, "renameByName": dict(names or {})}
        out["transformations"] = [{"id": "organize", "options": organize}]
    return out


def options(kind: str, descending: bool | None) -> Json:
    """How a panel of a kind is drawn."""
    if kind == "stat":
        reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        # value_and_name would need a legend; the title already says what it is
        return {"reduceOptions": reduce, "colorMode": "background", "textMode": "value"}
    if kind == "timeseries":
        return {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi"},
        }
    sort = [] if descending is None else [{"displayName": "値", "desc": descending}]
    return {"showHeader": True, "cellHeight": "sm", "sortBy": sort}


def lay_out(panels: Iterable[Json]) -> list[Json]:
    """Left to right, then down; ids from 1."""
    placed, x, y, row = [], 0, 0, 0
    for number, one in enumerate(panels, start=1):
        grid = one["gridPos"]
        if x + grid["w"] > WIDTH:
            x, y, row = 0, y + row, 0
        one["gridPos"] = {"x": x, "y": y, "w": grid["w"], "h": grid["h"]}
        x, row = x + grid["w"], max(row, grid["h"])
        placed.append({"id": number, **one})
    return placed


def variables() -> list[Json]:
    """The data source and the systems to show."""
    return [
        {
            "name": "datasource",
            "label": "データ元",
            "type": "datasource",
            "query": "prometheus",
            "current": {},
            "hide": 0,
        },
        {
            "name": "system",
            "label": "システム",
            "type": "query",
            "datasource": SOURCE,
            "query": {"query": "label_values(ict_bcp_system_state, system)", "refId": "system"},
            "definition": "label_values(ict_bcp_system_state, system)",
            "includeAll": True,
            "multi": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
            "refresh": 2,
            "sort": 1,
        },
    ]


def glance() -> list[Json]:
    """The first row: is it us, and how bad is it."""
    good = (4, 4)
    red = steps((None, "green"), (1, "red"))
    up = {"0": ("■ 停止", "red"), "1": ("● 正常", "green")}
    log = {"0": ("■ 記録できていません", "red"), "1": ("● 記録中", "green")}
    declared = {"0": ("● 平常", "green"), "1": ("■ 発動中", "red")}
    audit = 'sum(ict_bcp_audit_findings{severity="critical",state="open"})'
    real = 'max(ict_bcp_disaster_active{kind="real"})'
    failed = 'sum(ict_bcp_check_state{state="failed"})'
    unknown = 'sum(ict_bcp_check_state{state="unknown"})'
    return [
        panel("stat", "監視装置", "ict-bcp が動いているか。停止なら、下の値はすべて古い。", [('min(up{job="ict-bcp"})', "")], size=good, mappings=words(up), unit="none"),
        panel("stat", "記録", "発動や手順の記録を書き込めているか。", [("min(ict_bcp_log_writable)", "")], size=good, mappings=words(log), unit="none"),
        panel("stat", "停止の検査", "停止と確かめた検査の数。0 が正常。", [(failed, "")], size=good, thresholds=red, unit="short"),
        panel("stat", "不明の検査", "分からない検査の数。不明は正常ではない。", [(unknown, "")], size=good, thresholds=steps((None, "green"), (1, "purple")), unit="short"),
        panel("stat", "災害の発動", "実対応の発動。訓練は含まない。", [(real, "")], size=good, mappings=words(declared), unit="none"),
        panel("stat", "重大な不適合", "機密性の重大な不適合で、まだ閉じていない数。", [(audit, "")], size=good, thresholds=red, unit="short"),
    ]  # fmt: skip


def systems() -> list[Json]:
    """What is down, and since when it behaves differently."""
    info = 'ict_bcp_check_info{system=~"$system"}'
    of_system = 'system=~"$system"'
    rate = "sum by (result) (rate(ict_bcp_check_runs_total[$__rate_interval]))"
    works = f"avg by (system) (ict_bcp_check_success * on (check) group_left (system) {info})"
    checks = f"({severity('ict_bcp_check_state', 'check')}) * on (check) group_left (system) {info}"
    slow = f"topk(10, ict_bcp_check_duration_seconds and on (check) {info})"
    state = words(STATES)
    names = {"system": "システム", "check": "検査", "Value": "値"}
    return [
        panel("table", "システムの今", "悪いものが上。業務への影響は ict-bcp の画面で見る。", [(severity("ict_bcp_system_state", "system", of_system), "")], size=(8, 10), mappings=state, names=names, descending=True, unit="none"),
        panel("table", "検査の今", "悪いものが上。理由は ict-bcp の検査の画面で読む。", [(checks, "")], size=(8, 10), mappings=state, names=names, descending=True, unit="none"),
        panel("table", "鳴っているアラート", "Watchdog はいつも鳴っているのが正しい。", [('count by (alertname, severity) (ALERTS{alertstate="firing"})', "")], size=(8, 10), names={"alertname": "アラート", "severity": "重さ", "Value": "値"}, unit="short"),
        panel("timeseries", "検査の成功(システムごと)", "1 は全部の検査が正常か低下。線が切れた所は不明。", [(works, "{{system}}")], size=(12, 8), unit="percentunit"),
        panel("timeseries", "検査にかかった時間(上位10)", "急に長くなったものは、止まる前ぶれのことがある。", [(slow, "{{check}}")], size=(12, 8), unit="s"),
        panel("timeseries", "検査の回数(毎秒)", "結果ごと。全部が0に近づいたら、監視が止まっている。", [(rate, "{{result}}")], size=(12, 8), unit="ops"),
        panel("table", "証明書の残り", "短いものが上。3週間を切ったら更新を頼む。", [("ict_bcp_tls_not_after_timestamp_seconds - time()", "")], size=(12, 8), unit="s", thresholds=steps((None, "red"), (3 * 86400, "yellow"), (21 * 86400, "green")), hide=("instance", "job"), names=names, descending=False),
    ]  # fmt: skip


def proofs() -> list[Json]:
    """Backups, findings, recovery, log."""
    # 0 = no such copy; not filtered out: what is not proven stands in the table as long overdue
    proven = 'max by (set) (ict_bcp_backup_good_timestamp_seconds{evidence="4"})'
    left = f"max by (set) (ict_bcp_backup_rpo_seconds) - on (set) (time() - {proven})"
    ages = "time() - (max by (set, evidence) (ict_bcp_backup_good_timestamp_seconds) > 0)"
    findings = "sum by (severity, state) (ict_bcp_audit_findings)"
    reached = "unless on (kind, system, level) ict_bcp_recovery_attained_timestamp_seconds"
    deadline = f"ict_bcp_recovery_deadline_timestamp_seconds {reached}"
    over = steps((None, "red"), (0, "yellow"), (3600, "green"))
    age = "time() - max by (instance) (ict_bcp_log_checkpoint_timestamp_seconds)"
    named = {"set": "バックアップ", "evidence": "証拠の段", "Value": "値"}
    named |= {"kind": "実対応/訓練", "system": "システム", "level": "水準"}
    named |= {"severity": "重さ", "state": "状態"}
    return [
        panel("table", "バックアップ: 目標時点までの余裕", "復元して確かめたもの(証拠4)で見る。0より小さいと、目標(RPO)を過ぎている。約-57年は、今は証明が一つもないもの。", [(left, "")], size=(8, 8), unit="s", thresholds=over, names=named, descending=False),
        panel("table", "バックアップ: 証拠の段ごとの古さ", "0 仕事の申告 / 1 ある / 2 構造 / 3 読んだ / 4 戻して同じ / 5 業務で確認。", [(ages, "")], size=(8, 8), unit="s", names=named),
        panel("timeseries", "復元試験にかかった時間", "この速さが、復旧の見込みのもとになる。", [("max by (set) (ict_bcp_backup_restore_seconds)", "{{set}}")], size=(8, 8), unit="s"),
        panel("timeseries", "読んで確かめたデータの割合", "1 は、期間のうちに全部を読んだ。", [("min by (set) (ict_bcp_backup_verified_ratio)", "{{set}}")], size=(8, 8), unit="percentunit"),
        panel("table", "機密性: 見つかったこと", "open 未対応 / waived 例外承認 / expired 期限切れ / not_checked 見ていない。", [(findings, "")], size=(8, 8), unit="short", names=named),
        panel("table", "復旧の期限までの残り", "発動中だけ、まだ達していないものが出る。0より小さいと期限を過ぎている。", [(f"min by (kind, system, level) ({deadline}) - time()", "")], size=(8, 8), unit="s", thresholds=over, names=named, descending=False),
        panel("timeseries", "記録の署名の古さ", "増え続けたら、記録が止まっている。", [(age, "{{instance}}")], size=(8, 7), unit="s"),
        panel("timeseries", "記録の件数", "減ることはない。減ったら、すぐ監査の担当に知らせる。", [("max by (instance) (ict_bcp_log_entries)", "{{instance}}")], size=(8, 7), unit="short"),
        panel("timeseries", "監視装置の遅れ", "0.01 秒より大きい時間が続くと、検査が遅れる。", [("max by (instance) (ict_bcp_loop_lag_seconds)", "{{instance}}")], size=(8, 7), unit="s"),
    ]  # fmt: skip


def overview() -> Json:
    """概況: one screen for the wall."""
    return {
        "uid": "ict-bcp-overview",
        "title": "ICT-BCP 概況",
        "description": "まず一番上の行を見る。監視装置が「停止」なら、ほかの値は信じない。",
        "tags": ["ict-bcp"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "timezone": "Asia/Tokyo",
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "graphTooltip": 1,
        "templating": {"list": variables()},
        "annotations": {"list": []},
        "links": [],
        "panels": lay_out([*glance(), *systems(), *proofs()]),
    }


def rendered() -> dict[str, str]:
    """File name -> text of every dashboard."""
    boards = {"ict-bcp-overview.json": overview()}
    return {
        name: json.dumps(board, ensure_ascii=False, indent=2) + "\n"
        for name, board in boards.items()
    }


def main() -> int:
    """Write the files that differ; with `--check` only say which would."""
    stale = [
        name
        for name, text in rendered().items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        print("\n".join(stale) or "up to date")
        return 1 if stale else 0
    for name in stale:
        (FOLDER / name).write_text(rendered()[name], encoding="utf-8")
        print(FOLDER / name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
