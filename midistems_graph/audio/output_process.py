"""A sound device that a process of its own serves.

Within one process a device's thread waits for the interpreter whenever a node holds its lock, for a median filter up to
a tenth of a second. A second interpreter has nothing to do but to copy from the feed, which both have mapped.

Over its standard input and output the process gets orders and answers, one JSON object a line. It ends with its
standard input, so it never outlives the program. What libraries write to standard error is dropped.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from midistems_graph.audio.feed import Feed
from midistems_graph.audio.output_base import AudioOut, Device, OutputProblem
from midistems_graph.audio.output_silent import SilentOut
from midistems_graph.audio.output_timing import raise_priority

NULL, TIMER = Device("miniaudio", "<null>"), Device("timer", "<timer>")
"""Devices that keep time and are silent, for tests and benchmarks: miniaudio's own, and a thread that sleeps."""

_PATIENCE = 20.0
"""Seconds for an answer: a slow machine starts an interpreter and opens a device."""

_ENDING = 2.0
"""Seconds in which the process ends by itself once it is told."""

_LOOK_SECONDS = 0.2


class ProcessOut:
    """A device by name (None: the system's own). Raises OutputProblem when it cannot be opened."""

    elsewhere, underflows = True, 0

    def __init__(self, device: Device | None = None, rate: int = 0, period: int = 512) -> None:
        self.channels, self.period, self.note, self._lost = 2, period, "", ""
        wanted = {"backend": device.backend if device else "", "name": device.name if device else ""}
        command = [sys.executable, "-P", "-m", __name__, json.dumps({**wanted, "rate": rate, "period": period})]
        self._answers: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._ending = False
        self._feed: Feed | None = None
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
        except OSError as error:
            raise OutputProblem(f"the process for the sound device cannot be started ({error.strerror})") from None
        self._listener = threading.Thread(target=self._listen, name="sound process", daemon=True)
        self._listener.start()
        try:
            opened = self._answer()
        except OutputProblem:
            self.close()
            raise
        self.name, self.rate = str(opened["name"]), int(opened["rate"])

    def start(self, feed: Feed) -> None:
        self._feed = feed
        self._tell({"do": "start", "path": str(feed.path), "depth": feed.depth, "block": feed.block})
        self._answer()

    def stop(self) -> None:
        with suppress(OutputProblem):
            self._tell({"do": "stop"})
            self._answer()

    def close(self) -> None:
        self._ending = True
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def lost(self) -> str:
        return "" if self._ending else self._lost

    def _tell(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise OutputProblem("the process for the sound device has ended") from None

    def _answer(self) -> dict[str, Any]:
        try:
            answer = self._answers.get(timeout=_PATIENCE)
        except Empty:
            raise OutputProblem("the sound device does not answer; choose another one") from None
        if "error" in answer:
            raise OutputProblem(str(answer["error"]))
        return answer

    def _listen(self) -> None:
        """Take in what the process says; when it ends, the device is gone."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if "lost" in said:
                self._lost = str(said["lost"])
            else:
                self._answers.put(said)
        self._lost = self._lost or "the process for the sound device has ended"
        self._answers.put({"error": self._lost})


def opened_here(device: Device | None, rate: int, period: int) -> AudioOut:
    """A device in this process. Raises OutputProblem."""
    if device is not None and device.backend == "sounddevice":
        from midistems_graph.audio.output_sounddevice import SounddeviceOut

        return SounddeviceOut(device.name, rate or device.rate or 44100, period)
    if device == TIMER:
        return SilentOut(rate, period)
    try:
        from midistems_graph.audio.output_miniaudio import MiniaudioOut
    except ImportError:
        raise OutputProblem("sound needs the package miniaudio; install midistems-graph[editor]") from None
    return MiniaudioOut(device.name if device else "", rate, period, null=device == NULL)


def _serve(wanted: dict[str, Any]) -> None:
    """Open a device and do as one is told, until nobody tells any more."""
    device = Device(wanted["backend"], wanted["name"]) if wanted["name"] else None
    raise_priority()  # of all threads, those of libraries too: they begin with the priority of whoever begins them
    try:
        out = opened_here(device, wanted["rate"], wanted["period"])
    except OutputProblem as problem:
        _say({"error": str(problem)})
        return
    gc.disable()
    _say({"name": out.name, "rate": out.rate})
    feed: Feed | None = None
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_SECONDS):
            if feed is not None and out.underflows:
                feed.underflowed(out.underflows)
            if out.lost:
                _say({"lost": out.lost})
                return

    threading.Thread(target=look, daemon=True).start()
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "stop":
            out.stop()
        else:
            feed = Feed(order["depth"], order["block"], out.channels, out.rate, Path(order["path"]))
            try:
                out.start(feed)
            except OutputProblem as problem:
                _say({"error": str(problem)})
                continue
        _say({"done": order["do"]})
    ended.set()
    out.close()


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve(json.loads(sys.argv[1]))
