"""The window itself: opened, drawn frame by frame at its own pace, closed. One at a time, on the main thread."""

from __future__ import annotations

import faulthandler
import logging
import time
from collections.abc import Callable
from functools import partial

import dearpygui.dearpygui as dpg

from midistems_graph.editor.view.fonts import text_font
from midistems_graph.editor.view.jobs import Jobs, guarded
from midistems_graph.editor.view.pace import Pace
from midistems_graph.editor.view.palette import CLEAR, DARK, Palette
from midistems_graph.editor.view.themes import TEXT_SIZE, build_theme, flat_theme

log = logging.getLogger(__name__)


class Window:
    """Context, viewport, fonts, theme and loop. `root` is where the parts of the editor are put.

    `visible=False` makes all items but shows nothing, so that no display is needed (tests).
    """

    def __init__(self, palette: Palette = DARK, scale: float = 1.0) -> None:
        self.palette, self.scale = palette, scale
        self.jobs, self.pace = Jobs(), Pace()
        self.resized: Callable[[], None] = lambda: None
        self.asked_to_close: Callable[[], None] = self.stop
        self.root = 0
        self._themes: tuple[int, int] | None = None
        self._running = False
        self._opened = self._visible = False

    def open(self, title: str, width: int = 1280, height: int = 800, *, visible: bool = True) -> None:
        """Make the context and the window. Call `check_display` before a visible one."""
        faulthandler.enable()
        dpg.create_context()
        self._opened, self._visible = True, visible
        dpg.configure_app(manual_callback_management=True, keyboard_navigation=False)
        self.load_font()
        self.root = int(
            dpg.add_window(
                no_scrollbar=True,
                no_scroll_with_mouse=True,
                no_bring_to_front_on_focus=True,
                no_title_bar=True,
                no_background=True,
                no_move=True,
                no_resize=True,
                no_saved_settings=True,
                pos=[0, 0],
                width=width,
                height=height,
            )
        )  # no primary window, for that would be painted behind everything, which is most of a frame in software
        self.use(self.palette, self.scale)
        if visible:
            dpg.create_viewport(
                title=title, width=width, height=height, x_pos=0, y_pos=0, vsync=False, disable_close=True,
                min_width=640, min_height=480, clear_color=self.palette.ground,
            )  # fmt: skip
            dpg.set_exit_callback(lambda: self.jobs.post(lambda: self.asked_to_close()))
            dpg.set_viewport_resize_callback(lambda: self.jobs.post(self._resize, "resized"))
            dpg.setup_dearpygui()
            dpg.show_viewport()

    def close(self) -> None:
        """End the window; nothing of Dear PyGui may be called after it."""
        if self._opened:
            self._opened = False
            dpg.destroy_context()

    @property
    def is_open(self) -> bool:
        return self._opened

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the inside in pixels."""
        if not self._visible:
            return 1280, 800
        return dpg.get_viewport_client_width(), dpg.get_viewport_client_height()

    def use(self, palette: Palette, scale: float) -> None:
        """Another palette or interface scale."""
        self.palette, self.scale = palette, scale
        old = self._themes
        self._themes = build_theme(palette, scale), flat_theme(CLEAR)
        dpg.bind_theme(self._themes[0])
        dpg.bind_item_theme(self.root, self._themes[1])
        dpg.set_global_font_scale(scale)
        if self._visible and dpg.is_viewport_ok():
            dpg.set_viewport_clear_color(list(palette.ground))
        for theme in old or ():
            dpg.delete_item(theme)

    def set_title(self, title: str) -> None:
        if self._visible:
            dpg.set_viewport_title(title)

    def frame(self) -> float:
        """Run jobs, draw one frame and answer what people did; the processor seconds it took."""
        before = time.process_time()
        if self.jobs.run():
            self.pace.moved(time.monotonic())
        dpg.render_dearpygui_frame()
        self._answer()
        return time.process_time() - before

    def run(self, each_frame: Callable[[], bool]) -> None:
        """Draw until `stop`. `each_frame` is called before every frame and says whether something moves."""
        self._running = True
        while self._running and dpg.is_dearpygui_running():
            begin = time.monotonic()
            if each_frame():
                self.pace.moved(begin)
            self.pace.drawn(self.frame())
            self._wait(begin)

    def stop(self) -> None:
        self._running = False

    def _resize(self) -> None:
        width, height = self.size
        dpg.configure_item(self.root, width=width, height=height)
        self.resized()

    def _wait(self, begin: float) -> None:
        """Sleep until the next frame is due; a job wakes the loop early."""
        while self._running:
            left = begin + self.pace.interval(time.monotonic()) - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.02))
            if self.jobs:
                self.pace.moved(time.monotonic())
                return

    def _answer(self) -> None:
        """Run the callbacks of what was clicked and typed; one that fails does not stop the others."""
        for job in dpg.get_callback_queue() or ():
            callback, *arguments = job
            if callback is None:
                continue
            code = getattr(callback, "__code__", None)
            count = len(arguments) if code is None else code.co_argcount - hasattr(callback, "__self__")
            self.pace.moved(time.monotonic())
            guarded(partial(callback, *arguments[:count]))

    def load_font(self) -> None:
        """Write with the text font; again when a better one is there."""
        font = text_font()
        if font is not None:
            with dpg.font_registry():
                dpg.bind_font(dpg.add_font(str(font), TEXT_SIZE))
