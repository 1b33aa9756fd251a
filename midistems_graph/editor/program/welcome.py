"""What the welcome offers: ways to begin, work that a crash left, recent files, presets; and what each of them does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.welcome import Offer
from midistems_graph.editor.program.documents import Documents, when
from midistems_graph.editor.program.preset_list import preset_list
from midistems_graph.editor.view.browser import shortened
from midistems_graph.editor.view.pointer import Key
from midistems_graph.editor.view.welcome import Welcome

RECENT = 6

Offered = tuple[Offer, Callable[[], object]]


def show_welcome(documents: Documents, demo: Callable[[], object]) -> None:
    """Open the welcome over the canvas. `demo` binds the demo song."""
    bench, sheet = documents.bench, documents.bench.sheet
    offered = [*_beginnings(documents, demo), *_left(documents), *_recent(documents), *_presets(documents, demo)]
    actions = {offer.id: action for offer, action in offered}
    scenes = {
        offer.id: Editor(bench.editor.library, offer.graph).scene for offer, _ in offered if offer.graph is not None
    }

    def chosen(offer_id: str) -> None:
        sheet.close()
        actions[offer_id]()

    def command(key: Key) -> None:
        name = bench.settings.shortcuts.command(key.name, ctrl=key.ctrl, shift=key.shift, alt=key.alt)
        if name:
            bench.do(name)

    sheet.open(Welcome([offer for offer, _ in offered], scenes, bench.canvas.measure, chosen, command))


def _beginnings(documents: Documents, demo: Callable[[], object]) -> Iterator[Offered]:
    bench = documents.bench

    def hear_demo() -> None:
        demo()
        bench.do("play")

    for name, title in (("separate", "Separate songs, without a canvas"), ("open", "Open a graph or a song")):
        yield Offer(name, "Begin", title, bench.hint(name)), partial(bench.do, name)
    yield Offer("demo", "Begin", "Hear the demo song"), hear_demo
    yield Offer("empty", "Begin", "An empty canvas", bench.hint("new")), documents.new_canvas


def _left(documents: Documents) -> Iterator[Offered]:
    for found in documents.left_without_file:
        count = f"{len(found.graph.nodes)} nodes, {when(found)}"
        title = found.graph.title or "A graph without a file"
        yield Offer(f"left {found.autosave.name}", "Not saved", title, count), partial(documents.begin_with, found)


def _recent(documents: Documents) -> Iterator[Offered]:
    for path in documents.recent.there.graphs[:RECENT]:
        offer = Offer(f"recent {path}", "Recent", path.name, shortened(path.parent))
        yield offer, partial(documents.open_file, path)


def _presets(documents: Documents, demo: Callable[[], object]) -> Iterator[Offered]:
    for one in preset_list(documents.bench.editor.library):
        note = f"{one.needs.capitalize()}. {one.graph.description}" if one.lacks else one.graph.description
        offer = Offer(f"preset {one.name}", "Presets", one.graph.title or one.name, one.name, note, one.graph)
        yield offer, partial(_begin_preset, documents, one.path, demo)


def _begin_preset(documents: Documents, path: Path, demo: Callable[[], object]) -> None:
    """A preset is heard at once: with the demo song until another is opened."""
    documents.open_preset(path)
    if documents.listener.song is None:
        demo()
