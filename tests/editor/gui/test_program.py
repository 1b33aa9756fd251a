"""The editor as a program of its own: opened, driven and closed; killed; and where it cannot be opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from driver import small_graph
from program import command, environment, running, until

from midistems_graph.document.files import load, save

pytestmark = pytest.mark.gui


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.json"
    save(small_graph(), path)
    return path


def test_without_a_display_it_says_so_and_ends(file: Path, tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("other systems always have a display")
    ended = subprocess.run(
        command(file), env=environment(tmp_path, ""), capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 10
    assert ended.stderr.startswith("midistems-graph: there is no display") and ended.stderr.count("\n") == 1


def test_a_change_is_saved_the_last_document_opens_again_and_closing_with_unsaved_work_asks(
    file: Path, tmp_path: Path, own_display: str
) -> None:
    with running(tmp_path, own_display, file) as editor:
        editor.waits("small.json - midistems-graph")
        editor.key("ctrl+a", "Right")
        editor.waits("small.json * - midistems-graph")
        editor.key("ctrl+s")
        editor.waits("small.json - midistems-graph")
        editor.key("ctrl+q")
        assert editor.ends() == 0
    assert load(file).view.nodes["gain"] == (800, 0)
    with running(tmp_path, own_display) as editor:
        editor.waits("small.json - midistems-graph")
        editor.key("ctrl+a", "Right")
        editor.waits("small.json * - midistems-graph")
        editor.key("ctrl+q", "Return")  # the first answer is to save
        assert editor.ends() == 0
    assert load(file).view.nodes["gain"] == (820, 0)


def test_unsaved_work_survives_a_kill_and_is_offered_again(file: Path, tmp_path: Path, own_display: str) -> None:
    with running(tmp_path, own_display, file) as editor:
        editor.waits("small.json - midistems-graph")
        editor.key("ctrl+a", "Right")
        autosave = tmp_path / ".small.json.autosave"
        until(autosave.is_file, lambda: f"no autosave beside {file}")
        editor.process.kill()
        editor.process.wait()
    assert load(file).view.nodes["gain"] == (780, 0)
    with running(tmp_path, own_display, file) as editor:
        editor.waits("small.json - midistems-graph")
        editor.key("ctrl+shift+r")  # takes up what was left
        editor.waits("small.json * - midistems-graph")
        editor.key("ctrl+s")
        editor.waits("small.json - midistems-graph")
        editor.key("ctrl+q")
        assert editor.ends() == 0
    assert load(file).view.nodes["gain"] == (800, 0)
    assert not list(tmp_path.glob(".small.json*autosave"))


def test_names_of_presets_open_as_a_new_document_and_files_of_a_second_start_go_to_its_window(
    file: Path, tmp_path: Path, own_display: str
) -> None:
    with running(tmp_path, own_display, "four_stems", "demo") as editor:
        editor.waits("four_stems - midistems-graph")
        second = subprocess.run(command(file), env=editor.env, capture_output=True, text=True, timeout=120, check=False)
        assert second.returncode == 0 and "the window that runs" in second.stderr
        editor.waits("small.json - midistems-graph")
        editor.key("ctrl+q")
        assert editor.ends() == 0
