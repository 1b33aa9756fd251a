"""A graph as a Python script: readable code that builds it and runs it on songs.

Only names, numbers and texts go into the script, all as literals, so a graph from a stranger cannot put code there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import MappingProxyType

from midistems_graph.document.data import edge_order
from midistems_graph.document.graph import Address, Edge, Graph

INDENT = "    "
LINE = 100

_HEAD = '''#!/usr/bin/env python3
"""{title}

    python {file} song.flac stems

separates a song into files in the folder stems, as run-graph does with the graph that this script was made of.
"""

import sys
from pathlib import Path

from midistems_graph.document.graph import {names}
from midistems_graph.engine.outputs import OutputFolder
from midistems_graph.engine.run import execute, prepare
from midistems_graph.engine.store import DiskStore, default_store_folder
from midistems_graph.node import installed

'''

_TAIL = '''

def separate(song: Path, folder: Path) -> list[Path]:
    """Run the graph on a song; the files that it wrote."""
    library = installed()
    plan, _ = prepare(GRAPH, library, {"song": song}, folder=Path(__file__).parent)
    song_there = plan.bindings.song_name, plan.bindings.song_digest
    outputs = OutputFolder(folder, inputs=[song]).song(*song_there, plan.nodes)
    with DiskStore(default_store_folder()) as store:
        result = execute(GRAPH, plan, library, store=store, outputs=outputs)
    for failure in result.failures:
        print(f"{failure.node}: {failure.message}", file=sys.stderr)
    return [output.path for output in result.outputs]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("name a song and a folder for its stems")
    for path in separate(Path(sys.argv[1]), Path(sys.argv[2])):
        print(path)
'''


def to_script(graph: Graph, file: str = "separate.py") -> str:
    """The script; running it gives the files that `run-graph` gives."""
    used: set[str] = {"Graph"}
    body = _literal(graph, "", used)
    letters = (letter for letter in " ".join(graph.title.split()) if letter.isprintable() and letter not in '\\"')
    plain = "".join(letters) or "A cascade of separations."
    names = ", ".join(sorted(used))
    return _HEAD.format(title=plain, file=file, names=names) + f"GRAPH = {body}\n" + _TAIL


def _literal(value: object, margin: str, used: set[str]) -> str:
    """A value as code, over several lines if one is too short for it."""
    if isinstance(value, Edge):
        used.add("Edge")
        return f"Edge.parse({str(value.source)!r}, {str(value.target)!r})"
    if isinstance(value, Address):
        used.add("Address")
        return f"Address.parse({str(value)!r})"
    if is_dataclass(value):
        used.add(type(value).__name__)
        parts = [f"{name}=" for name, _ in _set_fields(value)]
        return _call(type(value).__name__, "()", parts, [one for _, one in _set_fields(value)], margin, used)
    if isinstance(value, Mapping | MappingProxyType):
        keys = sorted(value, key=str)
        heads = [f"{_literal(key, margin, used)}: " for key in keys]
        return _call("", "{}", heads, [value[key] for key in keys], margin, used)
    if isinstance(value, frozenset):
        edges = sorted(value, key=edge_order)
        return f"frozenset({_call('', '[]', [''] * len(edges), edges, margin, used)})"
    if isinstance(value, tuple | list):
        brackets = "()" if isinstance(value, tuple) else "[]"
        return _call("", brackets, [""] * len(value), list(value), margin, used)
    return repr(value)


def _set_fields(value: object) -> Iterator[tuple[str, object]]:
    """The fields of a dataclass that are not what they would be anyway."""
    for field in fields(value):  # type: ignore[arg-type]
        own = getattr(value, field.name)
        usual = field.default_factory() if field.default_factory is not MISSING else field.default
        if usual is MISSING or own != usual or (type(own) is not type(usual) and isinstance(own, bool)):
            yield field.name, own


def _call(name: str, brackets: str, heads: list[str], values: list[object], margin: str, used: set[str]) -> str:
    opening, closing = brackets[0], brackets[1]
    inner = [head + _literal(value, margin + INDENT, used) for head, value in zip(heads, values, strict=True)]
    comma = "," if brackets == "()" and not name and len(inner) == 1 else ""
    line = f"{name}{opening}{', '.join(inner)}{comma}{closing}"
    if "\n" not in line and len(margin) + len(line) <= LINE:
        return line
    return f"{name}{opening}\n" + "".join(f"{margin}{INDENT}{one},\n" for one in inner) + f"{margin}{closing}"
