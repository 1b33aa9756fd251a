"""Write what the program knows of itself: docs/nodes from the node types, presets' list and pictures from graphs.

    python docs/make_docs.py            write the files
    python docs/make_docs.py --check    say which files are not up to date (exit code 1)

One page per room (the first word of a node type's id) and an index. What a page says comes from
signatures, docstrings and graph files alone, so that help in the program, in the code and here cannot differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from docstring_parser import Docstring, DocstringStyle, parse

from midistems_graph.document.files import load
from midistems_graph.document.flatten import FUNCTIONS
from midistems_graph.document.graph import Graph
from midistems_graph.document.picture import to_svg
from midistems_graph.document.presets import presets
from midistems_graph.node import (
    LOCAL,
    Context,
    FileBelowGraph,
    FolderBelowGraph,
    Knob,
    ModelName,
    NodeType,
    Port,
    installed,
)
from midistems_graph.node.definition import context_of
from midistems_graph.rules.pictured import ports_of

DOCS = Path(__file__).parent
PACK = "midistems_nodes"
HEADER = "<!-- Written by docs/make_docs.py from the node types; edit their docstrings instead. -->\n\n"
PRESETS_HEADER = "<!-- Written by docs/make_docs.py from the files in graphs; edit those instead. -->\n\n"
OF_THE_SEPARATOR = Context()
"""Stands in for the context of a separator that is wired in."""


def pages() -> dict[str, str]:
    """All files by their paths in docs."""
    own = [node_type for node_type in installed() if node_type.function.__module__.partition(".")[0] == PACK]
    rooms = {room: list(types) for room, types in groupby(own, key=lambda node_type: node_type.room)}
    written = {f"nodes/{room}.md": _room(room, types) for room, types in rooms.items()}
    ports = ports_of(installed())
    graphs = {preset.name: load(preset.path) for preset in presets()}
    pictures = {f"presets/{name}.svg": to_svg(graph, ports, heading=True) for name, graph in graphs.items()}
    return {"nodes/index.md": _index(rooms), **written, "presets/index.md": _presets(graphs), **pictures}


def _presets(graphs: Mapping[str, Graph]) -> str:
    """The list of presets: first those that need nothing but the song, then by how much they need."""
    needs = {name: _needs(graph) for name, graph in graphs.items()}
    rows = (
        [f"[`{name}`]({name}.md)", _cell(_sentence(graphs[name].description)), _cell(", ".join(needs[name]))]
        for name in sorted(graphs, key=lambda name: (len(needs[name]), name))
    )
    return "\n".join(
        [
            f"{PRESETS_HEADER}# Presets\n",
            "Graphs that come with the program: `run-graph NAME SONG -o FOLDER`. Each page shows the graph and says "
            "what it gained where it was measured. Every preset is a start for your own graphs: `midistems-graph NAME` "
            "opens it in the [editor](../editor.md). How to get models: [models](../models.md).\n",
            _table(("preset", "what it does", "needs besides the song"), rows),
        ]
    )


def _sentence(text: str) -> str:
    return text.partition(". ")[0].removesuffix(".") + "."


def _needs(graph: Graph) -> list[str]:
    """The models that a graph names and the inputs to be bound."""
    types = {node_type.id: node_type for node_type in installed()}
    nodes = [node for body in (graph, *graph.groups.values()) for node in body.nodes.values() if node.type in types]
    models = {
        str(value)
        for node in nodes
        for knob in types[node.type].knobs
        if isinstance(knob.file, ModelName) and (value := node.knobs.get(knob.name, knob.default))
    }
    inputs = [name for name, slot in graph.inputs.items() if name != "song" and not slot.optional]
    return [*(f"model `{name}`" for name in sorted(models)), *(f"input `{name}`" for name in inputs)]


def _index(rooms: Mapping[str, list[NodeType]]) -> str:
    parts = [
        f"{HEADER}# The node library\n",
        f"{sum(map(len, rooms.values()))} node types in {len(rooms)} rooms. What the kinds of value are: "
        "[concepts](../concepts.md). How to write one: [write-a-node](../write-a-node.md).\n",
    ]
    for room, types in rooms.items():
        parts.append(f"## [{room}]({room}.md)\n\n{_about(types)}\n")
        rows = ([f"[`{t.id}`]({room}.md#{_anchor(t)})", t.title, _cell(t.summary)] for t in types)
        parts.append(_table(("id", "title", "what it does"), rows))
    return "\n".join(parts)


def _room(room: str, types: list[NodeType]) -> str:
    return "\n".join([f"{HEADER}# {room}\n", f"{_about(types)}\n", *map(_node, types)])


def _about(types: list[NodeType]) -> str:
    """The docstring of the package that the room's node types stand in."""
    package = types[0].function.__module__.rpartition(".")[0]
    return (sys.modules[package].__doc__ or "").strip()


def _node(node_type: NodeType) -> str:
    doc = parse(node_type.help, DocstringStyle.NUMPYDOC)
    blocks = [f"## {node_type.title}", f"`{node_type.id}` version {node_type.version}", node_type.summary]
    if doc.long_description:
        blocks.append(doc.long_description.strip())
    blocks += [*_ports(node_type, doc), *_knobs(node_type)]
    blocks.append("\n".join(f"- {fact}" for fact in _facts(node_type)))
    for section, title in (("notes", "Notes"), ("references", "Source")):
        for meta in doc.meta:
            if meta.args[:1] == [section] and meta.description:
                blocks.append(f"**{title}.** {meta.description.strip()}")
    return "\n\n".join(blocks) + "\n"


def _anchor(node_type: NodeType) -> str:
    """The name that GitHub gives to the heading of a node type."""
    kept = "".join(letter for letter in node_type.title.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def _ports(node_type: NodeType, doc: Docstring) -> Iterator[str]:
    docs = node_type.parameter_docs
    returned = " ".join(((doc.returns.description if doc.returns else None) or "").split())
    rows = [
        ["in", f"`{port.name}`", _kinds(port, node_type), _cell(docs.get(port.name, ""))] for port in node_type.inputs
    ]
    for port in node_type.outputs:
        text = "this node as a function, to be called elsewhere" if port.name in FUNCTIONS else returned
        rows.append(["out", f"`{port.name}`", _kinds(port, node_type), _cell(text)])
    if rows:
        yield _table(("", "port", "kind", "meaning"), rows).rstrip()


def _kinds(port: Port, node_type: NodeType) -> str:
    kinds = ", ".join(port.kinds)
    if port.generic:
        partners = [p.name for p in node_type.inputs if p.generic == port.generic and p != port]
        same = f" (the same as `{partners[0]}`)" if port in node_type.outputs and partners else ""
        kinds = f"any of {kinds}" if not same else f"any of {kinds}{same}"
    extras = [
        word
        for word, holds in (("optional", port.optional), ("any number", port.variadic), ("whole song", port.stream))
        if holds
    ]
    return _cell("; ".join([kinds, *extras]))


def _knobs(node_type: NodeType) -> Iterator[str]:
    docs = node_type.parameter_docs
    rows = [
        [f"`{knob.name}`", _cell(_allowed(knob)), _cell(_default(knob)), _cell(docs.get(knob.name, ""))]
        for knob in node_type.knobs
    ]
    if rows:
        yield _table(("knob", "allowed", "default", "meaning"), rows).rstrip()


def _allowed(knob: Knob) -> str:
    if knob.file is None:
        return knob.allowed
    if isinstance(knob.file, FileBelowGraph):
        return "a file beside the graph file or below"
    if isinstance(knob.file, FolderBelowGraph):
        return "a folder beside the graph file or below"
    if isinstance(knob.file, ModelName):
        return "the name of a model in the library"
    return "the name of an input of the graph" + (" that is bound to a folder" if knob.file.folder else "")


def _default(knob: Knob) -> str:
    unit = f" {knob.range.unit}" if knob.range and knob.range.unit else ""
    match knob.default:
        case bool(on):
            return "true" if on else "false"
        case float(number):
            return f"{number:g}{unit}"
        case tuple(several):
            return ", ".join(map(str, several)) or "none"
        case "":
            return "empty"
        case other:
            return f"{other}{unit}"


def _facts(node_type: NodeType) -> Iterator[str]:
    yield f"looks around itself: {_context(node_type)}"
    if callable(node_type.stems):
        yield "makes stems that its knobs name"
    elif node_type.stems:
        yield "makes " + ", ".join(f"`{name}`" for name in node_type.stems)
    if node_type.sums_to:
        yield f"its outputs add up to `{node_type.sums_to}`"
    if not node_type.keeps_gain:
        yield "a louder input does not simply give a louder output"
    if node_type.writes:
        yield "writes files into the output folder"
    elif node_type.derived:
        yield "cheap: computed again wherever it is needed, never stored"
    if node_type.libraries:
        yield "its samples hang on the versions of " + ", ".join(node_type.libraries)
    if node_type.tags:
        yield "found under " + ", ".join(node_type.tags)


def _context(node_type: NodeType) -> str:
    if any(isinstance(knob.file, ModelName) for knob in node_type.knobs):
        return "as far as a segment of its model; some models need a first pass over the whole song"
    called = {port.name: OF_THE_SEPARATOR for port in node_type.inputs if port.kinds == ("separator",)}
    context = context_of(node_type, {**node_type.settings({}), **called})
    if context is OF_THE_SEPARATOR:
        return "as far as the separator that is wired in"
    if context.whole or any(port.stream for port in node_type.inputs):
        return "the whole song"
    reach = []
    if context.samples:
        reach.append(f"{context.samples} sample{'s' if context.samples > 1 else ''}")
    if context.seconds:
        reach.append(f"{float(context.seconds):.3g} s")
    near = f"{' and '.join(reach)} to either side" if reach else "not at all"
    near += "" if isinstance(node_type.context, Context) or context == LOCAL else " (at default knobs)"
    return f"{near}, after a first pass over the whole song" if node_type.reduce else near


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def stale(wanted: Mapping[str, str]) -> list[str]:
    """Files that are missing, out of date, or of rooms and presets that no longer exist."""
    files = (*DOCS.glob("nodes/*.md"), DOCS / "presets" / "index.md", *DOCS.glob("presets/*.svg"))
    there = {path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8") for path in files if path.exists()}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the pages that the program itself can tell.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is not up to date")
    check: bool = parser.parse_args().check
    wanted = pages()
    names = stale(wanted)
    if check:
        for name in names:
            print(f"docs/{name} is not up to date; run python docs/make_docs.py", file=sys.stderr)
        return 1 if names else 0
    for name in names:
        if name in wanted:
            (DOCS / name).parent.mkdir(exist_ok=True)
            (DOCS / name).write_text(wanted[name], encoding="utf-8")
        else:
            (DOCS / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
