"""The page of songs: which one is heard, and how the graph scores on each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dearpygui.dearpygui as dpg

from midistems_graph.editor.runs.order import called
from midistems_graph.editor.runs.score_table import ScoreTable
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.pointer import Key
from midistems_graph.editor.view.scripts import seen
from midistems_graph.editor.view.themes import add_columns, chosen_button_theme, flat_theme, quiet_button_theme

Do = Callable[[], object]
MOST_COLUMNS = 8


@dataclass(frozen=True)
class SongsHands:
    """What the page asks for."""

    add: Do
    add_folder: Do
    remove: Callable[[Path], object]
    hear: Callable[[Path], object]
    score: Do
    choose_truth: Do
    cancel: Do


@dataclass(frozen=True)
class SongsState:
    """What the page shows; `version` says that the table may be another one."""

    table: ScoreTable
    heard: Path | None
    is_busy: bool
    version: int
    graph: str = ""
    truth: Path | None = None


class SongsPage:
    """The page; `state` is asked before every frame."""

    name = "songs"

    def __init__(self, state: Callable[[], SongsState], hands: SongsHands) -> None:
        self._state, self._hands = state, hands
        self._shown: object = None
        self.buttons: dict[str, int] = {}

    def build(self, parent: int, size: tuple[float, float], palette: Palette, scale: float) -> None:
        self._palette, self._scale, self._shown = palette, scale, None
        self._themes = quiet_button_theme(palette), chosen_button_theme(palette)
        self._area = int(
            dpg.add_child_window(
                parent=parent,
                pos=[0, 0],
                width=int(size[0]),
                height=int(size[1]),
                border=False,
                always_use_window_padding=True,
            )
        )
        dpg.bind_item_theme(self._area, flat_theme(palette.ground, (22 * scale, 16 * scale)))
        self.tick()

    def key(self, key: Key) -> bool:
        if key.ctrl and key.name == "Enter":
            self._hands.score()
            return True
        return False

    def tick(self) -> bool:
        """Show what changed."""
        state = self._state()
        shown = (state.version, state.heard, state.is_busy, state.table.songs, state.truth)
        if shown != self._shown:
            self._shown = shown
            self._build(state)
        return state.is_busy

    def _build(self, state: SongsState) -> None:
        dpg.delete_item(self._area, children_only=True)
        self.buttons.clear()
        p, table, hands = self._palette, state.table, self._hands
        with dpg.group(parent=self._area):
            dpg.add_text(seen(f"Songs through {state.graph}"), color=p.text)
            dpg.add_text(
                "The same graph over several songs: what helps one may hurt another. "
                "Ctrl+PageDown and Ctrl+PageUp go on to the next song and back, at the same edge.",
                color=p.faint,
                wrap=0,
            )
            with dpg.group(horizontal=True):
                self._button("Add songs", hands.add)
                self._button("Add a folder", hands.add_folder)
                self._button("True stems", hands.choose_truth)
                score = self._button(
                    "Cancel" if state.is_busy else "Score them", hands.cancel if state.is_busy else hands.score, "score"
                )
                dpg.bind_item_theme(score, self._themes[1])
                dpg.add_text("" if state.is_busy else "Ctrl+Enter", color=p.faint)
            dpg.add_spacer(height=int(6 * self._scale))
            if not table.songs:
                dpg.add_text(
                    "No song yet. Files called mixture with their stems beside them are scored.", color=p.faint
                )
                return
            columns = table.columns[:MOST_COLUMNS]
            with dpg.table(header_row=True, policy=dpg.mvTable_SizingFixedFit, borders_innerH=True, pad_outerX=True):
                add_columns(("", "song", *columns, "", ""), self._scale, {"song": 1})
                for song in table.songs:
                    self._row(state, song, columns)
                if len(table.songs) > 1 and columns:
                    with dpg.table_row():
                        dpg.add_text("")
                        dpg.add_text("mean", color=p.soft)
                        for column in columns:
                            mean = table.mean(column)
                            dpg.add_text("-" if mean is None else f"{mean:.1f}", color=p.soft)

    def _row(self, state: SongsState, song: Path, columns: tuple[str, ...]) -> None:
        p, table = self._palette, state.table
        with dpg.table_row():
            is_heard = song == state.heard
            hear = self._button("heard" if is_heard else "hear", partial(self._hands.hear, song), f"hear {song.name}")
            dpg.bind_item_theme(hear, self._themes[1] if is_heard else self._themes[0])
            dpg.add_text(seen(called(song, table.songs)), color=p.text)
            for column in columns:
                cell = table.cells.get((song, column))
                if cell is None:
                    dpg.add_text("-", color=p.faint)
                    continue
                color = p.warn if table.worst(column) == song else p.text
                text = dpg.add_text(f"{cell.value:.1f} {cell.unit}".rstrip(), color=color)
                if cell.detail:
                    with dpg.tooltip(text):
                        dpg.add_text(cell.detail)
            standing = table.states.get(song)
            words = standing.status if standing else ""
            said = standing.said[0] if standing and standing.said else ""
            shown = dpg.add_text(
                words, color=p.bad if words == "failed" else p.accent if words == "running" else p.faint
            )
            if said:
                with dpg.tooltip(shown):
                    dpg.add_text(said, wrap=int(420 * self._scale))
            remove = self._button("x", partial(self._hands.remove, song), f"remove {song.name}")
            dpg.bind_item_theme(remove, self._themes[0])

    def _button(self, label: str, do: Do, name: str = "") -> int:
        button = int(dpg.add_button(label=label, callback=lambda: do()))
        self.buttons[name or label] = button
        return button
