"""What the inspector shows for a selection, made from the model alone."""

from __future__ import annotations

from collections.abc import Callable

from midistems_graph.document.graph import Edge
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.inspector import Inspection, inspect
from midistems_graph.editor.view.inspector import Page
from midistems_graph.rules.describe import Format

Facts = tuple[tuple[str, str], ...]
"""Names and what is said of them."""

Why = Callable[[str], Facts]
"""How the computing of a node stands, and why it ran (or will)."""


def page_of(editor: Editor, why: Why = lambda _: ()) -> Page:
    """The page for what is selected: nodes, one edge, or else the graph."""
    state = editor.state
    if state.selection.nodes:
        return _of_nodes(editor, why)
    if len(state.selection.edges) == 1:
        return _of_edge(editor, next(iter(state.selection.edges)))
    return _of_graph(editor)


def _of_nodes(editor: Editor, why: Why) -> Page:
    found = inspect(editor.state, editor.insight, editor.insight.problems_at(editor.state.path))
    one = len(found.nodes) == 1
    problems = tuple((p.message, p.severity == "error") for p in found.problems)
    if not one:
        about = "" if found.knobs else "These nodes have no knob in common."
        return Page(("nodes", *found.nodes), found.title, ", ".join(found.nodes), about, found.knobs, problems)
    (node_id,) = found.nodes
    about = found.summary
    if editor.state.body.nodes[node_id].group is None and found.type not in editor.library:
        about = f"No installed pack has the node type {found.type}. Its data and edges are kept."
    help_ = found.help.partition("\n\n")[2].strip()
    facts = tuple(_node_facts(found, why(node_id)))
    return Page(("node", node_id), found.title, found.type, about, found.knobs, problems, facts, help_, editable=True)


def _node_facts(found: Inspection, told: Facts) -> list[tuple[str, str]]:
    facts = [*told, ("id", found.nodes[0])]
    if found.state != "on":
        facts.append(("state", found.state))
    facts += [(f"{p.side}  {p.name}", " or ".join(p.kinds)) for p in found.ports]
    return facts


def _of_edge(editor: Editor, edge: Edge) -> Page:
    flat = editor.insight.flat_source(editor.state.path, edge.source)
    what = editor.insight.formats.get((flat.node, flat.port)) if flat else None
    facts = [("from", str(edge.source)), ("to", str(edge.target)), *_format_facts(what)]
    return Page(("edge", str(edge)), what.kind if what else "edge", "click plays it", facts=tuple(facts))


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


def _of_graph(editor: Editor) -> Page:
    graph, body = editor.state.graph, editor.state.body
    problems = [p for several in editor.insight.problems_at(editor.state.path).values() for p in several]
    shown = tuple(dict.fromkeys((p.message, p.severity == "error") for p in problems))[:12]
    group = editor.state.group
    facts = [("nodes", str(len(body.nodes))), ("edges", str(len(body.edges)))]
    if group is None:
        facts += [("inputs", ", ".join(sorted(graph.inputs)) or "none")]
        facts += [(name, text) for name, text in (("author", graph.author), ("license", graph.license)) if text]
    title = f"group {group}" if group else graph.title or "Untitled graph"
    about = getattr(body, "description", "")
    if not body.nodes:
        about = "Press Tab or double-click the canvas to add a node."
    return Page(("graph", editor.state.path), title, "", about, (), shown, tuple(facts))
