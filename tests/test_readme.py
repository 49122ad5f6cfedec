"""What the READMEs say is so: tables, commands, files, figures of the store map."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from backups.repository import Repository
from backups.restic.reaching import sftp_place
from bcp.service.cli import parser

NAMES = ("README.md", "README.en.md")
_COMMAND = re.compile(r"^ict-bcp ([a-z-]+)(?: ([a-z-]+))?", re.M)


@pytest.fixture(params=NAMES)
def readme(request: pytest.FixtureRequest, repo_root: Path) -> str:
    name: str = request.param
    return (repo_root / name).read_text(encoding="utf-8")


def test_the_table_of_kinds_is_that_of_the_classes(repo_root: Path) -> None:
    spec = importlib.util.spec_from_file_location("made", repo_root / "scripts/make_readme.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)

    for name, lang in made.READMES.items():
        assert made.kinds_table(lang) in (repo_root / name).read_text(encoding="utf-8")


def test_every_command_shown_exists(readme: str) -> None:
    shown = _COMMAND.findall(readme)
    grammar = parser.build().format_help()

    assert len(shown) >= 6
    for command, _verb in shown:
        assert f"    {command}" in grammar


def test_every_file_named_exists(readme: str, repo_root: Path) -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", readme)
    named = re.findall(r"`((?:config|docs|probes|bcp|runbooks|backups)/[\w./-]*)`", readme)

    missing = [name for name in (*linked, *named) if not (repo_root / name).exists()]
    assert not missing


def test_the_places_shown_for_copies_are_ones_a_plan_may_name(readme: str) -> None:
    (block,) = (b for b in re.findall(r"```yaml\n(.*?)```", readme, re.S) if "repositories:" in b)
    copies = [Repository.model_validate(one) for one in yaml.safe_load(block)["repositories"]]

    assert [one.location.partition(":")[0] for one in copies[1:]] == ["sftp", "rest", "s3"]
    assert copies[0].folder is not None
    assert (place := sftp_place(copies[1].location)) is not None
    assert (place.user, place.host, place.path) == ("backup", "nas.example.jp", "/srv/restic/web")


def test_both_languages_tell_the_same_number_of_things(repo_root: Path) -> None:
    japanese, english = ((repo_root / name).read_text(encoding="utf-8") for name in NAMES)

    for mark in ("\n## ", "\n### ", "\n| ", "```"):
        assert japanese.count(mark) == english.count(mark), mark


def test_the_documents_name_nothing_outside_the_project(repo_root: Path) -> None:
    for path in (*repo_root.glob("*.md"), *repo_root.glob("docs/*.md")):
        text = path.read_text(encoding="utf-8")
        assert "../shared" not in text, path
        assert "/work/" not in text, path
