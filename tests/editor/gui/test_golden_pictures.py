"""Four pictures of the program as it should look, compared with tolerance: the font is the same everywhere.

After a change that is meant draw them anew, and look at them: run this file with MIDISTEMS_DRAW_GOLDEN=1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from driver import Driver, small_graph
from PIL import Image

from midistems_graph.editor.app import App, Opening
from midistems_graph.editor.model.recent import Recent
from midistems_graph.editor.model.settings import Settings
from midistems_graph.editor.view import window as window_module
from midistems_graph.editor.view.fonts import font_files

pytestmark = pytest.mark.gui

GOLDEN = Path(__file__).parent / "golden"
SIZE = (1000, 640)
FAR = 24
"""By how much a channel of a pixel must differ to count, of 255; at half the size, so that edges may be softer."""
ALLOWED = 0.01
"""The part of all pixels that may differ."""


@pytest.fixture(scope="module")
def app(display: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    font = next((file for file in font_files() if file.name == "DejaVuSans.ttf"), None)
    if font is None:
        assert not os.environ.get("CI"), "DejaVu Sans is missing; apt-get install fonts-dejavu-core"
        pytest.skip("needs DejaVu Sans")
    home = str(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
            patch.setenv(name, home)
        patch.setattr(window_module, "text_font", lambda: font)
        app = App(Opening(), Settings(), Recent())
        app.open(size=SIZE)
        yield app
        app.close()


class Onlooker(Driver):
    """Someone at the program, whose parts go on between frames."""

    def __init__(self, app: App) -> None:
        super().__init__(app.bench)
        self.app = app

    def step(self, frames: int = 3) -> None:
        for _ in range(frames):
            self.app.tick()
            self.bench.window.frame()


@pytest.fixture
def person(app: App) -> Driver:
    app.bench.sheet.close()
    app.bench.show_document(small_graph())
    app.bench.say("")
    onlooker = Onlooker(app)
    onlooker.rest()
    return onlooker


def compare(person: Driver, name: str, tmp_path: Path) -> None:
    """Hold what is seen now against the picture of that name."""
    person.step(6)
    person.picture(tmp_path / "seen.png")
    seen = Image.open(tmp_path / "seen.png").convert("RGB")
    seen = seen.resize((SIZE[0] // 2, SIZE[1] // 2), Image.Resampling.BOX)
    file = GOLDEN / f"{name}.png"
    if os.environ.get("MIDISTEMS_DRAW_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        seen.quantize(128).save(file, optimize=True)
        return
    expected = Image.open(file).convert("RGB")
    assert seen.size == expected.size
    differing = np.any(np.abs(np.asarray(seen, int) - np.asarray(expected, int)) > FAR, axis=2)
    seen.save(tmp_path / f"{name}.png")
    assert differing.mean() <= ALLOWED, f"{differing.mean():.1%} of {name} differs; look at {tmp_path / name}.png"


def test_golden_canvas(person: Driver, tmp_path: Path) -> None:
    person.click(person.title("hpss"))
    compare(person, "canvas", tmp_path)


def test_golden_light(person: Driver, tmp_path: Path) -> None:
    person.bench.do("theme")
    try:
        compare(person, "light", tmp_path)
    finally:
        person.bench.do("theme")


def test_golden_menu(person: Driver, tmp_path: Path) -> None:
    person.click(person.title("pick"), button=3)
    compare(person, "menu", tmp_path)
    person.key("Escape")


def test_golden_separate(person: Driver, app: App, tmp_path: Path) -> None:
    app.separate.order = app.separate.order.__class__(output=Path("/stems"))
    person.key("ctrl+b")
    person.step(4)
    compare(person, "separate", tmp_path)


def test_a_picture_that_is_another_one_is_noticed(person: Driver, tmp_path: Path) -> None:
    if os.environ.get("MIDISTEMS_DRAW_GOLDEN"):
        pytest.skip("nothing is compared while pictures are drawn")
    person.key("ctrl+a", "Delete")
    with pytest.raises(AssertionError, match="differs"):
        compare(person, "canvas", tmp_path)
