"""The processes that run the songs of a batch: begun when there is a song for them, begun again when one has died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

Words = dict[str, Any]

PATIENCE = 4.0
"""Seconds that a worker has to end in order."""


class WorkerDied(Exception):
    """A worker ended in the middle of a song; one sentence on how. `ready`: it had worked before."""

    def __init__(self, how: str, ready: bool) -> None:
        super().__init__(how)
        self.ready = ready


class Hand(Protocol):
    """Runs one song after the other, somewhere; see `Worker`."""

    def run(self, song: Words, told: Callable[[Words], Words | None]) -> Words: ...

    def stop(self) -> None: ...

    def end(self) -> None: ...


class Crew(Protocol):
    """Where the hands of a batch come from."""

    @property
    def wanted(self) -> int:
        """How many songs are to be given out at a time, as things stand."""

    def hire(self) -> Hand: ...


class Worker:
    """One process. `first` is what it is told before all songs; see `song_worker`."""

    def __init__(self, first: Words) -> None:
        self._first = first
        self._process: subprocess.Popen[str] | None = None
        self._ready = False
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, song: Words, told: Callable[[Words], Words | None]) -> Words:
        """Have a song run: what it came to.

        `told` gets what the worker says meanwhile, and gives the answer if it asks. Raises WorkerDied.
        """
        self._start(told)
        self._say(song)
        while True:
            words = self._heard()
            if "over" in words:
                return dict(words["over"])
            answer = told(words)
            if answer is not None:
                self._say(answer)

    @property
    def is_stopped(self) -> bool:
        """Whether it was let end; then it runs no more songs."""
        return self._stopped

    def stop(self) -> None:
        """Let it end in order; the song at work is broken off. Any thread may call this."""
        with self._lock:
            self._stopped = True
            if self._process is not None and self._process.stdin is not None:
                with suppress(OSError):
                    self._process.stdin.close()

    def end(self) -> None:
        """Wait until it has ended, which is forced where it takes too long."""
        process = self._process  # a song that dies meanwhile forgets it
        if process is None:
            return
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _start(self, told: Callable[[Words], Words | None]) -> None:
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            if self._stopped:
                raise WorkerDied("the batch is stopped", True)
            self._ready = False
            self._process = subprocess.Popen(
                # -P: modules come from where they are installed, not from the folder of the songs
                [sys.executable, "-P", "-m", "midistems_graph.cli.batch.song_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                process_group=0 if os.name == "posix" else None,  # Ctrl-C is for the batch alone
            )
        self._say(self._first)
        while "ready" not in (words := self._heard()):
            told(words)
        self._ready = True

    def _say(self, words: Words) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise self._died() from None

    def _heard(self) -> Words:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise self._died()
        words: Words = json.loads(line)
        return words

    def _died(self) -> WorkerDied:
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        code = self._process.poll()
        if code is None:
            self._process.kill()
            code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        self._process = None
        return WorkerDied(how_it_ended(code), self._ready)


def how_it_ended(code: int) -> str:
    """What the code of a process says that was to do more, as a part of a sentence."""
    if code >= 0:
        return f"its process ended by itself with code {code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name
        return f"its process was killed ({name}; with SIGKILL the system often was short of memory)"
    return f"its process was killed (signal {-code})"


class Allowance:
    """Memory that songs at work share, in bytes: who asks for more than is left waits until others are done."""

    def __init__(self, total: int, shares: int) -> None:
        self.total, self._share = total, total // max(shares, 1)
        self._granted: dict[object, int] = {}
        self._waiting: list[object] = []
        self._changed = threading.Condition()

    def grant(self, whose: object, asked: int) -> int:
        """What a song may take: its share, or as much as it asks for if that is more. First come, first served."""
        granted = min(self.total, max(self._share, asked))
        with self._changed:
            self._waiting.append(whose)
            self._changed.wait_for(lambda: self._waiting[0] is whose and self._fits(granted))
            self._waiting.pop(0)
            self._granted[whose] = granted
            self._changed.notify_all()
        return granted

    def give_back(self, whose: object) -> None:
        with self._changed:
            self._granted.pop(whose, None)
            self._changed.notify_all()

    def _fits(self, more: int) -> bool:
        return not self._granted or sum(self._granted.values()) + more <= self.total


def usual_total() -> int:
    """Three quarters of this machine's memory; 4 GB where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4
    except (AttributeError, ValueError, OSError):
        return 4 << 30
