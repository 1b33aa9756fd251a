"""The settings, in the place of the inspector: look, sound, names in every script, keys. A choice holds at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.commands import COMMANDS
from midistems_graph.editor.model.settings import SCALE_STEPS, Settings, Theme
from midistems_graph.editor.model.shortcuts import ChordError, Shortcuts
from midistems_graph.editor.view.fonts import font_sentence
from midistems_graph.editor.view.palette import Palette
from midistems_graph.editor.view.pointer import Key
from midistems_graph.editor.view.themes import chosen_button_theme, quiet_button_theme

MOST_KEYS = 24
"""Lines of the list of keys; a search finds the others."""

BESIDE = 42
"""Pixels of padding and scrollbar beside texts."""


@dataclass(frozen=True)
class SettingsHands:
    """What the panel asks for: the settings as they are, others in their place, commands, and to be closed."""

    settings: Callable[[], Settings]
    choose: Callable[[Settings], None]
    do: Callable[[str], None]
    close: Callable[[], None]


class SettingsPanel:
    """The panel in a parent; `build` it when it is opened, and when the look is another."""

    def __init__(self, parent: int, hands: SettingsHands) -> None:
        self.parent, self._hands = parent, hands
        self.is_open = False
        self.controls: dict[str, int] = {}
        self._waiting = ""
        self._query = ""
        self._themes: tuple[int, ...] = ()

    def open(self, palette: Palette, scale: float, width: float) -> None:
        """Show it, so many pixels wide."""
        self.close()
        self.is_open, settings = True, self._hands.settings()
        self._palette, self._scale = palette, scale
        self._wrap = int(width - BESIDE * scale)
        self._themes = quiet_button_theme(palette), chosen_button_theme(palette)
        with dpg.child_window(parent=self.parent, width=-1, height=-1):
            with dpg.group(horizontal=True):
                dpg.add_text("Settings")
                self._button("close", "Close (Esc)", self._hands.close)
            self._heading("Theme")
            with dpg.group(horizontal=True):
                for theme in ("dark", "light"):
                    self._button(theme, theme.capitalize(), self._themer(theme), chosen=settings.theme == theme)
            self._heading("Size of the interface")
            with dpg.group(horizontal=True):
                self._button("smaller", "-", lambda: self._hands.do("smaller"))
                sizes = {f"{step:.0%}": step for step in SCALE_STEPS}
                self.controls["scale"] = int(
                    dpg.add_combo(
                        list(sizes),
                        default_value=f"{settings.ui_scale:.0%}",
                        width=int(90 * scale),
                        callback=lambda _, word: self._choose(ui_scale=sizes[word]),
                    )
                )
                self._button("larger", "+", lambda: self._hands.do("larger"))
            self._heading("Canvas")
            self.controls["minimap"] = int(
                dpg.add_checkbox(
                    label="minimap while not all is seen",
                    default_value=settings.minimap,
                    callback=lambda: self._hands.do("minimap"),
                )
            )
            self._heading("Sound")
            self._button("sound", "Device and buffer", lambda: self._hands.do("sound_device"))
            self._heading("Names in every script")
            dpg.add_text(font_sentence(), color=palette.soft, wrap=self._wrap)
            self._heading("Keys")
            self.controls["search"] = int(
                dpg.add_input_text(
                    hint="find a command",
                    default_value=self._query,
                    width=-1,
                    callback=lambda _, text: self._find(text),
                )
            )
            self._keys = int(dpg.add_group())
        self._list_keys()

    def close(self) -> None:
        self.is_open, self._waiting = False, ""
        self.controls.clear()
        dpg.delete_item(self.parent, children_only=True)
        for theme in self._themes:
            dpg.delete_item(theme)
        self._themes = ()

    def key(self, key: Key) -> bool:
        """Take a key: the new one of a command that waits for it, or Escape; whether it was meant for the panel."""
        if not self.is_open:
            return False
        if not self._waiting:
            if key.name == "Escape" and not key.typing:
                self._hands.close()
                return True
            return False
        command, self._waiting = self._waiting, ""
        if key.name != "Escape":
            held = (("Ctrl", key.ctrl), ("Shift", key.shift), ("Alt", key.alt))
            chord = "+".join([name for name, is_down in held if is_down] + [key.name])
            self._bind(lambda shortcuts: shortcuts.rebound(command, chord))
        self._list_keys()
        return True

    def _choose(self, **changed: object) -> None:
        self._hands.choose(replace(self._hands.settings(), **changed))  # type: ignore[arg-type]

    def _themer(self, theme: Theme) -> Callable[[], None]:
        return lambda: self._choose(theme=theme)

    # Keys

    def _find(self, text: str) -> None:
        self._query = text
        self._list_keys()

    def _list_keys(self) -> None:
        """The commands that are searched, each with a button that waits for another key; above them conflicts."""
        p, shortcuts = self._palette, self._hands.settings().shortcuts
        dpg.delete_item(self._keys, children_only=True)
        words = self._query.lower().split()
        found = [c for c in COMMANDS.values() if all(word in f"{c.about} {c.title}".lower() for word in words)]
        dpg.push_container_stack(self._keys)
        for sentence in shortcuts.conflicts:
            dpg.add_text(sentence, color=p.warn, wrap=self._wrap)
        for command in found[:MOST_KEYS]:
            name = command.name
            keys = "press a key (Esc: none)" if name == self._waiting else ", ".join(shortcuts.chords(name)) or "none"
            with dpg.group(horizontal=True):
                self._button(f"key {name}", keys, self._waiter(name), chosen=name == self._waiting)
                dpg.add_text(command.title, color=p.text if name in shortcuts.changed else p.soft)
                if name in shortcuts.changed:
                    self._button(f"reset {name}", "reset", self._resetter(name))
        if len(found) > MOST_KEYS:
            dpg.add_text(f"and {len(found) - MOST_KEYS} more: type to find them", color=p.faint)
        dpg.pop_container_stack()

    def _waiter(self, command: str) -> Callable[[], None]:
        def wait() -> None:
            self._waiting = command
            self._list_keys()

        return wait

    def _resetter(self, command: str) -> Callable[[], None]:
        def reset() -> None:
            self._bind(lambda shortcuts: shortcuts.reset(command))
            self._list_keys()

        return reset

    def _bind(self, change: Callable[[Shortcuts], Shortcuts]) -> None:
        settings = self._hands.settings()
        try:
            self._hands.choose(replace(settings, shortcuts=change(settings.shortcuts)))
        except ChordError:
            return

    # Parts

    def _heading(self, text: str) -> None:
        dpg.add_spacer(height=int(6 * self._scale))
        dpg.add_text(text, color=self._palette.faint)

    def _button(self, name: str, label: str, do: Callable[[], None], *, chosen: bool = False) -> None:
        button = int(dpg.add_button(label=label, callback=lambda: do()))
        dpg.bind_item_theme(button, self._themes[1] if chosen else self._themes[0])
        self.controls[name] = button
