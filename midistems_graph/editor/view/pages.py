"""What the inspector shows for a selection, made from the model alone."""

from __future__ import annotations

from collections.abc import Callable

from midistems_graph.document.graph import Edge
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.inspector import PortRow, inspect
from midistems_graph.editor.view.inspector import Page, PortLine, Trouble
from midistems_graph.editor.view.signs import Worry
from midistems_graph.rules.describe import Format

Facts = tuple[tuple[str, str], ...]
"""Names and what is said of them."""

Why = Callable[[str], Facts]
"""How the computing of a node stands and why it ran (or will); of an edge, how loud it is; of all, what is to do.

The name of a fact about a node is `FAILED` where its sentence says why it failed; among those about all (asked for with
an empty id) it is then the id of the node.
"""

FAILED = "failed"

MOST_PROBLEMS = 8
"""More are counted: the first ones are to be mended first, and often the others go with them."""


def page_of(editor: Editor, why: Why = lambda _: ()) -> Page:
    """The page for what is selected: nodes, one edge, or else the graph."""
    state = editor.state
    if state.selection.nodes:
        return _of_nodes(editor, why)
    if len(state.selection.edges) == 1:
        return _of_edge(editor, next(iter(state.selection.edges)), why)
    return _of_graph(editor, why)


def _of_nodes(editor: Editor, why: Why) -> Page:
    found = inspect(editor.state, editor.insight, editor.insight.problems_at(editor.state.path))
    one = len(found.nodes) == 1
    problems = tuple(Trouble(p.message, p.severity == "error") for p in found.problems)
    if not one:
        about = "" if found.knobs else "These nodes have no knob in common."
        key = ("nodes", *found.nodes)
        return Page(key, found.title, ", ".join(found.nodes), about, rows=found.knobs, problems=problems)
    (node_id,) = found.nodes
    about, told = found.summary, why(node_id)
    if editor.state.body.nodes[node_id].group is None and found.type not in editor.library:
        about = f"No installed pack has the node type {found.type}. Its data and edges are kept."
    failed = tuple(Trouble(words, True) for name, words in told if name == FAILED)
    state = (("state", found.state),) if found.state != "on" else ()
    return Page(
        ("node", node_id),
        found.title,
        f"{found.type}  ·  {node_id}",
        about,
        (*state, *(fact for fact in told if fact[0] != FAILED)),
        found.knobs,
        (*failed, *problems),
        tuple(_port_line(port) for port in found.ports),
        help=found.help.partition("\n\n")[2].strip(),
        editable=True,
    )


def _port_line(port: PortRow) -> PortLine:
    ends = ", ".join(str(edge.source if port.side == "in" else edge.target) for edge in port.edges[:3])
    words = " or ".join(port.kinds) or "anything"
    if ends:
        words += f" {'from' if port.side == 'in' else 'to'} {ends}"
    elif port.side == "in" and not port.optional:
        words += ", not connected"
    return PortLine(port.side, port.name, words, port.kinds[0] if len(port.kinds) == 1 else "")


def _of_edge(editor: Editor, edge: Edge, why: Why) -> Page:
    flat = editor.insight.flat_source(editor.state.path, edge.source)
    what = editor.insight.formats.get((flat.node, flat.port)) if flat else None
    facts = (("from", str(edge.source)), ("to", str(edge.target)), *_format_facts(what), *why(str(edge)))
    return Page(("edge", str(edge)), what.kind if what else "edge", "click plays it", facts=facts)


def _format_facts(what: Format | None) -> list[tuple[str, str]]:
    facts = []
    if what is not None:
        if what.rate:
            facts.append(("rate", f"{what.rate} Hz"))
        if what.channels:
            facts.append(("channels", str(what.channels)))
        if what.stems:
            facts.append(("stems", ", ".join(what.stems)))
        if what.stft:
            facts.append(("stft", f"{what.stft.n_fft} / {what.stft.hop}"))
    return facts


def _of_graph(editor: Editor, why: Why) -> Page:
    graph, body = editor.state.graph, editor.state.body
    group = editor.state.group
    iteration, count = editor.insight.iterations(editor.state.path)
    facts = [("nodes", str(len(body.nodes))), ("edges", str(len(body.edges)))]
    if group is None:
        facts += [("inputs", ", ".join(sorted(graph.inputs)) or "none")]
        facts += [(name, text) for name, text in (("author", graph.author), ("license", graph.license)) if text]
    if count > 1:
        facts.insert(0, ("iteration", f"{iteration} of {count}; I and Shift+I show another"))
    title = f"group {group}" if group else graph.title or "Untitled graph"
    about = getattr(body, "description", "")
    if not body.nodes:
        about = "Press Tab or double-click the canvas to add a node."
    told, problems = why(""), _problems(editor)
    failed = tuple(Trouble(words, True, name) for name, words in told if name in body.nodes)
    shown = tuple(fact for fact in told if fact[0] not in body.nodes)
    return Page(
        ("graph", editor.state.path),
        title,
        "",
        about,
        shown,
        inspect(editor.state, editor.insight).knobs,
        (*failed, *problems),
        facts=tuple(facts),
    )


def worries(editor: Editor) -> dict[str, Worry]:
    """How bad what the rules find is, by the nodes of the canvas."""
    found: dict[str, Worry] = {}
    for node_id, problems in editor.insight.problems_at(editor.state.path).items():
        found[node_id] = "error" if any(p.severity == "error" for p in problems) else "warning"
    return found


def _problems(editor: Editor) -> tuple[Trouble, ...]:
    """What the rules find wrong, errors first, each with the node of the canvas that it is about; a few of many."""
    found: dict[str, Trouble] = {}
    for node_id, problems in editor.insight.problems_at(editor.state.path).items():
        for problem in problems:
            there = node_id if node_id in editor.state.body.nodes else ""
            found.setdefault(problem.message, Trouble(problem.message, problem.severity == "error", there))
    troubles = sorted(found.values(), key=lambda trouble: not trouble.is_error)
    if len(troubles) <= MOST_PROBLEMS + 1:
        return tuple(troubles)
    rest = troubles[MOST_PROBLEMS:]
    more = Trouble(f"and {len(rest)} more", rest[0].is_error, rest[0].node)
    return (*troubles[:MOST_PROBLEMS], more)
