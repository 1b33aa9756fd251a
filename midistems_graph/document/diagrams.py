"""A graph as text for other tools: Mermaid for Markdown pages, DOT for Graphviz.

Nodes get ids of their own (n0, n1, ...), so that names of the graph only ever appear as escaped labels.
"""

from __future__ import annotations

from midistems_graph.document.boxes import fit, input_name
from midistems_graph.document.data import edge_order
from midistems_graph.document.graph import Graph, Node

_WIDEST = 60.0
"""In characters."""


def to_mermaid(graph: Graph) -> str:
    """A Mermaid flowchart; groups have double sides, bypassed and muted nodes are grey."""
    ids = {node_id: f"n{i}" for i, node_id in enumerate(sorted(graph.nodes))}
    lines = ["flowchart LR"]
    for node_id, short in ids.items():
        node = graph.nodes[node_id]
        title, kind = (_entities(text) for text in _labels(node_id, node))
        opening, closing = ('[["', '"]]') if node.group else ('["', '"]')
        style = "" if node.state == "on" else f":::{node.state}"
        lines.append(f"    {short}{opening}{title}<br/><small>{kind}</small>{closing}{style}")
    for edge in sorted(graph.edges, key=edge_order):
        label = _entities(f"{edge.source.port} → {input_name(edge)}")
        lines.append(f'    {ids[edge.source.node]} -->|"{label}"| {ids[edge.target.node]}')
    for state in sorted({node.state for node in graph.nodes.values()} - {"on"}):
        lines.append(f"    classDef {state} fill:#eeeeee,stroke:#999999,color:#777777,stroke-dasharray:4 3")
    return "\n".join(lines) + "\n"


def to_dot(graph: Graph) -> str:
    """A Graphviz digraph; groups have double frames, bypassed and muted nodes are grey."""
    ids = {node_id: f"n{i}" for i, node_id in enumerate(sorted(graph.nodes))}
    lines = [
        f"digraph {_quoted(fit(graph.title, 1, _WIDEST))} {{",
        '    rankdir=LR; node [shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif"];',
        '    edge [fontname="sans-serif", fontsize=9];',
    ]
    for node_id, short in ids.items():
        node = graph.nodes[node_id]
        label = "\\n".join(_quoted(text)[1:-1] for text in _labels(node_id, node))
        looks = ", peripheries=2" if node.group else ""
        looks += "" if node.state == "on" else ', color="#999999", fontcolor="#777777", style="rounded,dashed"'
        lines.append(f'    {short} [label="{label}"{looks}];')
    for edge in sorted(graph.edges, key=edge_order):
        ends = f"{ids[edge.source.node]} -> {ids[edge.target.node]}"
        ports = f"taillabel={_quoted(edge.source.port)}, headlabel={_quoted(input_name(edge))}"
        lines.append(f"    {ends} [{ports}];")
    return "\n".join((*lines, "}", ""))


def _labels(node_id: str, node: Node) -> tuple[str, str]:
    state = "" if node.state == "on" else f" · {node.state}"
    return fit(node.label or node_id, 1, _WIDEST), fit(node.type + state, 1, _WIDEST)


def _entities(text: str) -> str:
    """Text in a Mermaid label, where quotes, brackets, backticks and even # have a meaning."""
    return "".join(c if c.isalnum() or c in " ._-→·…" else f"#{ord(c)};" for c in text)


def _quoted(text: str) -> str:
    """A DOT string; a backslash would begin an escape such as \\\\N, a node's name."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
