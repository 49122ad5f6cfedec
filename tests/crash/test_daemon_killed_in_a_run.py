"""SIGKILL of the daemon while an automated act runs: the end is unknown, told, and never run again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.crash.preloaded import PreloadedService
from tests.service_process import Service, wait_for

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]

PLAN = """
organization: {{name: 試験市}}
node: {{id: crash, zone: インターネット接続系}}
roles: [{{id: joho, name: 情報担当, succession: [p1]}}]
people: [{{id: p1, name: 佐藤}}]
systems:
  - id: juki
    name: 住民記録
    zone: インターネット接続系
    owner_role: joho
    targets: [{{level: L1, name: 照会, rto_disaster: 4h}}]
automation:
  - id: long
    title: 長くかかること
    command: [/bin/sh, -c, 'echo $$ >> "{marks}"; exec sleep 300']
    timeout: 10m
    second_person: false
    reversible: true
"""
BOOK = """
apiVersion: ict-bcp/v1
kind: Runbook
id: juki-recover
version: "1"
title: 住民記録を戻す
purpose: recover
system: juki
owner_role: joho
steps:
  - {id: J-01, type: command, title: 長い命令を行う, run: long}
"""


def call(service: Service, path: str, op: str, **body: object) -> dict[str, Any]:
    status, answer = asyncio.run(service.call(f"/api/v1/disaster/{path}", {**body, "op": op}))
    assert status == 200, answer
    return answer


def entries(service: Service, kind: str) -> list[dict[str, Any]]:
    status, answer = asyncio.run(service.call("/api/v1/log/show?last=1000"))
    assert status == 200
    return [entry for entry in answer["entries"] if entry["kind"] == f"incident.{kind}"]


def test_a_run_cut_off_by_a_kill_is_unknown_and_stays_so(tmp_path: Path) -> None:
    marks, plan = tmp_path / "marks", tmp_path / "plan"
    plan.mkdir()
    (plan / "plan.yaml").write_text(PLAN.format(marks=marks), "utf-8")
    (plan / "book.yaml").write_text(BOOK, "utf-8")
    service = PreloadedService.over(plan, tmp_path / "data")
    service.start()
    try:
        call(service, "declare", "declare1", reason="試験", level=3)
        call(service, "run", "request1", act="request", target="J-01")
        wait_for(lambda: marks.exists() and bool(marks.read_text()), 60)
        assert len(entries(service, "run_started")) == 1
        service.kill()
        service.start()
        wait_for(lambda: bool(entries(service, "run_ended")), 60)
        time.sleep(1.5)  # three looks of the machine's hand: it would begin again now, if ever
        (ended,) = entries(service, "run_ended")
        assert ended["detail"]["state"] == "unknown"
        assert len(entries(service, "run_started")) == 1
        assert len(marks.read_text().split()) == 1, "the command was begun once"
        assert service.stop() == 0
    finally:
        if service.process is not None:
            service.kill()
        for pid in marks.read_text().split() if marks.exists() else ():
            with contextlib.suppress(ProcessLookupError):  # an orphan of the killed daemon
                os.kill(int(pid), signal.SIGKILL)
