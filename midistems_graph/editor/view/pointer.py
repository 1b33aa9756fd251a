"""Mouse and keys of the window as events of the model, in world coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import dearpygui.dearpygui as dpg

from midistems_graph.editor.model.events import Event
from midistems_graph.editor.model.held_keys import HeldKeys
from midistems_graph.editor.view.camera import Camera
from midistems_graph.editor.view.canvas import Canvas
from midistems_graph.editor.view.menu import Menu

NOWHERE = (-1e9, -1e9)
"""Where nothing is ever put."""

Button = Literal["left", "right", "middle"]
BUTTONS: dict[int, Button] = {0: "left", 1: "right", 2: "middle"}

PAGE_UP, PAGE_DOWN, EQUAL = 517, 518, 602
"""As they arrive; mvKey_Prior, mvKey_Next and mvKey_Plus of Dear PyGui 2.3 are numbers that no key has."""

NAMES = {
    dpg.mvKey_Spacebar: "Space",
    dpg.mvKey_Return: "Enter",
    dpg.mvKey_NumPadEnter: "Enter",
    dpg.mvKey_Escape: "Escape",
    dpg.mvKey_Tab: "Tab",
    dpg.mvKey_Delete: "Delete",
    dpg.mvKey_Back: "Backspace",
    dpg.mvKey_Insert: "Insert",
    dpg.mvKey_Left: "Left",
    dpg.mvKey_Right: "Right",
    dpg.mvKey_Up: "Up",
    dpg.mvKey_Down: "Down",
    dpg.mvKey_Home: "Home",
    dpg.mvKey_End: "End",
    PAGE_UP: "PageUp",
    PAGE_DOWN: "PageDown",
    EQUAL: "Plus",
    dpg.mvKey_Add: "Plus",
    dpg.mvKey_Minus: "Minus",
    dpg.mvKey_Subtract: "Minus",
    dpg.mvKey_Comma: "Comma",
    dpg.mvKey_Period: "Period",
    dpg.mvKey_Slash: "Slash",
    **{getattr(dpg, f"mvKey_{letter}"): letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    **{getattr(dpg, f"mvKey_{digit}"): str(digit) for digit in range(10)},
    **{getattr(dpg, f"mvKey_F{k}"): f"F{k}" for k in range(1, 13)},
}
"""Keys as shortcuts are written."""


@dataclass(frozen=True)
class Key:
    """A key that was pressed, what was held with it, and whether a text field takes it."""

    name: str
    ctrl: bool = False
    shift: bool = False
    alt: bool = False
    typing: bool = False


MODIFIERS = {
    dpg.mvKey_LControl: "Ctrl",
    dpg.mvKey_RControl: "Ctrl",
    dpg.mvKey_LShift: "Shift",
    dpg.mvKey_RShift: "Shift",
    dpg.mvKey_LAlt: "Alt",
    dpg.mvKey_RAlt: "Alt",
}


def modifiers() -> tuple[bool, bool, bool]:
    """Whether Shift, Control (or Command) and Alt are down."""
    return (
        dpg.is_key_down(dpg.mvKey_LShift) or dpg.is_key_down(dpg.mvKey_RShift),
        dpg.is_key_down(dpg.mvKey_LControl) or dpg.is_key_down(dpg.mvKey_RControl),
        dpg.is_key_down(dpg.mvKey_LAlt) or dpg.is_key_down(dpg.mvKey_RAlt),
    )


class Pointer:
    """Listens to the whole window; what begins on the canvas goes to it until the button is let go.

    `moved` gets events of the pointer, `pressed` keys.
    """

    def __init__(self, canvas: Canvas, moved: Callable[[Event], None], pressed: Callable[[Key], None]) -> None:
        self.canvas, self._moved, self._pressed = canvas, moved, pressed
        self.menu: Menu | None = None
        """What lies above the canvas and takes the mouse while it is open."""
        self._grabbed: Button | None = None
        self._doubled = False
        self._left = True
        """The pointer is no longer on the canvas, and what it was on knows."""
        self._last: tuple[float, float] = (-1.0, -1.0)
        self._held = HeldKeys()
        with dpg.handler_registry() as self.registry:
            dpg.add_mouse_double_click_handler(0, callback=self._double)
            for button in BUTTONS:
                dpg.add_mouse_click_handler(button, callback=self._down)
                dpg.add_mouse_release_handler(button, callback=self._up)
            dpg.add_mouse_move_handler(callback=self._move)
            dpg.add_mouse_wheel_handler(callback=self._wheel)
            dpg.add_key_press_handler(callback=self._key)  # before releases: see HeldKeys
            dpg.add_key_release_handler(callback=self._key_up)

    @property
    def at(self) -> tuple[float, float]:
        """The pointer on the canvas, in world units."""
        return self.camera.world(self._pixel)

    @property
    def camera(self) -> Camera:
        return self.canvas.camera

    @property
    def _pixel(self) -> tuple[float, float]:
        x, y = dpg.get_mouse_pos(local=False)
        return float(x), float(y)

    @property
    def _is_over(self) -> bool:
        return bool(dpg.is_item_hovered(self.canvas.plot))

    def _event(
        self, kind: Literal["down", "move", "up", "double", "wheel"], button: Button = "left", turn: float = 0.0
    ) -> Event:
        shift, ctrl, alt = modifiers()
        return Event(kind, self.at, button, shift, ctrl, alt, self.camera.scale, turn)

    def _double(self) -> None:
        if self._is_over:
            self._doubled = True
            self._moved(self._event("double"))

    def _down(self, _: int, button: int) -> None:
        if self._doubled and button == 0:
            self._doubled = False
            return
        if self.menu is not None and self.menu.pressed():
            return
        if self._is_over and self._grabbed is None:
            self._grabbed = BUTTONS[button]
            self._moved(self._event("down", BUTTONS[button]))
        elif self._grabbed is not None and BUTTONS[button] == "right":
            self._moved(self._event("down", "right"))

    def _move(self) -> None:
        pixel = self._pixel
        if self.menu is not None and self.menu.is_open:
            self.menu.moved()
        elif pixel == self._last:
            return
        elif self._grabbed is not None or self._is_over:
            self._moved(self._event("move", self._grabbed or "left"))
            self._left = False
        elif not self._left:
            self._left = True
            self._moved(Event("move", NOWHERE))
        self._last = pixel

    def _up(self, _: int, button: int) -> None:
        if self._grabbed == BUTTONS[button]:
            self._grabbed = None
            self._moved(self._event("up", BUTTONS[button]))

    def _wheel(self, _: int, turn: float) -> None:
        if self.menu is not None and self.menu.turned(turn):
            return
        if self._is_over:
            self._moved(self._event("wheel", turn=turn))

    def _key(self, _: int, key: int) -> None:
        if key in MODIFIERS:
            self._held.pressed(MODIFIERS[key])
        name = NAMES.get(key)
        if name is None:
            return
        down = {name for name, is_down in zip(("Shift", "Ctrl", "Alt"), modifiers(), strict=True) if is_down}
        held = self._held.counting(down)
        if name == "Plus":
            held = held - {"Shift"}  # it stands above the equal sign
        self._pressed(Key(name, "Ctrl" in held, "Shift" in held, "Alt" in held, is_typing()))

    def _key_up(self, _: int, key: int) -> None:
        if key in MODIFIERS:
            self._held.released(MODIFIERS[key])


def is_typing() -> bool:
    """Whether a text field takes the keys. Dear PyGui may name the group around a field as what has the focus."""
    return _holds_active_field(dpg.get_focused_item(), 3)


def _holds_active_field(item: int | None, depth: int) -> bool:
    if not item or not dpg.does_item_exist(item):
        return False
    match dpg.get_item_type(item):
        case "mvAppItemType::mvInputText":
            return bool(dpg.is_item_active(item))
        case "mvAppItemType::mvGroup" | "mvAppItemType::mvChildWindow" | "mvAppItemType::mvWindowAppItem" if depth:
            return any(_holds_active_field(child, depth - 1) for child in dpg.get_item_children(item, 1))
    return False
