"""Plans of many checks, right ones and wrong ones, for tests and benchmarks."""

from __future__ import annotations

from pathlib import Path

HEAD = """organization: {name: 大きな市}
node: {id: large, zone: インターネット接続系}
"""


def check(number: int, systems: int, host: str, extra: str = "") -> str:
    """One check as YAML; `extra` is put at its end."""
    return (
        f"  - id: s{number % systems}/c{number}\n    kind: tcp\n    system: s{number % systems}\n"
        f"    host: {host}\n    port: 9\n    every: 5m\n{extra}"
    )


def write(
    folder: Path,
    checks: int,
    *,
    systems: int = 100,
    host: str = "127.0.0.1",
    wrong: dict[int, str] | None = None,
    more: str = "",
) -> Path:
    """A plan folder with so many checks; `wrong` adds lines to some of them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        f"  - {{id: s{n}, name: 業務{n}, zone: インターネット接続系}}\n" for n in range(systems)
    ]
    (folder / "systems.yaml").write_text(HEAD + "systems:\n" + "".join(rows) + more)
    lines = (check(n, systems, host, (wrong or {}).get(n, "")) for n in range(checks))
    (folder / "checks.yaml").write_text("checks:\n" + "".join(lines))
    return folder
