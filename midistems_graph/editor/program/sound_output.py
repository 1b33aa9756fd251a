"""The sound device in the window: which one and how large its buffer is, how it does, and another choice."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from midistems_graph.audio.output_base import AudioOut, Device
from midistems_graph.audio.output_silent import SilentOut
from midistems_graph.audio.player import Health, devices, open_output
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.settings import Settings
from midistems_graph.editor.view.bench import Bench
from midistems_graph.editor.view.ears import Ears
from midistems_graph.editor.view.jobs import guarded
from midistems_graph.editor.view.menu import Row

BUFFERS = (128, 256, 512, 1024, 2048, 4096)

_QUIET_SECONDS = 10.0
"""After the hint about xruns was said it is not said again for so long."""


class SoundOutput:
    """Adds the choice of the device to a bench. `ears` gives the ears of the bound song, if there are any."""

    def __init__(self, bench: Bench, ears: Callable[[], Ears | None]) -> None:
        self.bench, self._ears = bench, ears
        self._opener = ThreadPoolExecutor(1, thread_name_prefix="sound device")
        self._xruns, self._hinted = 0, 0.0
        bench.commands["sound_device"] = self._ask

    def open(self) -> None:
        """Begin, when the window is there."""
        self.bench.status.asked_for_sound = lambda: self.bench.do("sound_device")

    def close(self) -> None:
        self._opener.shutdown(wait=True, cancel_futures=True)

    def begin(self, ears: Ears) -> None:
        """Have ears play on the device of the settings, or what can take its place, as soon as it is opened."""
        settings, jobs = self.bench.settings, self.bench.window.jobs

        def work() -> None:
            out = opened(settings)
            ears.deck.player.use(out)
            if out.note:
                jobs.post(lambda: self.bench.say(out.note, wrong=True))

        self._opener.submit(guarded, work)

    def tick(self, health: Health) -> None:
        """Show how the device does; say what helps when the sound broke off (without a device nobody heard it)."""
        silent = health.device == SilentOut.NAME
        count = 0 if silent else health.xruns
        name = "no sound device" if silent else health.device
        xruns = f"{count} xrun{'s' * (count > 1)} · " if count else ""
        words = f"{xruns}{name} · {health.rate / 1000:g} kHz · {health.period} frames"
        self.bench.status.show_sound(words, wrong=bool(count))
        if count > self._xruns and time.monotonic() - self._hinted > _QUIET_SECONDS:
            self._hinted = time.monotonic()
            self.bench.say(health.hint, wrong=True)
        self._xruns = count

    def _ask(self) -> None:
        """Look for devices on a thread (that takes a moment), then offer them."""
        if self._ears() is None:
            raise Refused("no song is open; press Ctrl+O and choose a sound file")
        jobs = self.bench.window.jobs

        def look() -> None:
            found = devices()
            jobs.post(lambda: self._offer(found))

        self._opener.submit(guarded, look)

    def _offer(self, found: Sequence[Device]) -> None:
        ears = self._ears()
        if ears is None:
            return
        settings, rate = self.bench.settings, ears.deck.player.out.rate
        rows = choices(found, settings, rate, self.bench.window.palette.accent)
        width, height = self.bench.window.size
        at = width - 380.0, height - 30.0
        self.bench.menu.open(at, lambda _: rows, self._choose, width=360, inside=(width, height - 24))

    def _choose(self, row: str) -> None:
        what, _, choice = row.partition(":")
        settings = self.bench.settings
        self.bench.settings = (
            replace(settings, device=choice) if what == "device" else replace(settings, block=int(choice))
        )
        ears = self._ears()
        if ears is not None:
            self.begin(ears)


def opened(settings: Settings) -> AudioOut:
    """The device and buffer of the settings."""
    return open_output(Device.of(settings.device), period=settings.block)


def choices(found: Sequence[Device], settings: Settings, rate: int, dot: tuple[int, int, int, int]) -> list[Row]:
    """The lines of the menu: devices, then buffers with what they add to the delay."""

    def row(what: str, choice: str, title: str, hint: str, chosen: bool) -> Row:
        return Row(f"{what}:{choice}", title, hint, dot if chosen else None)

    rows = [Row("", "Sound device"), row("device", "", "The system's own", "", not settings.device)]
    known = [device.text for device in found]
    for device in found:
        rows.append(row("device", device.text, device.name, device.backend, settings.device == device.text))
    if settings.device and settings.device not in known:
        rows.append(Row("gone", settings.device.partition("/")[2], "not there now", dot, enabled=False))
    rows.append(Row("", "Buffer"))
    for frames in BUFFERS:
        delay = f"{1000 * frames / rate:.0f} ms"
        rows.append(row("buffer", str(frames), f"{frames} frames", delay, settings.block == frames))
    return rows
