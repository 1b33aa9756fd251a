"""The editor as a program of its own: opened, driven and closed; and where it cannot be opened."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from driver import small_graph

from midistems_graph.document.files import load, save

pytestmark = pytest.mark.gui

PROGRAM = "import sys, pathlib; from midistems_graph.editor.app import run_editor; "
PROGRAM += "sys.exit(run_editor(pathlib.Path(sys.argv[1])))"


def start(graph: Path, home: Path, display: str) -> subprocess.Popen[str]:
    homes = {name: str(home) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")}
    environment = {**os.environ, **homes, "DISPLAY": display}
    if not display:
        del environment["DISPLAY"]
    command = [sys.executable, "-c", PROGRAM, str(graph)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_without_a_display_it_says_so_and_ends(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("other systems always have a display")
    save(small_graph(), tmp_path / "small.json")
    program = start(tmp_path / "small.json", tmp_path, "")
    said = program.communicate(timeout=60)[1]
    assert program.returncode == 7
    assert said.startswith("midistems-graph: there is no display") and said.count("\n") == 1


def test_a_change_is_saved_with_a_key_and_the_window_closes_with_another(own_display: str, tmp_path: Path) -> None:
    file = tmp_path / "small.json"
    save(small_graph(), file)
    program = start(file, tmp_path, own_display)
    xdotool = {"env": {**os.environ, "DISPLAY": own_display}, "stdout": subprocess.DEVNULL, "check": True}
    try:
        subprocess.run(["xdotool", "search", "--sync", "--name", "small.json"], timeout=30, **xdotool)  # type: ignore[call-overload]
        time.sleep(3)
        subprocess.run(["xdotool", "mousemove", "400", "560", "click", "1"], **xdotool)  # type: ignore[call-overload]
        time.sleep(1)
        for key in ("ctrl+a", "Right", "ctrl+s", "ctrl+q"):
            subprocess.run(["xdotool", "key", key], **xdotool)  # type: ignore[call-overload]
            time.sleep(0.6)
        said = program.communicate(timeout=20)[1]
        assert program.returncode == 0, said
    finally:
        program.kill()
        program.communicate()
    assert load(file).view.nodes["gain"] == (800, 0)
