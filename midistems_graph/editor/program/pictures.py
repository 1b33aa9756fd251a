"""What is seen of the sound: the strip under the canvas and the small pictures on nodes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from midistems_graph.audio.strokes import Stroke
from midistems_graph.document.graph import Address, Graph
from midistems_graph.editor.audition.takes import Take
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.views import Views
from midistems_graph.editor.pictures.gallery import Gallery
from midistems_graph.editor.pictures.painting import Picture, as_floats
from midistems_graph.editor.pictures.stand_ins import WithPreviews
from midistems_graph.editor.pictures.thumbnail import thumbnail
from midistems_graph.editor.pictures.wishes import Made
from midistems_graph.editor.program.painting import Painting
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.ears import Ears
from midistems_graph.editor.view.jobs import guarded
from midistems_graph.editor.view.palette import STEM_INKS
from midistems_graph.editor.view.panes import Sight
from midistems_graph.editor.view.strip import Strip
from midistems_graph.editor.view.strip_hand import Hands
from midistems_graph.editor.view.textures import Textures

POKE_SECONDS = 0.5
"""Between two looks at what was computed in the meantime."""

LARGE = 0.62
"""The part of the window that a large strip takes."""

THUMBNAIL = 240, 96
"""Width and height of the small pictures on nodes, in pixels."""


class Pictures:
    """Shows at a bench what its ears hear."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.ears: Ears | None = None
        self.comparing = self.large = False
        self.painting = Painting(bench, lambda: self.ears)
        self._strokes: tuple[Take | None, Graph | None, tuple[Stroke, ...]] = None, None, ()
        self._gallery: Gallery | None = None
        self._painter = ThreadPoolExecutor(1, thread_name_prefix="thumbnails")
        self._poke_at = 0.0
        self._thumbnails: dict[str, Address] = {}
        bench.commands |= {
            "views_shows": lambda: self._choose(self._views.next("shows")),
            "views_scale": lambda: self._choose(self._views.next("scale")),
            "views_channel": lambda: self._choose(self._views.next("channel")),
            "views_range": lambda: self._choose(self._views.next("range")),
            "views_brighter": lambda: self._choose(self._views.brighter(1)),
            "views_darker": lambda: self._choose(self._views.brighter(-1)),
            "views_compare": self._compare,
            "views_large": self._enlarge,
            "views_all": lambda: self.strip.see_all(),
            "views_in": lambda: self.strip.zoom(0.5),
            "views_out": lambda: self.strip.zoom(2.0),
        }

    def open(self, hands: Hands) -> None:
        """Begin, when the window is there; `hands` are for what concerns playing."""
        bench = self.bench
        self.textures = Textures()
        painting, window = self.painting, bench.window
        hands = replace(hands, resize=self._resize, do=bench.do, choose=self._choose)
        hands = replace(hands, take=painting.take, paint=painting.paint)
        hands = replace(hands, pick=painting.pick, reshape=painting.reshape)
        self.strip = Strip(bench.listening_area, window.palette, window.scale, self.textures, hands)
        bench.arranged = lambda: self.strip.place(bench.layout.listening)
        bench.show_listening(self._views.height)

    def close(self) -> None:
        self._painter.shutdown(wait=True, cancel_futures=True)
        if self._gallery is not None:
            self._gallery.close()

    def bind(self, ears: Ears | None) -> None:
        """Show another song, or none."""
        if self._gallery is not None:
            self._gallery.close()
            self._gallery = None
        self.ears = ears
        if ears is not None:
            jobs = self.bench.window.jobs

            def shown(made: Made) -> None:
                jobs.post(lambda: self.strip.accept(made), f"picture {made.wish.pane}")

            self._gallery = Gallery(WithPreviews(ears.live, ears, ears.bindings.total), shown)
            self.strip.bind(ears.seconds, ears.deck.song.rate)

    def tick(self) -> bool:
        """Before every frame; whether something moves."""
        self.textures.tick()
        ears, gallery, strip = self.ears, self._gallery, self.strip
        if ears is None or gallery is None:
            strip.look(Sight(), self._views)
            return False
        loop, rate = ears.deck.transport.loop, ears.deck.song.rate
        edges = ears.desk.edges
        pair = (Take.of(edges["A"]), Take.of(edges["B"])) if self.comparing and len(edges) == 2 else None
        sight = Sight(ears.take, self._kind_of(ears.take), pair, self._under(ears.take))
        painting = self.painting
        strip.look(sight, self._views, painting.tool, self._shown_strokes(ears.take), painting.chosen)
        at, playing = ears.deck.status.sample / rate, ears.deck.transport.playing
        strip.mark(at, loop and (loop[0] / rate, loop[1] / rate), playing=playing)
        if strip.changed:
            strip.changed = False
            gallery.want(strip.wishes())
        elif ears.computed and time.monotonic() > self._poke_at:
            ears.computed = False
            self._poke_at = time.monotonic() + POKE_SECONDS
            gallery.poke()
        return strip.is_dragged

    def changed(self) -> None:
        """The document is another one: what is computed otherwise is drawn anew."""
        self.painting.changed()
        if self._gallery is not None:
            self._gallery.poke()

    def recolor(self) -> None:
        window = self.bench.window
        self.strip.recolor(window.palette, window.scale)
        for node_id in list(self._thumbnails):
            self.want_thumbnail(node_id)

    def forget(self) -> None:
        """Another document: the small pictures of the old one go."""
        for node_id in self._thumbnails:
            self.textures.drop(f"thumbnail of {node_id}")
        self._thumbnails.clear()

    # Choices

    @property
    def _views(self) -> Views:
        return self.bench.settings.views

    def _choose(self, views: Views) -> None:
        self.bench.settings = replace(self.bench.settings, views=views)

    def _compare(self) -> None:
        if not self.comparing and (self.ears is None or self.ears.other is None):
            raise Refused("hear two edges first; then both are shown, and their difference")
        self.comparing = not self.comparing

    def _enlarge(self) -> None:
        self.large = not self.large
        window = self.bench.window
        height = window.size[1] * LARGE / window.scale
        self.bench.show_listening(height if self.large else self._views.height)

    def _resize(self, pixels: float) -> None:
        """Pulled by its edge: remembered, unless it is large for the moment."""
        height = Views.bounded(pixels / self.bench.window.scale)
        if not self.large:
            self._choose(replace(self._views, height=height))
        self.bench.show_listening(height)

    def _shown_strokes(self, take: Take | None) -> tuple[Stroke, ...]:
        """The strokes behind a take, looked up when it or the document is another one."""
        graph = self.bench.editor.state.graph
        if self._strokes[0] != take or self._strokes[1] is not graph:
            self._strokes = take, graph, self.painting.strokes()
        return self._strokes[2]

    def _kind_of(self, take: Take | None) -> str:
        """The kind of value that a take's first edge carries; a chosen stem is sound."""
        known = self.bench.editor.insight.map
        if take is None or known is None:
            return ""
        part = take.parts[0]
        return "audio" if part.stem else known.kinds.get((part.address.node, part.address.port), "")

    def _under(self, take: Take | None) -> Take | None:
        """The sound that the curves of a take are about: what the node that gives them was fed with."""
        known = self.bench.editor.insight.map
        if take is None or known is None or self._kind_of(take) != "curves":
            return None
        node = take.parts[0].address.node
        fed = sorted(edge.source for edge in known.flat.edges if edge.target.node == node)
        sounds = (at for at in fed if known.kinds.get((at.node, at.port), "") in ("audio", "stems", "spectrogram"))
        return next(map(Take.of, sounds), None)

    # Small pictures

    def want_thumbnail(self, node_id: str) -> None:
        """Have a small picture made of the first output of a node that was computed."""
        box, insight = self.bench.editor.scene.boxes.get(node_id), self.bench.editor.insight
        spot = next((p for p in box.shape.ports if p.side == "out"), None) if box and box.shape.thumbnail else None
        flat = insight.flat_source(self.bench.editor.state.path, spot.address(node_id)) if spot else None
        ears = self.ears
        if flat is None or ears is None:
            return
        self._thumbnails[node_id] = flat
        ink, jobs = self.bench.window.palette.soft[:3], self.bench.window.jobs

        def work() -> None:
            if self.ears is not ears:  # another song in the meantime
                return
            picture = thumbnail(ears.live, flat, ears.bindings.total, *THUMBNAIL, ink, STEM_INKS)
            if picture is not None:
                jobs.post(lambda: self._show_thumbnail(node_id, flat, picture))

        self._painter.submit(guarded, work)

    def _show_thumbnail(self, node_id: str, flat: Address, picture: Picture) -> None:
        item = self.bench.canvas.nodes.get(node_id)
        if item is not None and self._thumbnails.get(node_id) == flat:
            tag = self.textures.put(f"thumbnail of {node_id}", as_floats(picture).reshape(picture.shape))
            self.bench.canvas.set_marks({node_id: replace(item.mark, picture=tag)})
