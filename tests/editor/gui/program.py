"""The editor as a program of its own, driven and watched from outside: what can be waited for is what can be seen."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 120.0
"""Seconds after which something that should be seen is taken for missing; a slow machine takes a part of it."""


def environment(home: Path, display: str, runtime: str = "/nowhere") -> dict[str, str]:
    """A person of their own: settings, state and cache lie in `home`, running windows are found in `runtime`."""
    names = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")
    made = {**os.environ, **{name: str(home) for name in names}, "DISPLAY": display, "XDG_RUNTIME_DIR": runtime}
    return made if display else {name: value for name, value in made.items() if name != "DISPLAY"}


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "midistems_graph.cli.main", *map(str, words)]


def until(seen: Callable[[], bool], what: Callable[[], str]) -> None:
    """Wait for something that can be seen; AssertionError says what is there instead."""
    deadline = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


class Program:
    """A running editor. Keys go to it alone: nothing else is on its display."""

    def __init__(self, process: subprocess.Popen[str], env: dict[str, str]) -> None:
        self.process, self.env = process, env
        self.window = ""

    @property
    def title(self) -> str:
        """What the window is called now; empty before it is on the screen."""
        if not self.window:
            found = self._asked("search", "--onlyvisible", "--pid", str(self.process.pid)).split()
            self.window = found[0] if found else ""
        return self._asked("getwindowname", self.window).strip() if self.window else ""

    def waits(self, title: str) -> None:
        """Go on when the window is called so: the program names a document once it takes keys.

        The keyboard is given to the window, as a window manager would; there is none here.
        """
        is_new = not self.window
        until(lambda: self.title == title or self.process.poll() is not None, lambda: self._state(title))
        assert self.process.poll() is None, self._ended()
        if is_new:
            self._asked("windowfocus", "--sync", self.window)

    def key(self, *keys: str) -> None:
        for key in keys:
            subprocess.run(["xdotool", "key", key], env=self.env, check=True)

    def move(self, x: int, y: int) -> None:
        subprocess.run(["xdotool", "mousemove", str(x), str(y)], env=self.env, check=True)

    def ends(self) -> int:
        """Wait for the end of the program and give its exit code."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it still runs; {self._state('')}") from None
        return self.process.returncode

    def _asked(self, *words: str) -> str:
        asked = subprocess.run(["xdotool", *words], env=self.env, capture_output=True, text=True, check=False)
        return asked.stdout

    def _state(self, title: str) -> str:
        return f"wanted the title {title!r}, the window is called {self.title!r}"

    def _ended(self) -> str:
        return f"ended with {self.process.returncode}: {self.process.stderr.read() if self.process.stderr else ''}"


@contextmanager
def running(home: Path, display: str, *words: object) -> Iterator[Program]:
    """An editor on some files, gone afterwards in any case. The pointer is put where no window is looked at."""
    with tempfile.TemporaryDirectory() as runtime:  # with a short name: a socket's path has little room
        env = environment(home, display, runtime)
        process = subprocess.Popen(
            command(*words),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        program = Program(process, env)
        program.move(400, 560)
        try:
            yield program
        finally:
            process.kill()
            process.communicate()
