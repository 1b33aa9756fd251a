"""A graph as a picture: SVG for pages and reports, Mermaid and DOT for other tools.

The picture needs the document alone. Whoever knows the node types passes `ports_of`, which completes and
colours the ports. Every text of the graph is escaped: a title is never markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

from midistems_graph.document.boxes import (
    KNOB,
    PAD,
    PORT_SIZE,
    SMALL_SIZE,
    TITLE,
    TITLE_SIZE,
    Box,
    Port,
    PortsOf,
    boxes,
    fit,
    input_name,
    text_width,
)
from midistems_graph.document.colors import style_of
from midistems_graph.document.data import edge_order
from midistems_graph.document.diagrams import to_dot, to_mermaid
from midistems_graph.document.graph import Edge, Frame, Graph, Note
from midistems_graph.document.layout import Wire, arrange

__all__ = ["Mark", "to_dot", "to_mermaid", "to_svg"]

MARGIN = 28.0
HEADING = 46.0

_INK, _SOFT, _FAINT, _PAPER, _CANVAS = "#1f2733", "#667085", "#d5dae1", "#ffffff", "#f7f8fa"
_FONT = "Inter, 'Segoe UI', 'Helvetica Neue', Roboto, 'DejaVu Sans', Arial, sans-serif"
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")

Point = tuple[float, float]
Lane = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A few words in a coloured tag above a node."""

    text: str
    color: str


def to_svg(
    graph: Graph,
    ports_of: PortsOf | None = None,
    *,
    heading: bool = False,
    marks: Mapping[str, Mark] = MappingProxyType({}),
) -> str:
    """The graph as a self-contained SVG image; `heading` puts its title above it, `marks` are tags by node.

    Nodes stand where the view has them if it has all of them, otherwise they are laid out.
    """
    drawn = boxes(graph, ports_of)
    edges = sorted(graph.edges, key=edge_order)
    kept = drawn.keys() <= graph.view.nodes.keys()
    places, drawn, lanes = (dict(graph.view.nodes), drawn, {}) if kept else _laid_out(drawn, edges)
    parts: list[str] = []
    if kept:
        parts += map(_frame, graph.view.frames)
        parts += map(_note, graph.view.notes)
    parts += [_edge(edge, drawn, places, lanes.get(i, [])) for i, edge in enumerate(edges)]
    for node_id in sorted(drawn):
        parts += _node(drawn[node_id], places[node_id])
    for node_id in sorted(drawn.keys() & marks.keys()):
        parts += _mark(marks[node_id], drawn[node_id], places[node_id])
    left, top, right, bottom = _extent(graph, drawn, places, lanes, kept)
    if heading and graph.title:
        top -= HEADING
        room = max(right - left - 2 * MARGIN, 200.0)
        right = max(right, left + 200.0 + 2 * MARGIN)
        title = fit(graph.title, 20, room)
        parts.append(_text(left + MARGIN, top + MARGIN + 18, title, size=20, weight=600, color=_INK))
    width, height = right - left, bottom - top
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{_n(left)} {_n(top)} {_n(width)} {_n(height)}" '
        f'width="{_n(width)}" height="{_n(height)}" font-family="{_FONT}">'
    )
    name = f"<title>{escape(fit(graph.title, 1, 1000))}</title>" if graph.title else ""
    ground = f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(width)}" height="{_n(height)}" rx="10" fill="{_CANVAS}"/>'
    return "\n".join((head + name, ground, *parts, "</svg>", ""))


def _laid_out(
    drawn: Mapping[str, Box], edges: list[Edge]
) -> tuple[dict[str, Point], dict[str, Box], dict[int, list[Lane]]]:
    """Places for boxes, the boxes as wide as their column, and the lanes of long edges."""
    wires = [
        Wire(e.source.node, e.target.node, _dot(drawn[e.source.node].outputs, e.source.port), _arrival(drawn, e))
        for e in edges
    ]
    layout = arrange({node_id: (box.width, box.height) for node_id, box in drawn.items()}, wires)
    widest: dict[int, float] = {}
    for node_id, layer in layout.layers.items():
        widest[layer] = max(widest.get(layer, 0.0), drawn[node_id].width)
    wide = {node_id: box.widened(widest[layout.layers[node_id]]) for node_id, box in drawn.items()}
    return layout.positions, wide, layout.lanes


def _dot(ports: tuple[Port, ...], name: str) -> float:
    return next(port.y for port in ports if port.name == name)


def _arrival(drawn: Mapping[str, Box], edge: Edge) -> float:
    return _dot(drawn[edge.target.node].inputs, input_name(edge))


def _edge(edge: Edge, drawn: Mapping[str, Box], places: Mapping[str, Point], lanes: list[Lane]) -> str:
    source, target = drawn[edge.source.node], drawn[edge.target.node]
    (x0, y0), (x1, y1) = places[edge.source.node], places[edge.target.node]
    start = (x0 + source.width, y0 + _dot(source.outputs, edge.source.port))
    end = (x1, y1 + _arrival(drawn, edge))
    kind = next(port.kind for port in source.outputs if port.name == edge.source.port)
    style = style_of(kind or next(p.kind for p in target.inputs if p.name == input_name(edge)))
    quiet = ' opacity="0.35"' if "muted" in (source.state, target.state) else ""
    dash = f' stroke-dasharray="{style.dash}"' if style.dash else ""
    return (
        f'<path d="{_curve(start, end, lanes)}" fill="none" stroke="{style.color}" '
        f'stroke-width="{style.width}" stroke-linecap="round"{dash}{quiet}/>'
    )


def _curve(start: Point, end: Point, lanes: list[Lane]) -> str:
    """A curve that leaves and arrives level, and runs level along its lanes."""
    path, (x, y) = f"M{_n(start[0])} {_n(start[1])}", start
    stops = [(left, right, level) for left, right, level in sorted(lanes)] + [(end[0], end[0], end[1])]
    for left, right, level in stops:
        bend = max((left - x) / 2, 36.0 if left >= x else 90.0)
        path += f"C{_n(x + bend)} {_n(y)} {_n(left - bend)} {_n(level)} {_n(left)} {_n(level)}"
        if right > left:
            path += f"H{_n(right)}"
        x, y = right, level
    return path


def _node(box: Box, place: Point) -> Iterator[str]:
    (x, y), w, h = place, box.width, box.height
    yield f'<g opacity="{ {"on": "1", "bypassed": "0.6", "muted": "0.45"}[box.state] }">'
    yield _rect(x, y + 2, w, h, 8, fill="#101828", opacity="0.07")
    frame = {"on": "#c3cad5", "bypassed": "#98a2b3", "muted": "#98a2b3"}[box.state]
    dash = {} if box.state == "on" else {"stroke-dasharray": "4 3"}
    if box.group:
        yield _rect(x - 3.5, y - 3.5, w + 7, h + 7, 11, fill=_CANVAS, stroke=frame, **dash)
    yield _rect(x, y, w, h, 8, fill=_PAPER, stroke=frame, **dash)
    bar = "#e9edf3" if box.state == "on" else "#eef0f2"
    sides = f"v{_n(8.5 - TITLE)}a8 8 0 0 1 8 -8h{_n(w - 17)}a8 8 0 0 1 8 8v{_n(TITLE - 8.5)}z"
    yield f'<path d="M{_n(x + 0.5)} {_n(y + TITLE)}{sides}" fill="{bar}"/>'
    yield _text(x + PAD, y + 18, box.title, size=TITLE_SIZE, weight=600, color=_INK)
    yield _text(x + PAD, y + 33, box.type, size=SMALL_SIZE, color=_SOFT)
    for side, edge_x, name_x, anchor in (
        (box.inputs, x, x + PAD, "start"),
        (box.outputs, x + w, x + w - PAD, "end"),
    ):
        for port in side:
            center = f'cx="{_n(edge_x)}" cy="{_n(y + port.y)}"'
            fill = style_of(port.kind).color
            yield f'<circle {center} r="4.5" fill="{fill}" stroke="{_PAPER}" stroke-width="1.5"/>'
            yield _text(name_x, y + port.y + 4, port.shown, size=PORT_SIZE, anchor=anchor)
    if box.knobs:
        line = y + box.ports_end
        yield f'<path d="M{_n(x + PAD)} {_n(line)}h{_n(w - 2 * PAD)}" stroke="{_FAINT}"/>'
        for row, (name, value) in enumerate(box.knobs):
            level = line + PAD / 2 + KNOB * (row + 0.5) + 3.5
            yield _text(x + PAD, level, name, size=SMALL_SIZE, color=_SOFT)
            yield _text(x + w - PAD, level, value, size=SMALL_SIZE, anchor="end", color=_INK)
    yield "</g>"


def _mark(mark: Mark, box: Box, place: Point) -> Iterator[str]:
    (x, y), shown = place, fit(mark.text, PORT_SIZE, box.width - 2 * PAD)
    width = text_width(shown, PORT_SIZE) + 20
    color = mark.color if _COLOR.match(mark.color) else _SOFT
    yield _rect(x, y, box.width, box.height, 8, fill="none", stroke=color, **{"stroke-width": "2"})
    yield _rect(x + box.width - width, y - 21, width, 18, 9, fill=color)
    yield _text(x + box.width - 9, y - 8, shown, size=PORT_SIZE, weight=600, anchor="end", color=_PAPER)


def _frame(frame: Frame) -> str:
    color = frame.color if _COLOR.match(frame.color) else "#98a2b3"
    shown = fit(frame.title, 12, max(frame.width - 24, 12.0))
    back = _rect(frame.x, frame.y, frame.width, frame.height, 10, fill=color, stroke=color, **{"fill-opacity": "0.1"})
    return back + _text(frame.x + 12, frame.y + 20, shown, size=12, weight=600, color=_SOFT)


def _note(note: Note) -> str:
    lines = note.text.splitlines()[:20]
    return "".join(
        _text(note.x, note.y + 14 + 16 * i, fit(line, 12, 600), size=12, color=_SOFT) for i, line in enumerate(lines)
    )


def _extent(
    graph: Graph, drawn: Mapping[str, Box], places: Mapping[str, Point], lanes: Mapping[int, list[Lane]], kept: bool
) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of everything, with a margin."""
    spots = [(*places[i], box.width, box.height) for i, box in drawn.items()]
    if kept:
        spots += [(f.x, f.y, f.width, f.height) for f in graph.view.frames]
        spots += [(n.x, n.y, 200.0, 16.0 * (n.text.count("\n") + 1)) for n in graph.view.notes]
    spots += [(x, y - 8, right - x, 16.0) for wire in lanes.values() for x, right, y in wire]
    if not spots:
        return 0.0, 0.0, 2 * MARGIN, 2 * MARGIN
    return (
        min(x for x, _, _, _ in spots) - MARGIN,
        min(y for _, y, _, _ in spots) - MARGIN,
        max(x + w for x, _, w, _ in spots) + MARGIN,
        max(y + h for _, y, _, h in spots) + MARGIN,
    )


def _rect(x: float, y: float, width: float, height: float, radius: float, **paint: str) -> str:
    given = "".join(f' {name}="{value}"' for name, value in paint.items())
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="{_n(radius)}"{given}/>'


def _text(
    x: float, y: float, text: str, *, size: float, color: str = "#344054", weight: int = 400, anchor: str = "start"
) -> str:
    bold = f' font-weight="{weight}"' if weight != 400 else ""
    end = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{color}"{bold}{end}>{escape(text)}</text>'


def _n(number: float) -> str:
    """A coordinate, short."""
    return f"{number:.1f}".removesuffix(".0")
