"""Kind `host_files`: are keys, dumps, backups and account files of this host closed to others."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import PurePosixPath
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from bcp.kit.language import Text
from bcp.plan.types import Duration, Model, Zone
from bcp.watch.check import Check, Env, Fact
from bcp.watch.values import Outcome, Pillar
from probes.confidentiality.catalogue import Judge, summary
from probes.confidentiality.host_demands import Holds
from probes.confidentiality.host_rules import Survey
from probes.confidentiality.severity import Classification


class Place(Model):
    """A file or folder and what it holds."""

    path: str
    holds: Holds
    owners: tuple[str, ...] = ()
    """Users who may own it; empty: anybody (root for sudoers and shadow)."""
    groups: tuple[str, ...] = ()
    """Groups that may have access."""
    optional: bool = False
    """Its absence is no matter (not_applicable); else absent is not_checked."""

    @field_validator("path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not PurePosixPath(value).is_absolute() or "\0" in value:
            raise ValueError("絶対パスで書く / write an absolute path")
        return value


class HostFilesCheck(Check):
    """Reads modes, owners and POSIX ACLs of sensitive files of this host, never their content."""

    pillar: ClassVar[Pillar] = Pillar.CONFIDENTIALITY
    title: ClassVar[Text] = Text(
        "鍵・書き出し・バックアップ等のファイル権限", "Permissions of keys, dumps, backups"
    )
    reach: ClassVar[Literal["network", "host", "person"]] = "host"
    weight: ClassVar[str] = "heavy"
    facts: ClassVar[Mapping[str, Fact]] = {
        "fail": Fact("", Text("指摘の数", "findings")),
        "pass": Fact("", Text("問題なしの数", "passes")),
        "not_checked": Fact("", Text("確認できなかった数", "not checked")),
        "entries": Fact("", Text("見たファイルの数", "files and folders looked at")),
    }

    kind: Literal["host_files"] = "host_files"
    places: tuple[Place, ...] = Field(min_length=1, max_length=200)
    max_entries: int = Field(20_000, ge=1, le=200_000)
    """Files and folders looked at in one run, over all places."""
    classification: Classification | None = None
    zone: Zone | None = None
    every: Duration = timedelta(hours=1)
    timeout: Duration = timedelta(seconds=60)

    @property
    def target(self) -> str:
        return self.id

    async def run(self, env: Env) -> Outcome:
        stop = threading.Event()
        survey = Survey(
            env.host, Judge(self.classification, self.zone), self.max_entries, stop.is_set
        )
        try:
            return await env.workers.thread(self._survey, survey)
        finally:
            stop.set()  # the caller gave up: the thread ends at its next file

    def _survey(self, survey: Survey) -> Outcome:
        for place in self.places:
            survey.place(place)
        survey.secrets_beside_backups(self.places)
        found = summary(self.name or self.id, survey.findings)
        facts = {**found.facts, "entries": survey.seen}
        return Outcome(found.status, found.sentence, facts, found.findings, survey.evidence)
