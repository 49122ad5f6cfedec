"""Finds the kinds of checks of a package by walking it; refuses two with one name.

Walking imports everything: an import error stops the start, loudly, instead of a check being
silently absent. Keep optional heavy imports out of the files of kinds.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import get_args

from bcp.kit.errors import BcpError
from bcp.watch.check import Check


def kind_of(check: type[Check]) -> str | None:
    """The one word in `kind: Literal["..."]`; None for a class that is not a kind."""
    words = get_args(check.model_fields["kind"].annotation)
    return str(words[0]) if len(words) == 1 and not inspect.isabstract(check) else None


def find_kinds(packages: Iterable[ModuleType]) -> Mapping[str, type[Check]]:
    """Every kind defined in the packages, by its name, sorted."""
    kinds: dict[str, type[Check]] = {}
    for package in packages:
        for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            module = importlib.import_module(info.name)
            for value in vars(module).values():
                if not (inspect.isclass(value) and issubclass(value, Check)):
                    continue
                kind = kind_of(value)
                if kind is None or value.__module__ != module.__name__:
                    continue
                if kind in kinds:
                    raise BcpError(
                        f"two kinds of checks are called '{kind}'",
                        where=f"{kinds[kind].__module__} and {module.__name__}",
                    )
                kinds[kind] = value
    return dict(sorted(kinds.items()))
