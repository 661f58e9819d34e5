"""Draws the rooms of the package from its imports: ``python docs/draw_rooms.py > docs/rooms.svg``.

One floor a room, the front door on top, in the order of the import contract in ``pyproject.toml``; a line on the right
leads from a room to one that it imports from, as wide as it has imports.
"""

import html
import math
import sys
import tomllib
from collections import Counter
from pathlib import Path

import grimp

PACKAGE = "tmva_bench"
ROOT = Path(__file__).parents[1]
# Shims of earlier names, which are no rooms.
SHIMS = ("config", "child")
LEFT, WIDTH, HEIGHT, GAP, RIGHT = 20, 520, 80, 14, 330


def order() -> list[str]:
    """The rooms from the front door down."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = [one["layers"] for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    return [name for layer in layers for name in layer.split(" | ") if name not in SHIMS]


def imports() -> tuple[dict[str, list[str]], Counter[tuple[str, str]]]:
    """The modules of each room, and how many imports lead from one room to another."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    modules: dict[str, list[str]] = {room: [] for room in order()}
    for module in sorted(graph.modules):
        _, _, inside = module.partition(".")
        room, _, name = inside.partition(".")
        if room in modules and name:
            modules[room].append(name)
    counts: Counter[tuple[str, str]] = Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = tuple(name.split(".")[1] for name in (module, imported) if "." in name)
            if len(pair) == 2 and pair[0] != pair[1] and set(pair) <= set(modules):
                counts[pair[0], pair[1]] += 1
    return modules, counts


def _lines(names: list[str], longest: int = 92) -> list[str]:
    """The names of modules in lines."""
    lines = [""]
    for name in names:
        text = f"{lines[-1]}, {name}" if lines[-1] else name
        if len(text) > longest:
            lines.append(name)
        else:
            lines[-1] = text
    return lines


def drawing() -> str:
    """The drawing as SVG."""
    modules, counts = imports()
    rooms = order()
    top = {room: 20 + n * (HEIGHT + GAP) for n, room in enumerate(rooms)}
    height = 20 + len(rooms) * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
        'font-family="sans-serif">',
        f'<rect width="{LEFT + WIDTH + RIGHT}" height="{height}" fill="#ffffff"/>',
    ]
    edge = LEFT + WIDTH
    for (room, imported), number in sorted(counts.items()):
        start, end = top[room] + HEIGHT * 0.62, top[imported] + HEIGHT * 0.38
        reach = edge + 30 + 26 * abs(rooms.index(imported) - rooms.index(room))
        colour = "#0072b2" if end > start else "#d55e00"
        parts.append(
            f'<path d="M{edge} {start:.0f} C{reach} {start:.0f} {reach} {end:.0f} {edge + 7} {end:.0f}" fill="none" '
            f'stroke="{colour}" stroke-opacity="0.55" stroke-width="{math.sqrt(number):.1f}"><title>{room} imports '
            f"from {imported}: {number}</title></path>"
        )
        parts.append(f'<path d="M{edge} {end:.0f} l7 -3.5 v7 z" fill="{colour}"/>')
    for room in rooms:
        y = top[room]
        parts.append(
            f'<rect x="{LEFT}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="4" fill="#f4f6f8" stroke="#44546a"/>'
        )
        name = f"{room}/" if modules[room] else room
        parts.append(f'<text x="{LEFT + 10}" y="{y + 18}" font-size="14" font-weight="bold">{name}</text>')
        for n, line in enumerate(_lines(modules[room]) if modules[room] else []):
            parts.append(
                f'<text x="{LEFT + 10}" y="{y + 33 + 13 * n}" font-size="10.5" fill="#333333">'
                f"{html.escape(line)}</text>"
            )
    return "\n".join([*parts, "</svg>"])


if __name__ == "__main__":
    sys.stdout.write(f"{drawing()}\n")
