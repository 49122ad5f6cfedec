"""What every kind of check promises, whatever it looks at.

A room's test subclasses `CheckSuite` and gives a `case` fixture for each of its kinds: fields of a
good, a dead and a hung target and an `Env`. Nothing here knows a kind by name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bcp.watch.check import Check, Env
from bcp.watch.registry import kind_of
from bcp.watch.values import FindingResult, Outcome, Status

Fields = Mapping[str, Any]

_PATIENCE = 60.0
"""Seconds until a check that does not end by itself is given up, on a busy machine too."""


@dataclass(frozen=True)
class Case:
    """One kind with targets to look at. A kind without a dead or hung target says None."""

    kind: type[Check]
    env: Env
    good: Fields
    dead: Fields | None = None
    hung: Fields | None = None
    secrets: tuple[str, ...] = field(default=())
    """Words the good target says or holds which must never come out."""

    def check(self, fields: Fields, **more: Any) -> Check:
        """The check as the plan would make it."""
        return self.kind.model_validate(
            {"id": "suite/x", "kind": kind_of(self.kind), **fields, **more}
        )

    async def look(self, fields: Fields, **more: Any) -> Outcome:
        """One run."""
        return await self.check(fields, **more).run(self.env)


def _open_files() -> set[str]:
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{link.name} {link.readlink()}")
        except OSError:
            continue
    return found


def _children() -> set[str]:
    files = Path("/proc/self/task").glob("*/children")
    return {child for file in files for child in file.read_text().split()}


class _Leftovers:
    """What this process holds, before and after."""

    def __init__(self) -> None:
        self._files, self._children = _open_files(), _children()

    async def none(self) -> None:
        """Wait a moment for closing to finish, then demand that nothing is left."""
        for _turn in range(40):
            files, children = _open_files() - self._files, _children() - self._children
            # The other end of a loopback connection lives in this process, too, and a socket the
            # test server just accepted closes a turn later.
            if not files and not children:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"left open: {sorted(files)}, children {sorted(children)}")


class CheckSuite:
    """Promises of a kind. Subclasses provide the fixture `case`."""

    def test_its_title_stands_in_both_languages(self, case: Case) -> None:
        assert case.kind.title.ja
        assert case.kind.title.en.isascii()
        assert case.kind.title.en

    def test_its_docstring_is_one_sentence(self, case: Case) -> None:
        text = (case.kind.__doc__ or "").strip()

        assert text.endswith(".")
        assert "\n" not in text
        assert ". " not in text

    def test_its_facts_have_units_and_both_languages(self, case: Case) -> None:
        for name, fact in case.kind.facts.items():
            assert name.islower()
            assert fact.text.ja, name
            assert fact.text.en, name

    def test_it_is_frozen_and_refuses_unknown_fields(self, case: Case) -> None:
        check = case.check(case.good)

        with pytest.raises(ValidationError):
            setattr(check, "id", "other")  # noqa: B010
        with pytest.raises(ValidationError):
            case.check(case.good, no_such_field=1)

    def test_its_fields_survive_json(self, case: Case) -> None:
        check = case.check(case.good)

        again = type(check).model_validate_json(check.model_dump_json(by_alias=True), strict=True)

        assert again == check

    def test_its_schema_names_every_field(self, case: Case) -> None:
        schema = case.kind.model_json_schema()

        names = {f.alias or name for name, f in case.kind.model_fields.items()}
        assert set(schema["properties"]) == names
        assert schema["additionalProperties"] is False

    def test_it_says_which_host_it_contacts(self, case: Case) -> None:
        check = case.check(case.good)

        assert check.target
        assert (check.endpoint_host is not None) == (case.kind.reach == "network")

    async def test_a_good_target_has_a_sentence_in_both_languages(self, case: Case) -> None:
        outcome = await case.look(case.good)

        assert outcome.sentence.ja
        assert outcome.sentence.en
        _keeps_its_word(case, outcome)

    async def test_no_secret_comes_out(self, case: Case) -> None:
        outcome = await case.look(case.good)

        for secret in case.secrets:
            assert secret not in repr(outcome)

    async def test_a_good_run_leaves_nothing_open(self, case: Case) -> None:
        await case.look(case.good)  # warm: contexts, worker threads
        left = _Leftovers()

        await case.look(case.good)

        await left.none()

    async def test_a_dead_target_is_failed_or_unknown_within_the_timeout(self, case: Case) -> None:
        if case.dead is None:
            pytest.skip("this kind has no dead target")
        left = _Leftovers()

        async with asyncio.timeout(_PATIENCE):
            outcome = await case.look(case.dead, timeout="2s")

        assert outcome.status in (Status.FAILED, Status.UNKNOWN)
        assert all(f.result is not FindingResult.PASS for f in outcome.findings)
        _keeps_its_word(case, outcome)
        await left.none()

    async def test_a_hung_target_is_told_within_the_timeout(self, case: Case) -> None:
        if case.hung is None:
            pytest.skip("this kind cannot hang")
        left = _Leftovers()

        async with asyncio.timeout(_PATIENCE):
            outcome = await case.look(case.hung, timeout="2s")

        assert outcome.status in (Status.FAILED, Status.UNKNOWN)
        _keeps_its_word(case, outcome)
        await left.none()

    async def test_a_hung_target_honours_the_callers_deadline(self, case: Case) -> None:
        if case.hung is None:
            pytest.skip("this kind cannot hang")
        left, ours = _Leftovers(), asyncio.timeout(0.2)

        with pytest.raises(TimeoutError):
            async with ours:
                await case.look(case.hung, timeout="10m", every="20m")

        assert ours.expired(), "the caller's deadline ended it, not the check's own"
        await left.none()

    async def test_a_cancelled_run_leaves_nothing(self, case: Case) -> None:
        if case.hung is None:
            pytest.skip("this kind cannot hang")
        left = _Leftovers()
        async with asyncio.TaskGroup() as group:
            run = group.create_task(case.look(case.hung, timeout="30s", every="60s"))
            await asyncio.sleep(0.1)
            run.cancel()

        assert run.cancelled()
        await left.none()


def _keeps_its_word(case: Case, outcome: Outcome) -> None:
    """Only declared facts, of plain types; findings with texts."""
    undeclared = set(outcome.facts) - set(case.kind.facts)
    assert not undeclared, f"undeclared facts {undeclared}"
    assert all(isinstance(value, int | float | str | bool) for value in outcome.facts.values())
    assert all(finding.title.ja and finding.remedy.ja for finding in outcome.findings)
    assert all("\n" not in line for line in outcome.evidence)
