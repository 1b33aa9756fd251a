"""A display of its own for every run, and a window on a small graph for every test."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from driver import Driver, small_graph

from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.settings import Settings
from midistems_graph.editor.view.bench import Bench
from midistems_graph.node.library import installed

DOUBLE_CLICK = 0.35
"""Seconds after which a press where one was before is no double click: a test must not continue the one before."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A process opens one window: in a second one Dear PyGui crashes when callbacks of the first are collected.

    So each file of window tests is run by itself (`make test` does); of several the first runs.
    """
    ours = [item for item in items if item.get_closest_marker("gui")]
    for item in ours:
        if item.path != ours[0].path:
            item.add_marker(pytest.mark.skip(reason=f"a process opens one window: pytest -m gui {item.path.name}"))


@contextmanager
def x_server() -> Iterator[str]:
    """An X server without a screen; in CI its absence is a failure, elsewhere a reason to skip."""
    missing = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
    if missing:
        assert not os.environ.get("CI"), f"{missing[0]} is missing; apt-get install xvfb xauth xdotool"
        pytest.skip(f"needs {missing[0]}")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    command += ["-noreset", "-r"]  # stay as it is when a program leaves; repeat no key that is held
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, pass_fds=(write,), stdout=quiet, stderr=quiet)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        name = ":" + answer.readline().strip().decode()
    yield name
    server.terminate()
    server.wait(10)


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """The display of the window that all tests share."""
    with x_server() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", name)
        yield name


@pytest.fixture
def own_display() -> Iterator[str]:
    """A display for one program alone, which has the keyboard then."""
    with x_server() as name:
        yield name


@pytest.fixture(scope="module")
def window(display: str) -> Iterator[Driver]:
    """One window for the tests of a file: each opens a document of its own in it."""
    bench = Bench(Editor(installed()), Settings(minimap=False))
    bench.open(size=(1000, 700))
    yield Driver(bench)
    bench.close()


@pytest.fixture
def gui(window: Driver) -> Driver:
    time.sleep(DOUBLE_CLICK)
    window.bench.show_document(small_graph())
    window.rest()
    return window
