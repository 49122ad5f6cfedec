"""The report's topics as blocks: contradictions, decisions, gates, acts, the frame. Pure."""

from __future__ import annotations

from runbooks.report.acts import PartRow
from runbooks.report.decided import DecisionRow, Known
from runbooks.report.sections import Section, table
from runbooks.report.whole import Report
from runbooks.report.words import NONE, at, said, some, who, word


def contradictions(report: Report) -> Section:
    """Both ways, with times."""
    rows = (
        (
            row.subject,
            said(f"way_{row.way}"),
            row.check or NONE,
            at(row.since),
            at(row.until) if row.until is not None else said("to_the_end"),
        )
        for row in report.contradictions
    )
    columns = ("手順・水準", "食い違い", "監視", "から", "まで")
    return table("contradictions", columns, (3, 5, 4, 3, 3), rows)


def decisions(report: Report) -> Section:
    """With what was known then."""
    rows = (_decision(report, row) for row in report.decisions)
    columns = ("時刻", "決定", "人(承認)", "理由・内容", "そのとき分かっていたこと")
    return table("decisions", columns, (3, 4, 3, 6, 8), rows)


def _decision(report: Report, row: DecisionRow) -> tuple[str, ...]:
    when = at(row.at) + (f"({said('late')} {at(row.recorded_at)})" if row.late else "")
    subject = "" if row.subject == report.incident.id else row.subject
    choice = "" if row.choice == "free" else row.choice
    if row.kind in ("declared", "level_changed"):
        choice = said("part_level", level=report.level_name(int(row.choice)))
    what = " ".join(part for part in (word("kindword", row.kind), subject, choice) if part)
    return (
        f"{when} #{row.seq}",
        what,
        who(row.by) + (f"({who(row.approved_by)})" if row.approved_by else ""),
        row.words or NONE,
        _known(report, row.known),
    )


def _known(report: Report, known: Known) -> str:
    if known.upto < 0 and not known.red:
        return said("known_none")
    names = {row.system: row.name for row in report.goals.systems}
    names |= {row.target.service: row.target.name for row in report.goals.services}
    told = (
        said(
            "estimate",
            name=names.get(one.id, one.id),
            eta=at(one.eta) if one.eta is not None else said("no_eta"),
            source=said(f"source_{one.source}"),
        )
        for one in known.estimates
    )
    return said("known", red=some(known.red), held=some(known.held), estimates=some(told, 3))


def gates(report: Report) -> Section:
    """Met with evidence or in words, or closed by decision with its reason."""
    rows = []
    for gate in report.gates:
        closing = gate.closing
        if closing is None:
            state = said("gate_open" if gate.open else "gate_done")
            proof = ""
        else:
            key = "gate_met" if closing.met else "gate_decided"
            state = said(key, at=at(closing.at), by=who(closing.by))
            proof = _proof(report.gate_proof[gate.id]) if closing.met else ""
        holds = closing.holds if closing is not None else gate.holds
        holds = () if gate.id == "ratification" else holds  # one question, no list
        reason = " ".join(part for part in (proof, report.gate_words.get(gate.id, "")) if part)
        rows.append((word("gate", gate.id), state, some(holds), reason or NONE))
    return table("gates", ("条件", "状態", "残り", "証拠・理由"), (4, 5, 4, 5), rows)


def _proof(given: str) -> str:
    if given == "shown":
        return said("by_ground")
    return said("by_check", check=given) if given else said("by_word")


def alone(report: Report) -> Section:
    """Single-handed acts and who looked at them afterwards."""
    rows = (
        (
            at(row.at),
            word("kindword", row.kind),
            row.subject,
            who(row.by),
            row.reason or NONE,
            said("signed", by=who(row.signed_by), at=at(row.signed_at))
            if row.signed_at is not None
            else said("owed" if row.owed else "not_owed"),
        )
        for row in report.alone
    )
    columns = ("時刻", "こと", "対象", "人", "理由", "事後確認")
    return table("alone", columns, (3, 3, 4, 2, 6, 4), rows)


def changes(report: Report) -> Section:
    """Emergency changes: end, approval, return."""
    rows = []
    for one in report.incident.changes.values():
        approved = said("with_plan") if one.step is not None else who(one.approved_by or "")
        back = said("still_open")
        if one.closed_at is not None:
            how = said(f"how_{one.how or 'seen'}")
            back = f"{at(one.closed_at)} {who(one.closed_by or '')} {how}"
        more = f"({said('extended', count=one.extended)})" if one.extended else ""
        rows.append(
            (
                one.id,
                at(one.since),
                who(one.by),
                approved,
                at(one.expires_at) + more,
                back,
                report.change_words.get(one.id, NONE),
            )
        )
    columns = ("変更", "から", "人", "承認", "期限", "戻した", "内容")
    return table("changes", columns, (3, 3, 2, 3, 3, 5, 6), rows)


def runs(report: Report) -> Section:
    """Automation with its result."""
    rows = []
    for one in report.incident.automations.values():
        end = NONE
        if one.exit is not None or one.seconds is not None:
            end = said("exit", exit=one.exit if one.exit is not None else NONE, seconds=one.seconds)
        rows.append(
            (
                one.id,
                one.step,
                one.action,
                f"{at(one.requested_at)} {who(one.requested_by)}",
                who(one.confirmed_by or "", one.countersigned_by or ""),
                word("run", one.state.value),
                end,
                report.run_words.get(one.id, NONE),
            )
        )
    columns = ("実行", "手順", "名前", "申請", "確認", "結果", "終了", "記録")
    return table("runs", columns, (2, 3, 3, 4, 3, 3, 3, 5), rows)


def hands(report: Report) -> Section:
    """引継ぎ."""
    rows = (
        (
            at(row.offered_at),
            who(row.by),
            who(row.to),
            at(row.at),
            said(f"how_{row.how}"),
            row.words or NONE,
        )
        for row in report.hand_overs
    )
    columns = ("申し出", "渡した人", "受けた人", "指揮が移った", "確認", "内容")
    return table("hands", columns, (3, 3, 3, 3, 3, 6), rows)


def frame(report: Report) -> Section:
    """Onset, level, scope and parts as they were stated."""
    rows = (
        (
            at(row.at),
            word("kindword", row.kind),
            _stated(report, row),
            who(row.by),
            row.words or NONE,
        )
        for row in report.parts
    )
    columns = ("時刻", "こと", "内容", "人", "理由")
    return table("frame", columns, (3, 3, 5, 2, 6), rows)


def _stated(report: Report, row: PartRow) -> str:
    told = [said("part_level", level=report.level_name(row.level))] if row.level is not None else []
    told += [at(row.instant)] if row.instant is not None else []
    told += [some(row.named)] if row.named else []
    return "、".join(told) or NONE


def amendments(report: Report) -> Section:
    """差し込み and what was left out: candidates for the next edition."""
    rows = (
        (
            at(one.at),
            said(f"amended_{one.op}"),
            one.runbook,
            one.step,
            who(one.by),
            one.words or NONE,
        )
        for one in report.amendments
    )
    columns = ("時刻", "こと", "手順書", "番号", "人", "内容")
    return table("amendments", columns, (3, 3, 4, 3, 2, 6), rows)
