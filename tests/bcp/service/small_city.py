"""One system with everything hanging on it, and the command line over it: with a daemon or alone."""

from __future__ import annotations

import io
import json
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bcp.service.cli import main
from tests.service_process import Service

SECRET = "only-for-this-test-7f3a"
PLAN = """organization: {{name: 試験市}}
node: {{id: town, zone: インターネット接続系, host_roots: ["{root}"]}}
roles: [{{id: joho, name: 情報担当, succession: [p1]}}]
people: [{{id: p1, name: 佐藤}}]
systems:
  - id: juki
    name: 住民記録
    zone: インターネット接続系
    owner_role: joho
    targets: [{{level: L1, name: 照会, rto_disaster: 4h, hold: 1s,
      proven_by: [juki/seen]}}]
services: [{{id: jumin, name: 住民票の交付, needs: [{{system: juki, level: L1}}]}}]
checks:
  - {{id: juki/seen, kind: observed, system: juki, function: 照会, counter: 窓口, valid_for: 1h,
     every: 1s, timeout: 1s}}
  - {{id: juki/files, kind: host_files, system: juki, every: 1h,
     places: [{{path: "{root}/password", holds: password_file}}]}}
backups:
  - id: juki
    kind: restic
    system: juki
    sources: ["{root}/source"]
    every: null
    repositories: [{{id: main, location: "{root}/repository", password_file: "{root}/password"}}]
  - {{id: gov, kind: attested, system: juki, provider: 事業者A}}
"""
BOOK = """apiVersion: ict-bcp/v1
kind: Runbook
id: juki-fukkyu
version: "1"
title: 住民記録を戻す
purpose: recover
system: juki
owner_role: joho
steps:
  - {id: J-1, type: action, title: 機器を見る, detail: [見る]}
  - {id: J-2, type: action, title: 戻す, detail: [戻す]}
"""


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """`--json`: one document and nothing else on stdout."""
        return json.loads(self.out)


@dataclass
class City:
    """Folders, and the service when it runs."""

    root: Path
    service: Service | None = None

    @classmethod
    def make(cls, root: Path) -> City:
        """Plan, source and an empty repository."""
        (root / "source").mkdir()
        (root / "source" / "台帳.txt").write_text("住民\n")
        password = root / "password"
        password.write_text(f"{SECRET}\n")
        password.chmod(0o600)
        restic = ["restic", "init", "-r", f"{root}/repository", "--password-file", str(password)]
        subprocess.run(restic, check=True, capture_output=True)
        (root / "plan").mkdir()
        (root / "plan" / "plan.yaml").write_text(PLAN.format(root=root))
        (root / "plan" / "book.yaml").write_text(BOOK)
        return cls(root)

    @property
    def plan(self) -> Path:
        return self.root / "plan"

    @property
    def data(self) -> Path:
        return self.root / "data"

    def start(self) -> None:
        """Run the daemon."""
        self.service = Service.over(self.plan, self.data)
        self.service.start()

    def stop(self) -> None:
        if self.service is not None:
            assert self.service.stop() == 0
            assert SECRET not in self.service.said()
            self.service = None

    def type(self, *words: object) -> Said:
        """A command as typed, without a terminal."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main([str(word) for word in words])
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
        said = Said(code, out.getvalue(), err.getvalue())
        assert SECRET not in said.out + said.err
        assert "Traceback" not in said.err, said.err
        return said

    def __call__(self, *words: object) -> Said:
        """The same with `--data`."""
        return self.type(*words, "--data", self.data)
