"""Graphs as Python scripts in the notation of `midistems_graph.rules.notation`: written, and read without running them.

A script is a graph file that can also be edited as code, and run by Python. Reading takes its syntax tree and follows
only what the notation has: calls of node types with literal values, `>>`, and functions that define groups. Nothing is
executed, imported or looked up; anything else in the file is refused with its line.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from midistems_graph.document.data import edge_order, to_data
from midistems_graph.document.encoding import MAX_BYTES
from midistems_graph.document.files import load
from midistems_graph.document.graph import Address, DocumentError, Edge, Graph
from midistems_graph.node.library import NodeLibrary, installed
from midistems_graph.rules.notation import Box, Port, Room, default_port, graph, group, node, rooms

SUFFIX = ".py"

LINE = 100
_INDENT = "    "
_RESERVED = frozenset({"graph", "group", "node", "rooms", "GRAPH", "globals", "locals", "sys", "main", *keyword.kwlist})

_HEAD = '''#!/usr/bin/env python3
"""{title}

    python {file} song.flac -o stems

is the same as run-graph with the graph that is written here.
"""

from midistems_graph.rules.notation import {words}

'''

_TAIL = """

if __name__ == "__main__":
    import sys

    from midistems_graph.cli.run_graph import main

    sys.exit(main([__file__, *sys.argv[1:]]))
"""


def write_script(document: Graph, file: str = "separate.py", library: NodeLibrary | None = None) -> str:
    """The graph as a script; reading it gives the same document. Raises DocumentError."""
    known = library or installed()
    data = to_data(document)
    bodies = {**data.get("groups", {}), "": data}
    types = [one["type"] for body in bodies.values() for one in body.get("nodes", {}).values()]
    used = sorted({type.partition(".")[0] for type in types if _is_path(type)})
    words = ["graph", *(["group"] if len(bodies) > 1 else []), *(["node"] if not all(map(_is_path, types)) else [])]
    words += ["rooms"] if used else []
    letters = (letter for letter in " ".join(document.title.split()) if letter.isprintable() and letter not in '\\"')
    text = _HEAD.format(title="".join(letters) or "A cascade.", file=file, words=", ".join(words))
    if used:
        comma = "," if len(used) == 1 else ""
        text += f"{', '.join(used)}{comma} = rooms({', '.join(map(_quoted, used))})\n\n"
    outer = set(used)
    names = {}
    for name in sorted(bodies.keys() - {""}):
        names[name] = _variable(f"group_{name}", outer)
        lines = list(_body_lines(bodies[name], set(outer), known))
        lines.append(_call("return group", ["locals()"], _fields(bodies[name]), _INDENT))
        text += f"\ndef {names[name]}():\n" + "".join(_indented(line) for line in lines) + "\n"
    text += "\n" if names else ""
    text += "".join(line + "\n" for line in _body_lines(data, outer, known)) + "\n"
    fields = {name: value for name, value in _fields(data).items() if name not in ("format", "version", "groups")}
    given = [f"groups={{{', '.join(f'{_quoted(n)}: {v}()' for n, v in names.items())}}}"] if names else []
    text += _call("GRAPH = graph", ["globals()", *given], fields, "") + "\n" + _TAIL
    if read_script(text, known) != document:
        raise DocumentError("the graph holds something that a script cannot say; save it as JSON")
    return text


def load_graph(path: Path) -> Graph:
    """The graph in a file of any notation; a script (`.py`) is read, never executed. Raises DocumentError."""
    return load_script(path) if path.suffix.lower() == SUFFIX else load(path)


def load_script(path: Path) -> Graph:
    """The graph in a script file, which is not executed. Raises DocumentError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise DocumentError(f"{path} is too big for a graph")
    try:
        return read_script(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8 text") from None
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from error


def read_script(text: str, library: NodeLibrary | None = None) -> Graph:
    """The graph that a script would build. Raises DocumentError with the line that is no notation."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        raise DocumentError(f"line {line or 1}: this is not Python ({getattr(error, 'msg', error)})") from None
    try:
        found = _Reader(library).module(tree)
    except RecursionError:
        raise DocumentError("the script is nested too deeply") from None
    if found is None:
        raise DocumentError("there is no graph in the script; end it with GRAPH = graph(globals())")
    return found


# Writing


def _body_lines(body: Mapping[str, Any], taken: set[str], library: NodeLibrary) -> Iterator[str]:
    """The nodes of a graph or group, then its wires."""
    names: dict[str, str] = {}
    for id, one in sorted(body.get("nodes", {}).items()):
        names[id] = _variable(id, taken)
        taken.add(names[id])
        given = [] if names[id] == id else [_quoted(id)]
        maker = one["type"] if _is_path(one["type"]) else "node"
        given = [_quoted(one["type"]), *given] if maker == "node" else given
        about = {"version": "", **{name: value for name, value in one.items() if name not in ("type", "knobs")}}
        line = _call(f"{names[id]} = {maker}", given, one.get("knobs", {}), "")
        yield line + _call(".about", [], about, "")
    if names:
        yield ""
    for edge in sorted((Edge.parse(e["from"], e["to"]) for e in body.get("edges", [])), key=edge_order):
        ends = (_end(edge.source, names, body, library, True), _end(edge.target, names, body, library, False))
        yield " >> ".join(ends)


def _end(
    address: Address, names: Mapping[str, str], body: Mapping[str, Any], library: NodeLibrary, source: bool
) -> str:
    name = names[address.node]
    usual = default_port(body["nodes"][address.node]["type"], library, source)
    if address.port == usual and address.index is None:
        return name
    plain = address.port.isidentifier() and address.port != "about" and not address.port.startswith("_")
    plain = plain and not keyword.iskeyword(address.port)
    port = f".{address.port}" if plain else f"[{_quoted(address.port)}]"
    return name + port + ("" if address.index is None else f"[{address.index}]")


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("nodes", "edges")}


def _variable(id: str, taken: set[str]) -> str:
    name = id.replace("-", "_")
    while name in taken or name in _RESERVED or name.startswith("__"):
        name = name.lstrip("_") + "_"
    return name


def _is_path(type: str) -> bool:
    """Whether a node type can be written as attributes of a room."""
    parts = type.split(".")
    plain = all(part.isidentifier() and part.isascii() and not keyword.iskeyword(part) for part in parts)
    return len(parts) == 2 and plain and not any(part.startswith("_") for part in parts) and parts[0] not in _RESERVED


def _call(name: str, given: list[str], named: Mapping[str, Any], margin: str) -> str:
    """A call on one line if there is room, else one argument a line."""
    plain = {k: v for k, v in named.items() if k.isidentifier() and not keyword.iskeyword(k) and k not in _PARAMETERS}
    odd = {k: v for k, v in named.items() if k not in plain}
    parts = [*given, *(f"{k}={_literal(v, margin + _INDENT, len(k) + 1)}" for k, v in plain.items())]
    parts += [f"**{_literal(odd, margin + _INDENT, 2)}"] if odd else []
    line = f"{name}({', '.join(parts)})"
    if "\n" not in line and len(margin) + len(line) <= LINE:
        return line
    return f"{name}(\n" + "".join(f"{margin}{_INDENT}{part},\n" for part in parts) + f"{margin})"


_PARAMETERS = frozenset({"groups", "library", "type", "id", "self"})
"""Names of parameters; a field or knob that is called so is handed over in a mapping."""


def _literal(value: Any, margin: str, used: int) -> str:
    line = repr(value)
    if len(margin) + used + len(line) <= LINE or not isinstance(value, dict | list) or not value:
        return line
    if isinstance(value, dict):
        parts = [f"{key!r}: {_literal(one, margin + _INDENT, len(repr(key)) + 2)}" for key, one in value.items()]
        brackets = "{}"
    else:
        parts, brackets = [_literal(one, margin + _INDENT, 0) for one in value], "[]"
    return brackets[0] + "\n" + "".join(f"{margin}{_INDENT}{part},\n" for part in parts) + margin + brackets[1]


def _quoted(text: str) -> str:
    return repr(text)


def _indented(line: str) -> str:
    return f"{_INDENT}{line}\n" if line else "\n"


# Reading


class _Reader:
    """Follows the statements of a script; names stand for boxes, rooms and groups."""

    def __init__(self, library: NodeLibrary | None) -> None:
        self.library = library
        self.groups: dict[str, dict[str, Any]] = {}

    def module(self, tree: ast.Module) -> Graph | None:
        names: dict[str, object] = {}
        found = None
        for statement in tree.body:
            match statement:
                case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
                    pass
                case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                    pass
                case ast.FunctionDef():
                    self.groups[statement.name] = self._function(statement, names)
                case ast.Assign(value=ast.Call(func=ast.Name(id="graph")) as call):
                    found = self._graph(call, names)
                case _:
                    self._statement(statement, names)
        return found

    def _function(self, function: ast.FunctionDef, outer: Mapping[str, object]) -> dict[str, Any]:
        """A function that defines a group."""
        if ast.unparse(function.args) or function.decorator_list:
            raise _refused(function, "a function that defines a group takes nothing and is not decorated")
        names: dict[str, object] = {name: value for name, value in outer.items() if isinstance(value, Room)}
        for statement in function.body:
            match statement:
                case ast.Expr(value=ast.Constant()):
                    pass
                case ast.Return(value=ast.Call(func=ast.Name(id="group"), args=[given]) as call):
                    if ast.unparse(given) == "locals()":
                        return group(names, **self._named(call))
                case _:
                    self._statement(statement, names)
        raise _refused(function, "a function defines a group, and ends with return group(locals())")

    def _graph(self, call: ast.Call, names: Mapping[str, object]) -> Graph:
        groups = None
        kept = []
        for word in call.keywords:
            if word.arg == "groups":
                groups = self._group_names(word.value)
            else:
                kept.append(word)
        fields = self._named(ast.copy_location(ast.Call(call.func, call.args, kept), call))
        if [ast.unparse(arg) for arg in call.args] != ["globals()"]:
            raise _refused(call, "write graph(globals(), ...)")
        return graph(names, groups=groups, library=self.library, **fields)

    def _group_names(self, value: ast.expr) -> dict[str, dict[str, Any]]:
        found = {}
        if not isinstance(value, ast.Dict):
            raise _refused(value, 'write groups={"name": function()}')
        for key, call in zip(value.keys, value.values, strict=True):
            match key, call:
                case ast.Constant(value=str(name)), ast.Call(func=ast.Name(id=function)) if function in self.groups:
                    found[name] = self.groups[function]
                case _:
                    raise _refused(value, "a group is made by a function that was defined above")
        return found

    def _statement(self, statement: ast.stmt, names: dict[str, object]) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]):
                names[name] = self._value(statement.value, names)
            case ast.Assign(targets=[ast.Tuple(elts=several) | ast.List(elts=several)], value=ast.Call() as call):
                values = self._value(call, names)
                if not isinstance(values, list) or len(values) != len(several):
                    raise _refused(statement, "as many names as rooms are needed")
                for target, value in zip(several, values, strict=True):
                    if not isinstance(target, ast.Name):
                        raise _refused(statement, "only names can be set")
                    names[target.id] = value
            case ast.Expr(value=ast.BinOp()):
                self._value(statement.value, names)
            case _:
                raise _refused(statement, "a script holds nodes, wires (>>), groups and GRAPH = graph(globals())")

    def _value(self, value: ast.expr, names: Mapping[str, object]) -> object:
        match value:
            case ast.BinOp(left=left, op=ast.RShift(), right=right):
                source, target = self._value(left, names), self._value(right, names)
                if isinstance(source, Box | Port) and isinstance(target, Box | Port):
                    return source >> target
                raise _refused(value, ">> joins two nodes or ports")
            case ast.Name(id=name) if name in names:
                return names[name]
            case ast.Attribute(value=inner, attr=name) if not name.startswith("_"):
                owner = self._value(inner, names)
                if isinstance(owner, Box):
                    return owner[name]
            case ast.Subscript(value=inner, slice=ast.Constant(value=int() | str() as place)):
                owner = self._value(inner, names)
                if isinstance(owner, Box) and isinstance(place, str):
                    return owner[place]
                if isinstance(owner, Port) and isinstance(place, int):
                    return owner[place]
            case ast.Call():
                return self._call(value, names)
        raise _refused(value, f"{ast.unparse(value)[:60]} is no node, port or room that is known here")

    def _call(self, call: ast.Call, names: Mapping[str, object]) -> object:
        texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if len(texts) != len(call.args):
            raise _refused(call, "only texts stand here without a name")
        match call.func:
            case ast.Name(id="rooms"):
                return rooms(*texts)
            case ast.Name(id="node") if 1 <= len(texts) <= 2:
                return node(texts[0], *texts[1:], **self._named(call))
            case ast.Attribute(value=inner, attr="about") if len(texts) <= 1:
                box = self._value(inner, names)
                if isinstance(box, Box):
                    return box.about(*texts, **self._named(call))
            case ast.Attribute(value=ast.Name(id=name), attr=type) if len(texts) <= 1:
                room = names.get(name)
                if isinstance(room, Room) and not type.startswith("_"):
                    return getattr(room, type)(*texts, **self._named(call))
        raise _refused(
            call, f"{ast.unparse(call.func)[:60]} is no node type that is known here; nothing else is called"
        )

    def _named(self, call: ast.Call) -> dict[str, Any]:
        """Arguments by name, which are literals."""
        found: dict[str, Any] = {}
        for word in call.keywords:
            try:
                value = ast.literal_eval(word.value)
            except (ValueError, TypeError, SyntaxError, MemoryError):
                what = f"{word.arg} = {ast.unparse(word.value)[:40]}"
                raise _refused(word.value, f"{what} is no plain number, text, list or true or false") from None
            more = {word.arg: value} if word.arg is not None else value
            if (
                not isinstance(more, dict)
                or not all(isinstance(key, str) for key in more)
                or more.keys() & found.keys()
            ):
                raise _refused(word.value, "names are texts, each once")
            found |= more
        return found


def _refused(place: ast.AST, reason: str) -> DocumentError:
    return DocumentError(f"line {getattr(place, 'lineno', 1)}: {reason}")
