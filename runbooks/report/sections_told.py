"""The report's topics as blocks: estimates, announcements, damage, late entries, the story. Pure."""

from __future__ import annotations

from runbooks.damageitems import SYMBOLS, item
from runbooks.paper.sheet import Block, Note, Table
from runbooks.report.acts import LateRow
from runbooks.report.beside import broken
from runbooks.report.sections import Section, table
from runbooks.report.whole import Report
from runbooks.report.words import NONE, at, long, said, signed, some, who, word


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
            line.subject.removeprefix(report.incident.id).strip() or NONE,
            who(line.by),
            line.text or NONE,
        )
        for line in report.lines
    )
    columns = ("時刻", "こと", "対象", "人", "内容")
    return table("chronology", columns, (3, 3, 4, 2, 8), rows)
