"""The dependency graph: what is down, and what it takes with it.

Layers from the top: what is needed stands above what needs it (longest path). Three boxes to a row,
so that it is readable on a telephone; arrows run downwards. A box that is down has a heavy frame,
one that is taken along a hatched one; the words inside say the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bcp.kit.language import Lang, text
from bcp.service.pages.pictures.svg import Picture, cut, element, number, words

Kind = Literal["system", "service"]

_COLUMNS, _WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 3, 108, 36, 8, 22
_LIMIT = 30


@dataclass(frozen=True, slots=True)
class Node:
    """A system or service: how it stands, whether it is taken along by something it needs."""

    id: str
    name: str
    state: str
    """`ok degraded failed unknown planned unwatched`."""
    hit: bool = False
    """Not down itself, but something it needs is."""
    kind: Kind = "system"
    focus: bool = False


def downstream(down: Collection[str], needs: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Everything that hangs on one of `down`, directly or not (without `down` itself)."""
    hit: set[str] = set()
    grown = True
    while grown:
        more = {
            id
            for id, wanted in needs.items()
            if id not in hit and any(other in down or other in hit for other in wanted)
        }
        hit |= more
        grown = bool(more)
    return frozenset(hit - set(down))


def around(focus: str, needs: Mapping[str, Collection[str]]) -> frozenset[str]:
    """What the one needs, directly or not, and what needs it directly."""
    above: set[str] = set()
    stack = [focus]
    while stack:
        for other in needs.get(stack.pop(), ()):
            if other not in above:
                above.add(other)
                stack.append(other)
    below = {id for id, wanted in needs.items() if focus in wanted}
    return frozenset(above | below | {focus})


def reduced(ids: Collection[str], needs: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Only the arrows that say something new: what is needed through another is left out."""
    reach: dict[str, set[str]] = {}

    def above(id: str, seen: frozenset[str]) -> set[str]:
        if id not in reach:
            found: set[str] = set()
            for other in needs.get(id, ()):
                if other in ids and other not in seen:
                    found |= {other} | above(other, seen | {id})
            reach[id] = found
        return reach[id]

    direct = {id: [o for o in needs.get(id, ()) if o in ids and o != id] for id in ids}
    return {
        id: [o for o in wanted if not any(o in above(p, frozenset({id})) for p in wanted if p != o)]
        for id, wanted in direct.items()
    }


def layers(ids: Sequence[str], needs: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Rows by longest path from above; a circle (refused by the loader) ends in the last row."""
    level: dict[str, int] = {}
    left = list(ids)
    while left:
        ready = [
            id for id in left if all(o in level or o not in ids for o in needs.get(id, ()))
        ] or left
        for id in ready:
            above = [level[o] for o in needs.get(id, ()) if o in level]
            level[id] = max(above, default=-1) + 1
        left = [id for id in left if id not in level]
    rows: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for id in ids:
        rows[level[id]].append(id)
    return rows


def graph(
    nodes: Sequence[Node], needs: Mapping[str, Collection[str]], lang: Lang = "ja", base: str = ""
) -> Picture:
    """Nodes and arrows; `needs[a]` are the ids that a needs. At most 30 boxes are drawn."""
    known = {node.id: node for node in nodes[:_LIMIT]}
    places: dict[str, tuple[float, float]] = {}
    y = 2.0
    for row in layers(list(known), needs):
        for start in range(0, len(row), _COLUMNS):
            line = row[start : start + _COLUMNS]
            inset = (_COLUMNS - len(line)) * (_WIDTH + _GAP_X) / 2
            for column, id in enumerate(line):
                places[id] = (2 + inset + column * (_WIDTH + _GAP_X), y)
            y += _HEIGHT + (_GAP_Y if start + _COLUMNS >= len(row) else 6)
    arrows = [
        _arrow(places[other], places[id], heavy=known[other].state == "failed" or known[other].hit)
        for id, wanted in reduced(known, needs).items()
        for other in wanted
    ]
    boxes = [_box(known[id], place, lang, base) for id, place in places.items()]
    width, height = _COLUMNS * (_WIDTH + _GAP_X) - _GAP_X + 4, max(y - _GAP_Y + 4, 8)
    twin, lines = _twin(known, needs, lang)
    if len(nodes) > _LIMIT:
        twin += text("pages.graph_more", count=len(nodes) - _LIMIT).pick(lang)
    svg = element(
        "svg",
        "".join(arrows) + "".join(boxes),
        role="group",  # not an image: the boxes are links
        aria_label=twin,
        class_="graph",
        viewBox=f"0 0 {width} {number(height)}",
    )
    return Picture(svg, twin, lines)


def _arrow(start: tuple[float, float], end: tuple[float, float], *, heavy: bool) -> str:
    x1, y1 = start[0] + _WIDTH / 2, start[1] + _HEIGHT
    x2, y2 = end[0] + _WIDTH / 2, end[1] - 1
    bend = (y1 + y2) / 2
    d = (
        f"M{number(x1)} {number(y1)}C{number(x1)} {number(bend)} {number(x2)} {number(bend)} "
        f"{number(x2)} {number(y2)}m-3 -5l3 5l3 -5"
    )
    return element("path", class_="e hit" if heavy else "e", d=d)


def _box(node: Node, place: tuple[float, float], lang: Lang, base: str) -> str:
    x, y = place
    looks = f"n {node.state}" + (" hit" if node.hit else "") + (" focus" if node.focus else "")
    state = text(f"pages.state_{node.state}").pick(lang)
    shape = text(f"pages.shape_{node.state}").pick(lang)
    second = text("pages.graph_hit").pick(lang) if node.hit and node.state != "failed" else state
    corner = 0 if node.kind == "system" else 9
    inside = (
        element("rect", class_=looks, x=x, y=y, width=_WIDTH, height=_HEIGHT, rx=corner)
        + words(cut(node.name, 15), x=x + 6, y=y + 14)
        + words(f"{shape} {second}", x=x + 6, y=y + 29, class_=f"w {node.state}")
    )
    place_on = "systems" if node.kind == "system" else "services"
    return element(
        "a", inside, href=f"{base}/{place_on}/{node.id}", aria_label=f"{node.name} {second}"
    )


def _twin(
    known: Mapping[str, Node], needs: Mapping[str, Collection[str]], lang: Lang
) -> tuple[str, tuple[str, ...]]:
    comma = "、" if lang == "ja" else ", "
    down = [node.name for node in known.values() if node.state == "failed"]
    hit = [node.name for node in known.values() if node.hit and node.state != "failed"]
    none = text("pages.nothing").pick(lang)
    twin = text(
        "pages.graph_twin", down=comma.join(down) or none, hit=comma.join(hit) or none
    ).pick(lang)
    lines = tuple(
        text(
            "pages.graph_line",
            name=known[id].name,
            needs=comma.join(known[o].name for o in needs.get(id, ()) if o in known) or none,
        ).pick(lang)
        for id in known
    )
    return twin, lines
