"""A small city, a small book, and a play of commands against the pure machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from bcp.journal.entry import Actor, Entry, NewEntry
from bcp.kit.clock import ClockReading
from bcp.plan.loader import parse_files
from bcp.plan.model import (
    City,
    Dependency,
    Disaster,
    Need,
    Node,
    Organization,
    Person,
    Role,
    Service,
    Site,
    System,
    Target,
    Vendor,
)
from bcp.plan.types import Zone
from runbooks import commands as c
from runbooks.book import Book, load
from runbooks.context import Context
from runbooks.ground import Ground
from runbooks.incident import decide, fold
from runbooks.incidents import Incidents
from runbooks.state import Incident

T0 = datetime(2026, 11, 23, 1, 2, tzinfo=UTC)  # 10:02 JST, a holiday Monday
H = timedelta(hours=1)

JUKI = """
apiVersion: ict-bcp/v1
kind: Runbook
id: juki-recover
title: 住民記録システム 復旧
system: juki
purpose: recover
version: "3.1"
owner_role: infra
preconditions: [system.ad >= L3]
roles: {lead: juki, infra: infra, vendor: "vendor:juki"}
stop: JUKI-03 が失敗したら止めてベンダーに電話する
steps:
  - id: JUKI-01
    title: サーバ室の入室可否を確認する
    type: action
    role: infra
    duration: {p50: 10m, p90: 30m}
    safety: 余震時は入室しない
    on_failure: JUKI-90
  - id: JUKI-02
    title: 復旧に使うバックアップを選ぶ
    type: decision
    role: lead
    question: 最新の検証済みスナップショットを使えるか
    options:
      - {id: latest, label: 最新の検証済み, next: JUKI-03, default: true}
      - {id: older, label: 一つ前, next: JUKI-04, approval: cio}
    evidence: backup.juki.last_verified
  - id: JUKI-03
    title: データベースを戻す
    type: command
    needs: [JUKI-02]
    run: restore-juki
    duration: {p50: 70m, p90: 2h}
    security_change: {cia: C, expires: 4h, what: 管理用ポートを開ける}
  - {id: JUKI-04, title: 一つ前を戻す, type: command, run: restore-juki}
  - id: JUKI-05
    title: 参照業務ができることを確かめる
    type: verify
    needs: [JUKI-03, JUKI-04]
    probe: {id: juki-readonly, hold: 5m}
    attains: L2
    gate: verified
    mandatory: true
    verify_by: lead
  - {id: JUKI-06, title: 窓口に知らせる, type: notify, audience: 窓口}
  - {id: JUKI-90, title: 施設管理者を呼ぶ, type: action, next: JUKI-02}
"""
AD = """
apiVersion: ict-bcp/v1
kind: Runbook
id: ad-recover
title: 認証 復旧
system: ad
purpose: recover
version: "1"
owner_role: infra
steps:
  - {id: AD-01, title: 電源を入れる, type: action, duration: {p50: 20m}}
  - {id: AD-02, title: ログオンできることを確かめる, type: verify, probe: {id: ad-ldap}, attains: L3}
"""
RETURN = """
apiVersion: ict-bcp/v1
kind: Runbook
id: juki-return
title: 切戻し
system: juki
purpose: return
version: "1"
owner_role: infra
steps:
  - {id: RET-01, title: ポートを閉じる, type: action}
"""


@cache
def a_book(*more: str) -> Book:
    """The book of the small city; raises when a runbook is wrong."""
    texts = (JUKI, AD, RETURN, *more)
    source = parse_files({f"{i}.yaml": text.encode() for i, text in enumerate(texts)})
    book, faults = load(source.runbooks)
    assert not source.faults, source.faults
    assert not faults, faults
    return book


def a_city() -> City:
    """Two systems, one service, three roles with two people each."""
    people = tuple(Person(id=f"p{i}", name=f"職員{i}") for i in range(1, 7))
    return City(
        organization=Organization(name="栗原市"),
        sites=(Site(id="honcho", name="本庁舎", kind="headquarters"),),
        roles=(
            Role(id="mayor", name="市長", succession=("p1", "p2")),
            Role(id="cio", name="CIO", succession=("p2", "p3")),
            Role(id="infra", name="情報基盤担当", succession=("p4", "p5")),
            Role(id="juki", name="住民情報担当", succession=("p5", "p6")),
        ),
        people=people,
        services=(
            Service(
                id="certificates",
                name="住民票の交付",
                rto=4 * H,
                rto_disaster=30 * H,
                mtpd=72 * H,
                needs=(Need(system="juki", level="L2"),),
                alternate="手書きの申請書で受け付ける",
            ),
        ),
        systems=(
            System.model_validate(
                {
                    "id": "juki",
                    "name": "住民記録",
                    "class": "S",
                    "zone": Zone.MYNUMBER,
                    "vendor": Vendor(name="ベンダーA", contract_rto=48 * H),
                    "depends_on": (Dependency(system="ad", level="L3"),),
                    "targets": (
                        Target(level="L1", name="紙", rto=2 * H, rto_disaster=3 * H),
                        Target(
                            level="L2",
                            name="参照のみ",
                            rto=4 * H,
                            rto_disaster=24 * H,
                            rpo=24 * H,
                            proven_by=("juki-readonly",),
                            hold=timedelta(minutes=5),
                        ),
                    ),
                }
            ),
            System.model_validate(
                {
                    "id": "ad",
                    "name": "認証",
                    "class": "A",
                    "zone": Zone.LGWAN,
                    "targets": (Target(level="L3", name="縮退", rto=3 * H, rto_disaster=9 * H),),
                }
            ),
        ),
        disaster=Disaster(authority=("mayor", "cio"), envelope="本庁舎2階 金庫"),
        node=Node(zone=Zone.INTERNET),
    )


class Play:
    """Commands, one after another, each at its own time; the log is a list."""

    def __init__(self, stage: str = "real") -> None:
        self.stage, self.city, self.book = stage, a_city(), a_book()
        self.state = Incidents()
        self.entries: list[Entry] = []
        self.texts: dict[int, dict[str, str]] = {}
        self.now = T0 + timedelta(minutes=19)
        self.ground: Ground = {}

    def context(self, by: str = "u-1") -> Context:
        """What a decision sees."""
        actor, plan, frozen = Actor(by, "commander"), "0" * 64, "f" * 64
        return Context(actor, self.stage, self.city, self.book, plan, frozen, ground=self.ground)

    def do(self, command: c.Command, by: str = "u-1") -> list[NewEntry]:
        """Decide, record, fold."""
        new = decide(self.state, command, self.now, self.context(by))
        for item in new:
            seq = len(self.entries) + 1
            made = recorded(item, seq, by, self.now)
            self.entries.append(made)
            self.texts[seq] = dict(item.values)
            self.state = fold(self.state, made)
        return list(new)

    def wait(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    @property
    def incident(self) -> Incident:
        """The last declared event."""
        found = self.state.latest
        assert found is not None
        return found

    def declare(self, by: str = "u-1", **more: object) -> Incident:
        """A real large-scale disaster over everything, unless told otherwise."""
        fields: dict[str, object] = {
            "level": 3,
            "onset": T0,
            "reason": "本庁舎が停電",
            "role": "mayor",
            "drill": None if self.stage == "real" else "tabletop",
            **more,
        }
        self.do(c.Declare(**fields), by)  # type: ignore[arg-type]
        return self.incident


def recorded(new: NewEntry, seq: int, by: str, at: datetime) -> Entry:
    """What the journal makes of a new entry (commitments left out)."""
    reading = ClockReading(0, True, "test-boot", 0, suspect=False)
    return Entry(
        schema=1,
        node="n",
        epoch=1,
        seq=seq,
        op=f"op-{seq}",
        incident=new.incident,
        kind=new.kind,
        occurred_at=new.occurred_at,
        recorded_at=at,
        clock=reading,
        actor=Actor(by, "commander"),
        subject=new.subject,
        detail=new.detail,
        commitments={},
        evidence=new.evidence,
    )
