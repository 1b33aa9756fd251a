"""Sound devices through miniaudio (PulseAudio, ALSA, JACK, Core Audio, WASAPI), which needs nothing installed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from typing import Any

import miniaudio
import numpy as np

from midistems_graph.audio.feed import Feed
from midistems_graph.audio.output_base import Device, OutputProblem

NAME = "miniaudio"

_LONGEST = 1 << 16
"""Frames; no device asks for more at a time."""


def devices() -> tuple[Device, ...]:
    """The playback devices that are there now; none on a machine without sound."""
    return tuple(Device(NAME, str(found["name"]), _rate(found)) for found in _found()[1])


class MiniaudioOut:
    """A playback device by name (the default one without), or miniaudio's null device, which keeps time in silence.

    Without a rate it is the device's own. Raises OutputProblem when there is no such device or it refuses.
    """

    def __init__(self, name: str = "", rate: int = 0, period: int = 512, *, null: bool = False) -> None:
        self.channels, self.period, self.note = 2, period, ""
        self.lost, self.underflows, self.elsewhere = "", 0, False
        backends = [miniaudio.Backend.NULL] if null else _backends()
        context, found = ("", []) if null or not name else _found()
        chosen = next((device for device in found if device["name"] == name), None)
        if name and not null and chosen is None:
            raise OutputProblem(f"there is no sound device {name!r} any more; choose another one")
        try:
            device_id = chosen["id"] if chosen else None
            self._device = _PlaybackDevice(period, nchannels=2, rate=rate, backends=backends, device_id=device_id)
        except miniaudio.MiniaudioError as error:
            raise OutputProblem(f"the sound device {name or 'of the system'} cannot be opened ({error})") from None
        self.rate = int(self._device._device.sampleRate)
        self.name = name or f"default ({context or self._device.backend})"
        self._device.stop_callback = self._stopped
        self._wanted = False

    def start(self, feed: Feed) -> None:
        asking = _asking(feed)
        next(asking)
        self._wanted = True
        try:
            self._device.start(asking)
        except miniaudio.MiniaudioError as error:
            raise OutputProblem(f"the sound device {self.name} does not start ({error}); choose another one") from None

    def stop(self) -> None:
        self._wanted = False
        with contextlib.suppress(miniaudio.MiniaudioError):
            self._device.stop()

    def close(self) -> None:
        self._wanted = False
        self._device.close()

    def _stopped(self) -> None:
        if self._wanted:
            self.lost = f"the sound device {self.name} is gone"


class _PlaybackDevice(miniaudio.PlaybackDevice):  # type: ignore[misc]
    """A device whose period is given in frames; the library itself takes whole milliseconds only."""

    def __init__(self, period: int, *, nchannels: int, rate: int, backends: list[Any], device_id: Any) -> None:
        self._period = period
        super().__init__(
            miniaudio.SampleFormat.FLOAT32,
            nchannels,
            rate,
            backends=backends,
            device_id=device_id,
            callback_periods=3,
            app_name="midistems-graph",
        )

    def _make_context(self, *args: Any, **kwargs: Any) -> Any:
        self._devconfig.periodSizeInMilliseconds = 0
        self._devconfig.periodSizeInFrames = self._period
        return super()._make_context(*args, **kwargs)


def _asking(feed: Feed) -> Generator[memoryview, int, None]:
    """The generator that miniaudio asks: frames in, their bytes out, always through the same array."""
    block = np.zeros((_LONGEST, 2), np.float32)
    raw = block.data.cast("B")
    frames = yield raw[:0]
    while True:
        part = block[:frames]
        feed.take(part)
        frames = yield raw[: part.nbytes]


def _backends() -> list[Any]:
    """All ways to real devices: with an empty list the library would fall back to silence without a word."""
    unreal = (miniaudio.Backend.NULL, miniaudio.Backend.CUSTOM)
    preferred = (miniaudio.Backend.PULSEAUDIO, miniaudio.Backend.ALSA) if sys.platform == "linux" else ()
    enabled = miniaudio.get_enabled_backends() - set(unreal)
    return sorted(enabled, key=lambda backend: (backend not in preferred, backend.value))


def _found() -> tuple[str, list[dict[str, Any]]]:
    try:
        listing = miniaudio.Devices(_backends())
        return listing.backend, [found for found in listing.get_playbacks() if "Discard all" not in found["name"]]
    except miniaudio.MiniaudioError:
        return "", []


def _rate(found: dict[str, Any]) -> int:
    """The rate of a device that has just one."""
    rates = {int(form["samplerate"]) for form in found["formats"]}
    return rates.pop() if len(rates) == 1 else 0
