"""The catalogue of texts: both languages, no word missing, no word left over, no place unfilled."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from bcp.kit.errors import BcpError
from bcp.kit.language import catalogue, read_page

ROOT = Path(__file__).parents[3]
ROOMS = ("bcp", "probes", "backups", "runbooks")
_JINJA = re.compile(r"\{[{%](.*?)[%}]\}", re.DOTALL)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


@cache
def nodes() -> tuple[ast.AST, ...]:
    """Calls, strings and names of classes in every file: each is walked once."""
    files = (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    wanted = (ast.Call, ast.Constant, ast.ClassDef, ast.JoinedStr)
    return tuple(
        node
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, wanted)
    )


@cache
def templates() -> tuple[str, ...]:
    """What stands between the braces of every template."""
    pages = sorted((ROOT / "bcp/service/pages/templates").glob("*.html"))
    return tuple(
        part for page in pages for part in _JINJA.findall(page.read_text(encoding="utf-8"))
    )


def calls(name: str) -> Iterator[ast.expr]:
    """The first argument of every call of `name(…)`."""
    for node in nodes():
        if (
            isinstance(node, ast.Call)
            and node.args
            and isinstance(node.func, ast.Name | ast.Attribute)
            and (node.func.id if isinstance(node.func, ast.Name) else node.func.attr) == name
        ):
            yield node.args[0]


def asked() -> set[str]:
    """Keys asked for by their whole name."""
    found = {
        node.value
        for node in calls("text")
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value
    }
    found |= {
        f"pages.{node.value}"
        for node in calls("t")
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for part in templates():
        found |= {f"pages.{key}" for key in re.findall(r"\bt\('([a-z_0-9]+)'[,)]", part)}
        found |= set(re.findall(r"\bword\('([a-z]+\.[A-Za-z_0-9]+)'[,)]", part))
    return found


@cache
def literals() -> frozenset[str]:
    """Every string written in code or template: a key may be put together from it."""
    found = {
        node.value
        for node in nodes()
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found |= {a or b for part in templates() for a, b in _QUOTED.findall(part)}
    # names that travel as fields and enum members travel as words of a key too
    found |= {node.name for node in nodes() if isinstance(node, ast.ClassDef)}
    return frozenset(found)


@cache
def shapes() -> tuple[re.Pattern[str], ...]:
    """Keys put together with an f-string or `~`, as patterns: `pages.state_{…}`."""
    found = set()
    for node in nodes():
        if isinstance(node, ast.JoinedStr):
            parts = [
                re.escape(str(value.value)) if isinstance(value, ast.Constant) else ".+"
                for value in node.values
            ]
            found.add("".join(parts))
    words = (node.value for node in calls("_word") if isinstance(node, ast.Constant))
    found |= {rf"runbooks\.{word!s}_.+" for word in words}
    for part in templates():
        found |= {re.escape(name) + ".+" for name in re.findall(r"'([a-z_.]+_)' ~", part)}
    return tuple(re.compile(shape) for shape in found if len(shape.replace(".+", "")) >= 4)


def is_used(key: str) -> bool:
    """By its name, by the part after the page, or by a shape that says more than the page."""
    page, _, rest = key.partition(".")
    words = literals()
    if key in words or rest in words:
        return True
    for shape in shapes():
        if shape.pattern.startswith(re.escape(f"{page}.") + ".+"):
            continue  # `pages.{key}`: fits everything, says nothing
        if shape.fullmatch(key) or shape.fullmatch(rest):
            return True
    return False


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_key_asked_for_by_name_is_in_the_catalogue() -> None:
    wanted = asked()
    assert len(wanted) > 200  # the search itself works
    assert sorted(wanted - set(catalogue())) == []


def test_no_key_of_the_catalogue_is_left_over() -> None:
    assert [key for key in catalogue() if not is_used(key)] == []


def test_every_text_is_there_in_both_languages() -> None:
    empty = [key for key, text in catalogue().items() if not (text.ja.strip() and text.en.strip())]
    assert empty == []
    # names of the practice city stay Japanese
    mixed = [key for key, text in catalogue().items() if re.search(r"[ぁ-んァ-ヶ]", text.en)]
    assert [key for key in mixed if not key.startswith("demo.")] == []


def test_every_place_of_a_text_asked_for_by_name_is_filled() -> None:
    looked = 0
    for node in nodes():
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
            continue
        key, given = node.args[0], {word.arg for word in node.keywords}
        if node.func.id != "text" or not isinstance(key, ast.Constant) or None in given:
            continue
        said = catalogue().get(str(key.value))
        if said is not None and given:  # without values the template itself is wanted
            looked += 1
            assert places(said.ja) | places(said.en) <= given, f"{key.value!s}: {given}"
    assert looked > 15


@pytest.mark.parametrize(
    "content",
    ["key: [だけ]", "key: 文", "key: [a, b, c]", "key: [a, 1]", "- a", "key: [a, b", "key: [1, b]"],
)
def test_an_entry_that_is_no_pair_is_told_with_its_file(tmp_path: Path, content: str) -> None:
    file = tmp_path / "room.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(BcpError) as told:
        read_page(file)
    assert "room.yaml" in str(told.value)


def test_a_key_written_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "room.yaml"
    file.write_text("key: [一, one]\nkey: [二, two]\n", encoding="utf-8")
    with pytest.raises(BcpError, match="key"):
        read_page(file)
