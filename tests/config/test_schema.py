"""The published JSON Schema finds what the loader finds, and the daemon takes the samples."""

from __future__ import annotations

import json
from datetime import date

import pytest
from jsonschema import Draft202012Validator

from bcp.plan.loader import parse_files
from bcp.service.plan import json_schema, load
from tests.config.plans import CONFIG, sample

FILE = CONFIG / "ict-bcp.schema.json"
SCHEMA = json_schema()
TODAY = date(2026, 11, 23)


def test_the_schema_file_is_what_the_models_say() -> None:
    written = json.loads(FILE.read_text("utf-8"))

    assert written == json.loads(json.dumps(SCHEMA)), "run scripts/make_schema.py"


@pytest.mark.parametrize("name", ["minimal", "kurihara"])
def test_every_sample_file_is_valid_by_the_schema_it_names(name: str) -> None:
    validator = Draft202012Validator(SCHEMA)
    for shown, content in sample(name).source.files.items():
        first = content.decode().splitlines()[0]
        assert (CONFIG / name / first.partition("$schema=")[2]).resolve() == FILE
        data = parse_files({shown: content}).tree.data
        faults = [f"{shown}: {e.json_path}: {e.message[:200]}" for e in validator.iter_errors(data)]
        assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", ["minimal", "kurihara"])
def test_the_daemon_takes_a_sample_and_every_check_may_run(name: str) -> None:
    plan = load(CONFIG / name, TODAY)

    assert plan.checks
    assert plan.blocked == {}


def test_the_daemon_reads_the_three_runbooks_of_the_sample_city() -> None:
    book = load(CONFIG / "kurihara", TODAY).book

    assert {runbook.id for runbook in book} >= {"shodo", "juki-restore", "ransomware-10min"}
