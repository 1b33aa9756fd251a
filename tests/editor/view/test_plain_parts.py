"""The parts of the view that need no window: pace, jobs, camera, layout, pictures, lists of files, palette."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.editor.model.plane import Rect
from midistems_graph.editor.view.browser import NEW, UP, Kind, listed, named, where
from midistems_graph.editor.view.camera import Camera
from midistems_graph.editor.view.display import NoDisplay, check_display
from midistems_graph.editor.view.jobs import Jobs
from midistems_graph.editor.view.layout import Layout
from midistems_graph.editor.view.marks import Mark, clock, spoken, summed
from midistems_graph.editor.view.pace import IDLE_SLOWEST, MOVING, STAYS, Pace
from midistems_graph.editor.view.palette import DARK, LIGHT, Palette


def test_the_window_is_drawn_often_while_something_moves_and_rarely_otherwise() -> None:
    pace = Pace()
    pace.moved(10.0)
    assert pace.interval(10.0 + STAYS / 2) == MOVING
    for _ in range(100):
        pace.drawn(0.012)
    idle = pace.interval(10.0 + 2 * STAYS)
    assert 0.012 / idle < 0.12
    for _ in range(100):
        pace.drawn(0.4)
    assert pace.interval(20.0) == IDLE_SLOWEST


def test_jobs_with_one_key_are_one_and_a_failing_job_does_not_stop_the_others() -> None:
    jobs, ran = Jobs(), []
    jobs.post(lambda: ran.append("first"), "progress")
    jobs.post(lambda: 1 / 0)
    jobs.post(lambda: ran.append("last"), "progress")
    jobs.post(lambda: ran.append("other"))
    jobs.run(seconds=10)
    assert ran == ["last", "other"]
    assert not jobs


PIXELS = Rect(0, 40, 980, 640)


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.floats(250, 40_000))
def test_a_point_goes_to_its_pixel_and_back(x: float, y: float, width: float) -> None:
    camera = Camera.on(Rect(-width / 2, -10, width / 2, 10), PIXELS)
    assert camera.world(camera.pixel((x, y))) == pytest.approx((x, y), abs=1e-6 * width)
    assert camera.seen.width / PIXELS.width == pytest.approx(camera.seen.height / PIXELS.height)


@given(st.integers(640, 4000), st.integers(480, 3000), st.sampled_from([0.75, 1.0, 2.0]), st.booleans())
def test_the_parts_of_the_window_fill_it_without_overlapping(w: int, h: int, scale: float, listening: bool) -> None:
    layout = Layout.of(w, h, scale, inspector=True, listening=listening)
    parts = (layout.top, layout.canvas, layout.inspector, layout.listening, layout.desk)
    parts = (*parts, layout.transport, layout.status)
    assert sum(part.width * part.height for part in parts) == pytest.approx(w * h)
    assert layout.canvas.right == layout.inspector.left


def test_files_are_found_by_a_part_of_their_name_in_any_script(tmp_path: Path) -> None:
    for name in ("песня.json", "歌.wav", "notes.txt", ".hidden.json"):
        (tmp_path / name).write_text("x")
    (tmp_path / "folder").mkdir()
    assert [row.title for row in listed(tmp_path, "", Kind("", (".json", ".wav")))] == [
        "..",
        "folder/",
        "песня.json",
        "歌.wav",
    ]
    assert [row.title for row in listed(tmp_path, "ПЕС", Kind("", (".json",))) if row.id != UP] == ["песня.json"]
    assert listed(Path("/"), str(tmp_path), Kind("", (".wav",)))[-1].id == str(tmp_path / "歌.wav")
    assert {where(Path("/"), str(tmp_path)), where(tmp_path, "歌"), where(Path("/"), str(tmp_path / "歌"))} == {
        tmp_path
    }


def test_a_new_name_gets_its_suffix(tmp_path: Path) -> None:
    assert listed(tmp_path, "song", Kind("", (".json",)), True)[0].id == NEW
    assert named(tmp_path, "song", Kind("", (".json", ".mgraph"))) == tmp_path / "song.json"
    assert named(tmp_path, "song.mgraph", Kind("", (".json", ".mgraph"))) == tmp_path / "song.mgraph"
    assert named(tmp_path, str(tmp_path / "a"), Kind("", (".json", ".mgraph"))) == tmp_path / "a.json"


def test_a_folder_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (row,) = (row for row in listed(tmp_path / "gone", "", Kind("", (".json",))) if not row.enabled)
    assert "cannot be read" in row.title


def test_without_a_display_there_is_a_sentence_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dearpygui.dearpygui", exc_type=ImportError)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(NoDisplay, match="run-graph"):
        check_display()
    monkeypatch.setenv("DISPLAY", ":9731")
    with pytest.raises(NoDisplay, match="does not answer"):
        check_display()


def test_times_are_written_as_people_say_them() -> None:
    assert [spoken(s) for s in (0.08, 3.24, 125, 3700)] == ["80 ms", "3.2 s", "2:05 min", "1:01 h"]
    assert clock(62.34) == "1:02.3"
    assert Mark("failed", sentence="why").words == "why"
    assert Mark("cached", seconds=2.0, null=-92.4).words == "2.0 s · null -92 dB"


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda p: p.name)
def test_text_can_be_read_on_every_ground(palette: Palette) -> None:
    for ground in (palette.ground, palette.panel, palette.node, palette.node_title, palette.raised):
        assert contrast(palette.text, ground) > 7
        assert contrast(palette.soft, ground) > 4.5


def contrast(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """Contrast ratio of WCAG 2."""

    def light(color: tuple[int, ...]) -> float:
        parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color[:3]]
        return float(np.dot(parts, (0.2126, 0.7152, 0.0722)))

    low, high = sorted((light(a), light(b)))
    return (high + 0.05) / (low + 0.05)


def test_an_instance_shows_the_weightiest_of_its_nodes_and_sums() -> None:
    parts = [Mark("cached", 1.0, 2.0, 100), Mark("failed", sentence="it is too loud"), Mark("cached", 1.0, 1.0, 5)]
    shown = summed(parts)
    assert (shown.phase, shown.seconds, shown.nbytes, shown.sentence) == ("failed", 3.0, 105, "it is too loud")
    assert summed([Mark("dirty", 0.0, None, 5), Mark("left out", 1.0)]) == Mark("dirty", 0.5, None, 5)
