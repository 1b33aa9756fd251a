"""The page for those who want no canvas: songs, a graph, its knobs, go; the queue with progress, scores and stems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.knob_words import shown_value, with_unit
from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.model.published import PublishedKnob
from midistems_graph.editor.model.scene import Scene
from midistems_graph.editor.runs.job import Job, State
from midistems_graph.editor.runs.order import Order, called
from midistems_graph.editor.view.browser import shortened
from midistems_graph.editor.view.knob_controls import place_of, value_at
from midistems_graph.editor.view.marks import spoken
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.pointer import Key
from midistems_graph.editor.view.scripts import seen
from midistems_graph.editor.view.small_graph import draw_small
from midistems_graph.editor.view.themes import add_columns, chosen_button_theme, flat_theme, quiet_button_theme

LEFT = 420.0
PICTURE = 74.0
FOOT = 132.0
"""Height of the part that is always seen: where stems go, and the button that begins."""

Do = Callable[[], object]


@dataclass(frozen=True)
class SeparateHands:
    """What the page asks for."""

    add_songs: Do
    add_folder: Do
    add_demo: Do
    remove_song: Callable[[Path], object]
    choose: Callable[[int], object]
    bind: Callable[[str, bool], object]
    """Choose a file (or, if so, a folder) for a further input."""
    turn: Callable[[PublishedKnob, object], object]
    to_canvas: Do
    choose_output: Do
    choose_truth: Do
    go: Do
    cancel: Do
    clear: Do
    hear: Callable[[Job, str], object]


@dataclass(frozen=True)
class SeparateState:
    """What the page shows. `heard` is the song and stem that plays."""

    order: Order
    knobs: tuple[PublishedKnob, ...] = ()
    scene: Scene | None = None
    jobs: tuple[tuple[Job, State], ...] = ()
    version: int = 0
    heard: tuple[Path, str] | None = None


class SeparatePage:
    """The page; `state` is asked before every frame, and only what changed is built again."""

    name = "separate"

    def __init__(self, state: Callable[[], SeparateState], hands: SeparateHands) -> None:
        self._state, self._hands = state, hands
        self._shown: SeparateState | None = None
        self._bars: list[int] = []
        self.buttons: dict[str, int] = {}
        self.controls: dict[str, int] = {}
        self._values: dict[str, int] = {}

    def build(self, parent: int, size: tuple[float, float], palette: Palette, scale: float) -> None:
        self._palette, self._scale, self._shown = palette, scale, None
        left = int(min(LEFT * scale, size[0] / 2))
        self._themes = quiet_button_theme(palette), chosen_button_theme(palette)
        foot, height = int(FOOT * scale), int(size[1])
        places = ((0, 0, left, height - foot), (0, height - foot, left, foot), (left, 0, int(size[0]) - left, height))
        self._left, self._below, self._right = (
            int(
                dpg.add_child_window(
                    parent=parent, pos=[x, y], width=wide, height=high, border=False, always_use_window_padding=True
                )
            )
            for x, y, wide, high in places
        )
        for area, ground in ((self._left, palette.panel), (self._below, palette.panel), (self._right, palette.ground)):
            dpg.bind_item_theme(area, flat_theme(ground, (18 * scale, 12 * scale)))
        self._width = size[0] - left
        self.tick()

    def key(self, key: Key) -> bool:
        if key.ctrl and key.name == "Enter":
            self._hands.go()
        elif key.ctrl and key.name == "Period":
            self._hands.cancel()
        else:
            return False
        return True

    def tick(self) -> bool:
        """Show what changed."""
        state, old = self._state(), self._shown
        self._shown = state
        if old is None or _frame(old) != _frame(state):
            self._build_left(state)
        elif old.knobs != state.knobs:
            for knob in state.knobs:
                if knob.id in self._values:
                    dpg.set_value(self._values[knob.id], with_unit(knob.knob, knob.value))
        if old is None or (old.version, old.heard) != (state.version, state.heard):
            self._build_right(state)
        running = False
        for bar, (_, job_state) in zip(self._bars, state.jobs, strict=False):
            if job_state.status == "running" and bar:
                running = True
                left = f"{spoken(job_state.left)} left" if job_state.left is not None else f"{job_state.done:.0%}"
                dpg.set_value(bar, job_state.done)
                dpg.configure_item(bar, overlay=left)
        return running

    # Left: what is asked for

    def _build_left(self, state: SeparateState) -> None:
        dpg.delete_item(self._left, children_only=True)
        self.buttons.clear()
        self.controls.clear()
        self._values.clear()
        p, order = self._palette, state.order
        with dpg.group(parent=self._left):
            self._heading("Songs")
            for song in order.songs:
                with dpg.group(horizontal=True):
                    self._quiet_button("x", partial(self._hands.remove_song, song))
                    dpg.add_text(seen(called(song, order.songs)), color=p.text)
            if not order.songs:
                dpg.add_text("none yet: add some, or paste their paths", color=p.faint)
            with dpg.group(horizontal=True):
                self._button("Add songs", self._hands.add_songs)
                self._button("Add a folder", self._hands.add_folder)
                self._button("Demo song", self._hands.add_demo)
            self._heading("Graph")
            titles = [recipe.title for recipe in order.recipes]
            at = {title: place for place, title in reversed(list(enumerate(titles)))}
            self.controls["graph"] = int(
                dpg.add_combo(
                    titles,
                    default_value=titles[order.chosen] if titles else "",
                    width=-1,
                    callback=lambda _, title: self._hands.choose(at[title]),
                )
            )
            recipe = order.recipe
            if recipe is not None:
                self._picture(state.scene)
                about = recipe.graph.description.partition(". ")[0].rstrip(".")
                if about:
                    dpg.add_text(f"{about}.", color=p.soft, wrap=int((LEFT - 44) * self._scale))
                for knob in state.knobs:
                    self._knob(knob)
                self._further_inputs(order)
        self._build_below(order)

    def _further_inputs(self, order: Order) -> None:
        """What the graph takes beside the song: a file or a folder for each."""
        if order.slots:
            self._heading("Further inputs")
        for name, slot in order.slots.items():
            path = order.inputs.get(name)
            with dpg.group(horizontal=True):
                self._button("File", partial(self._hands.bind, name, False), f"file {name}")
                self._button("Folder", partial(self._hands.bind, name, True), f"folder {name}")
                lacks = "may stay open" if slot.optional else "needed"
                words = _short(f"{name}: {shortened(path) if path else lacks}", 34)
                text = dpg.add_text(words, color=self._palette.text if path or slot.optional else self._palette.warn)
                if slot.description:
                    with dpg.tooltip(text):
                        dpg.add_text(slot.description, wrap=int(320 * self._scale))

    def _build_below(self, order: Order) -> None:
        dpg.delete_item(self._below, children_only=True)
        p = self._palette
        with dpg.group(parent=self._below):
            with dpg.group(horizontal=True):
                self._button("Stems to", self._hands.choose_output, "output", width=90)
                dpg.add_text(_short(shortened(order.output), 36), color=p.text)
            with dpg.group(horizontal=True):
                self._button("True stems", self._hands.choose_truth, width=90)
                shown = _short(shortened(order.truth), 36) if order.truth else "with them there are scores"
                dpg.add_text(shown, color=p.text if order.truth else p.faint)
            dpg.add_spacer(height=int(2 * self._scale))
            with dpg.group(horizontal=True):
                go = self._button("Separate", self._hands.go, "go", width=128)
                dpg.bind_item_theme(go, self._themes[1])
                self._button("Open on the canvas", self._hands.to_canvas, "canvas")
                dpg.add_text(order.lacks or "Ctrl+Enter", color=p.faint)

    def _picture(self, scene: Scene | None) -> None:
        if scene is None:
            return
        wide, high = (LEFT - 44) * self._scale, PICTURE * self._scale
        draw = int(dpg.add_drawlist(int(wide), int(high)))
        draw_small(scene, Rect(4, 4, wide - 4, high - 4), draw, self._palette)

    def _knob(self, knob: PublishedKnob) -> None:
        p, s = self._palette, self._scale
        turn = partial(self._hands.turn, knob)
        with dpg.group(horizontal=True):
            name = knob.knob.name.replace("_", " ")
            text = dpg.add_text(_short(f"{name} · {knob.label}" if knob.label else name, 27), color=p.soft)
            with dpg.tooltip(text):
                turns = ", ".join(map(str, knob.ends))
                dpg.add_text(f"{turns}; allowed: {knob.knob.allowed}", wrap=int(320 * s))
            x = int(206 * s)
            match knob.knob.kind:
                case "bool":
                    control = dpg.add_checkbox(
                        default_value=bool(knob.value), pos=(), callback=lambda _, value: turn(value)
                    )
                case "choice":
                    choices = [str(choice) for choice in knob.knob.choices]
                    control = dpg.add_combo(
                        choices, default_value=str(knob.value), width=-1, callback=lambda _, value: turn(value)
                    )
                case _ if knob.knob.range is not None and isinstance(knob.value, int | float):
                    control = dpg.add_slider_float(
                        width=int(84 * s),
                        max_value=1.0,
                        format="",
                        no_input=True,
                        default_value=place_of(knob.knob, float(knob.value)),
                        callback=lambda _, at: turn(value_at(knob.knob, at)),
                    )
                    self._values[knob.id] = int(dpg.add_text(with_unit(knob.knob, knob.value), color=p.text))
                case _:
                    control = dpg.add_input_text(
                        default_value=shown_value(knob.value),
                        width=-1,
                        on_enter=True,
                        callback=lambda _, value: turn(value),
                    )
            dpg.configure_item(control, indent=x)
        self.controls[knob.id] = int(control)

    # Right: what came of it

    def _build_right(self, state: SeparateState) -> None:
        dpg.delete_item(self._right, children_only=True)
        self._bars = []
        p = self._palette
        with dpg.group(parent=self._right):
            with dpg.group(horizontal=True):
                dpg.add_text(_summary(state.jobs), color=p.soft)
                if any(not one.is_over for _, one in state.jobs):
                    self._quiet_button("Cancel", self._hands.cancel, "cancel")
                if any(one.is_over for _, one in state.jobs):
                    self._quiet_button("Clear what is over", self._hands.clear, "clear")
            dpg.add_spacer(height=4)
            songs = [job.song for job, _ in state.jobs]
            for number, (job, job_state) in enumerate(state.jobs):
                self._job(number, job, job_state, state.heard, songs)
            if not state.jobs:
                dpg.add_text("Stems, levels and scores appear here, song by song.", color=p.faint)

    def _job(self, number: int, job: Job, state: State, heard: tuple[Path, str] | None, songs: Sequence[Path]) -> None:
        p, s = self._palette, self._scale
        colors = {"done": p.good, "failed": p.bad, "running": p.accent}
        with dpg.group(horizontal=True):
            dpg.add_text(seen(called(job.song, songs)), color=p.text)
            dpg.add_text(seen(job.name), color=p.faint)
            words = f"done in {spoken(state.came.seconds)}" if state.came else state.status
            dpg.add_text(words, color=colors.get(state.status, p.faint))
            bar = 0
            if state.status == "running":
                bar = int(dpg.add_progress_bar(width=int(180 * s), height=int(16 * s)))
            self._bars.append(bar)
        for sentence in state.said[:4]:
            color = p.bad if state.status == "failed" else p.warn
            dpg.add_text(sentence, color=color, wrap=int(self._width - 60 * s))
        if state.came is not None:
            self._came(number, job, state, heard)
        dpg.add_separator()

    def _came(self, number: int, job: Job, state: State, heard: tuple[Path, str] | None) -> None:
        came, p = state.came, self._palette
        assert came is not None
        if came.outputs:
            scored = bool(came.scores)
            heads = ["", "stem", "file", "peak", "LUFS", *(("SI-SDR", "mixture's") if scored else ())]
            with dpg.table(header_row=True, borders_innerH=False, policy=dpg.mvTable_SizingFixedFit, pad_outerX=True):
                add_columns(heads, self._scale, {"stem": 1, "file": 3})
                self._row(job, "the song", "", {}, None, None, scored, heard, number)
                for output in came.outputs:
                    own = came.scores.get(output.node, {})
                    self._row(
                        job,
                        output.stem,
                        output.path.name,
                        output.figures,
                        own.get(output.stem),
                        came.mixture.get(output.stem),
                        scored,
                        heard,
                        number,
                    )
        for figure in came.figures:
            row = f" {figure.row}" if figure.row else ""
            name = "" if figure.name == "value" else f" {figure.name}"
            dpg.add_text(f"{figure.node}{row}:{name} {figure.value:.1f} {figure.unit}".rstrip(), color=p.soft)

    def _row(
        self,
        job: Job,
        stem: str,
        file: str,
        figures: Mapping[str, float],
        score: float | None,
        mixture: float | None,
        scored: bool,
        heard: tuple[Path, str] | None,
        number: int,
    ) -> None:
        p = self._palette
        is_heard = heard == (job.song, stem)
        with dpg.table_row():
            label = "playing" if is_heard else "hear"
            button = self._quiet_button(label, partial(self._hands.hear, job, stem), f"hear {number} {stem}")
            if is_heard:
                dpg.bind_item_theme(button, self._themes[1])
            dpg.add_text(seen(stem), color=p.text)
            dpg.add_text(seen(file), color=p.faint)
            dpg.add_text(_decibel(figures.get("peak")), color=p.soft)
            dpg.add_text(_decibel(figures.get("lufs")), color=p.soft)
            if scored:
                better = score is not None and mixture is not None and score > mixture
                dpg.add_text(_decibel(score), color=p.good if better else p.text)
                dpg.add_text(_decibel(mixture), color=p.faint)

    # Parts

    def _heading(self, text: str) -> None:
        dpg.add_spacer(height=int(6 * self._scale))
        dpg.add_text(text, color=self._palette.faint)

    def _button(self, label: str, do: Do, name: str = "", width: int = 0) -> int:
        button = int(dpg.add_button(label=label, width=int(width * self._scale), callback=lambda: do()))
        self.buttons[name or label] = button
        return button

    def _quiet_button(self, label: str, do: Do, name: str = "") -> int:
        button = int(dpg.add_button(label=label, callback=lambda: do()))
        dpg.bind_item_theme(button, self._themes[0])
        self.buttons[name or label] = button
        return button


def _frame(state: SeparateState) -> object:
    """What the left side shows beside the places of sliders, which must not be built anew while one is dragged."""
    order = state.order
    titles = tuple(recipe.title for recipe in order.recipes)
    bound = tuple(sorted(order.inputs.items()))
    return order.songs, titles, order.chosen, order.output, order.truth, bound, tuple(knob.id for knob in state.knobs)


def _summary(jobs: Sequence[tuple[Job, State]]) -> str:
    counts = {name: sum(state.status == name for _, state in jobs) for name in ("done", "failed", "running", "waiting")}
    parts = [f"{count} {name}" for name, count in counts.items() if count]
    return (
        f"{len(jobs)} {'song' if len(jobs) == 1 else 'songs'}: {', '.join(parts) or 'cancelled'}" if jobs else "Queue"
    )


def _decibel(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.1f}"


def _short(text: str, most: int) -> str:
    return seen(text if len(text) <= most else text[: most - 1] + "…")
