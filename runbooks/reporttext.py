"""The report as a sheet: the same value is Markdown, HTML and paper. Pure; no percentages (R-87)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from bcp.kit.language import text
from bcp.kit.units import JST, duration_ja, jst
from bcp.plan.model import Organization
from runbooks.paper.sheet import Block, Heading, Note, Sheet, Table, markdown, sealed
from runbooks.progress import Stand
from runbooks.report import Report, StepRow

_NONE = "—"
_UNTOUCHED = (Stand.READY.value, Stand.BLOCKED.value)


def report_sheet(report: Report, organization: Organization, printed: date) -> Sheet:
    """The report for print, with its own number."""
    return sealed(_sheet(report, organization.name, organization.classification, printed))


def report_markdown(report: Report) -> str:
    """The report as Markdown; the day it is made does not enter."""
    day = (report.incident.last_at or report.incident.declared_at).astimezone(JST).date()
    return markdown(_sheet(report, "", "", day))


def _sheet(report: Report, organization: str, classification: str, printed: date) -> Sheet:
    incident = report.incident
    return Sheet(
        f"report-{incident.id}",
        "report",
        f"事後報告 {incident.id}",
        "",
        organization,
        classification,
        f"記録 {report.upto} まで",
        printed,
        tuple(_blocks(report)),
        None if incident.real else incident.stage,
        incident.id,
    )


def _blocks(report: Report) -> list[Block]:
    return [
        *_summary(report),
        *_services(report),
        *_systems(report),
        *_steps(report),
        *_contradictions(report),
        *_gates(report),
        *_chronology(report),
    ]


def _word(kind: str, value: str) -> str:
    return text(f"runbooks.{kind}_{value}").ja


def _at(instant: datetime | None) -> str:
    return jst(instant, "%m/%d %H:%M") if instant is not None else _NONE


def _for(value: timedelta | None) -> str:
    return duration_ja(value) if value is not None else _NONE


def _signed(value: timedelta | None) -> str:
    if value is None:
        return _NONE
    return ("−" if value < timedelta() else "+") + duration_ja(value)


def _summary(report: Report) -> list[Block]:
    incident = report.incident
    kind = _word("kind", incident.kind)
    if incident.drill is not None:
        kind += f" ({_word('drill', incident.drill)})"
    rows = [
        ("種別", f"{kind}・{_word('nature', incident.nature)}・段階{incident.level}"),
        ("発災", jst(incident.onset, "%Y-%m-%d %H:%M")),
        (
            "発動",
            f"{jst(incident.declared_at, '%Y-%m-%d %H:%M')} {incident.declared_by} "
            f"({_word('capacity', incident.capacity)})",
        ),
        ("事後承認", _word("ratification", incident.ratification.value)),
        ("状態", f"{_word('phase', incident.phase.value)} {_at(incident.phase_since)}"),
        ("発災時刻の記録", "、".join(_at(mark.onset) for mark in incident.onsets)),
        ("免除したシステム", "、".join(incident.waivers) or "なし"),
        ("実施しなかった手順", "、".join(report.not_executed) or "なし"),
        ("後入力", f"{report.late} 件 (遅れの中央値 {_for(report.late_median)})"),
        ("受け入れた計画", report.plan[:16] or _NONE),
        ("凍結した計画と手順書", incident.frozen[:16] or _NONE),
        ("記録の範囲", f"{incident.seq} から {report.upto} まで {incident.version} 件"),
    ]
    return [Table(("項目", "内容"), (3, 9), tuple(rows))]


def _services(report: Report) -> list[Block]:
    rows = []
    for target in report.services:
        paper = report.incident.alternates.get(target.service)
        span = f"{_at(paper.since)} から {_at(paper.until)}" if paper is not None else _NONE
        rows.append(
            (
                target.name,
                _for(target.rto),
                _at(target.deadline),
                _at(target.attained_at),
                _signed(target.slack) if target.attained_at is not None else _NONE,
                _word("goal", target.goal.value),
                span,
            )
        )
    columns = ("業務", "目標", "期限", "達成", "余裕", "判定", "紙で対応した間")
    return [Heading("1. 業務"), Table(columns, (5, 2, 3, 3, 3, 2, 5), tuple(rows))]


def _systems(report: Report) -> list[Block]:
    rows = []
    for target in report.systems:
        verdict = _word("goal", target.goal.value)
        rows.append(
            (
                target.system_name,
                f"{target.level} {target.name}",
                _for(target.rto),
                _at(target.deadline),
                _at(target.attained_at),
                _signed(target.slack) if target.attained_at is not None else _NONE,
                verdict + ("(再発あり)" if target.relapsed else ""),
                f"{_for(target.rpo_attained)} / {_for(target.rpo)}",
                _for(target.contract_rto),
            )
        )
    columns = (
        "システム",
        "水準",
        "目標",
        "期限",
        "達成(実測)",
        "余裕",
        "判定",
        "失われた時間/目標",
        "契約",
    )
    widths = (3, 3, 2, 3, 3, 3, 3, 4, 2)
    return [Heading("2. システムと水準"), Table(columns, widths, tuple(rows))]


def _steps(report: Report) -> list[Block]:
    blocks: list[Block] = [Heading("3. 手順(計画と実際)")]
    columns = ("番号", "すること", "見込み", "着手", "完了", "実際", "差", "結果", "確認", "人")
    widths = (3, 6, 3, 3, 3, 3, 3, 5, 3, 2)
    for runbook in dict.fromkeys(row.runbook for row in report.steps):
        rows = tuple(_row(row) for row in report.steps if row.runbook == runbook)
        blocks += [Note(f"手順書 {runbook}", "stop"), Table(columns, widths, rows)]
    return blocks


def _row(row: StepRow) -> tuple[str, ...]:
    result = "実施しなかった" if row.stand in _UNTOUCHED else _word("stand", row.stand)
    if row.attempts > 1:
        result += f"({row.attempts}回目)"
    if row.late:
        result += "(後入力)"
    if row.reason:
        result += f" 理由: {row.reason}"
    return (
        row.step,
        row.title,
        _for(row.planned),
        _at(row.started_at),
        _at(row.finished_at),
        _for(row.actual),
        _signed(row.over),
        result,
        _word("proof", row.verification),
        row.by or _NONE,
    )


def _contradictions(report: Report) -> list[Block]:
    if not report.contradictions:
        return [Heading("4. 矛盾"), Note("なし")]
    rows = tuple(
        (row.step, row.check, _at(row.since), _at(row.until) if row.until else "最後まで")
        for row in report.contradictions
    )
    columns = ("手順(完了と記録)", "監視(赤)", "から", "まで")
    return [Heading("4. 矛盾"), Table(columns, (4, 5, 3, 3), rows)]


def _gates(report: Report) -> list[Block]:
    said = {line.seq: line.text for line in report.lines}
    rows = []
    for gate in report.gates:
        closing = gate.closing
        if closing is None:
            state, reason = ("残っている" if gate.open else "該当なし・済み"), ""
        else:
            how = "条件を満たした" if closing.met else "権限者の決定で閉じた"
            state, reason = f"{how} {_at(closing.at)} {closing.by}", said.get(closing.seq, "")
        rows.append((_word("gate", gate.id), state, "、".join(gate.holds) or _NONE, reason))
    columns = ("条件", "状態", "残り", "理由")
    return [Heading("5. 解除の条件"), Table(columns, (4, 5, 4, 5), tuple(rows))]


def _chronology(report: Report) -> list[Block]:
    rows = tuple(
        (
            jst(line.at, "%m/%d %H:%M") + ("(後入力)" if line.late else ""),
            _word("kindword", line.kind),
            line.subject,
            line.by,
            line.text,
        )
        for line in report.lines
    )
    columns = ("時刻", "こと", "対象", "人", "内容")
    return [Heading("6. 経過と決定"), Table(columns, (3, 3, 4, 2, 8), rows)]
