"""The report's topics as blocks: contradictions, decisions, acts, people's words, the story. Pure."""

from __future__ import annotations

from runbooks.damageitems import SYMBOLS, item
from runbooks.paper.sheet import Block, Note, Table
from runbooks.report.acts import LateRow, PartRow
from runbooks.report.beside import broken
from runbooks.report.decided import DecisionRow, Known
from runbooks.report.sections import Section, table
from runbooks.report.whole import Report
from runbooks.report.words import NONE, at, long, said, signed, some, who, word


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
    what = f"{word('kindword', row.kind)} {row.subject} {row.choice}".strip()
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


def estimates(report: Report) -> Section:
    """Who said when, and how it slipped."""
    rows = (
        (
            row.name,
            at(row.said.said_at),
            f"{said(f'source_{row.said.source}')} {who(row.said.by)}",
            at(row.said.eta) if row.said.eta is not None else said("no_eta"),
            signed(row.slip),
            signed(row.missed),
        )
        for row in report.estimates
    )
    columns = ("対象", "言った時刻", "だれ", "見込み", "前の見込みから", "実際との差")
    return table("estimates", columns, (5, 3, 4, 3, 3, 3), rows)


def announcements(report: Report) -> Section:
    """Promised and actual update."""
    rows = []
    for one in report.announcements:
        over = broken(one, report.end)
        kept = said("no_promise")
        if one.next_update is not None:
            kept = said("late_by", long=long(over)) if over is not None else said("kept")
        if one.withdrawn_at is not None:
            kept = f"{said('withdrawn')} {kept}"
        rows.append(
            (
                f"{one.id} {one.template or ''}".strip(),
                at(one.at),
                said(f"audience_{one.audience}"),
                who(one.by),
                at(one.next_update),
                at(one.kept_at) if one.next_update is not None else NONE,
                kept,
            )
        )
    columns = ("発信", "時刻", "相手", "承認した人", "約束した続報", "実際の続報", "判定")
    return table("announcements", columns, (3, 3, 3, 3, 3, 3, 4), rows)


def damage(report: Report) -> Section:
    """様式11, site by site."""
    rows = []
    for row in report.damage:
        counts = "・".join(f"{SYMBOLS[value]} {count}" for value, count in row.counts)
        bad = (line.ja for id in row.bad if (line := item(id)) is not None)
        passed = f"{said('overridden')} {who(row.overridden_by)}" if row.overridden_by else NONE
        rows.append((row.name, counts, some(bad, 6), f"{at(row.first)}〜{at(row.last)}", passed))
    columns = ("拠点", "数", "使えない・一部", "見た時刻", "電源")
    return table("damage", columns, (4, 4, 6, 4, 4), rows)


def late(report: Report) -> Section:
    """Late entries: count, median delay, list."""
    if not report.late:
        return Section("late", ())
    count = said("late_count", count=len(report.late), median=long(report.late_median))
    columns = ("起きた時刻", "記録した時刻", "遅れ", "こと", "対象", "した人", "入力した人", "方法")
    rows = tuple(map(_late, report.late))
    blocks: tuple[Block, ...] = (Note(count), Table(columns, (3, 3, 2, 3, 3, 3, 3, 3), rows))
    return Section("late", blocks)


def _late(row: LateRow) -> tuple[str, ...]:
    mode = said(f"mode_{row.mode}") if row.mode in ("phone", "paper") else NONE
    return (
        at(row.at),
        at(row.recorded_at),
        long(row.delay),
        word("kindword", row.kind),
        row.subject,
        row.did or NONE,
        who(row.typed_by),
        f"{mode} {row.sheet}".strip(),
    )


def frame(report: Report) -> Section:
    """Onset, level, scope and parts as they were stated."""
    rows = (
        (
            at(row.at),
            word("kindword", row.kind),
            _stated(row),
            who(row.by),
            row.words or NONE,
        )
        for row in report.parts
    )
    columns = ("時刻", "こと", "内容", "人", "理由")
    return table("frame", columns, (3, 3, 5, 2, 6), rows)


def _stated(row: PartRow) -> str:
    told = [said("part_level", level=row.level)] if row.level is not None else []
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


def suggestions(report: Report) -> Section:
    """Of these days, with what was answered."""
    rows = []
    for row in report.suggestions:
        one = row.suggestion
        evidence = (f"{check} {at(since)}" for check, since in one.evidence)
        closed = f" {at(one.closed_at)} {who(one.closed_by or '')}" if one.closed_at else ""
        rows.append(
            (
                at(one.at),
                one.rule,
                some(evidence, 6),
                said(f"suggestion_{one.state}") + closed,
                row.words or NONE,
            )
        )
    columns = ("時刻", "もと", "根拠", "答え", "理由")
    return table("suggestions", columns, (3, 3, 5, 5, 5), rows)


def codes(report: Report) -> Section:
    """Sealed codes opened."""
    rows = (
        (row.id, at(row.at), who(row.by), at(row.replaced_at) if row.replaced_at else NONE)
        for row in report.codes
    )
    return table("codes", ("番号", "使った時刻", "利用者", "替えた時刻"), (3, 3, 3, 3), rows)


def chronology(report: Report) -> Section:
    """経過."""
    rows = (
        (
            at(line.at) + (f"({said('late')})" if line.late else ""),
            word("kindword", line.kind),
            line.subject,
            who(line.by),
            line.text or NONE,
        )
        for line in report.lines
    )
    columns = ("時刻", "こと", "対象", "人", "内容")
    return table("chronology", columns, (3, 3, 4, 2, 8), rows)
