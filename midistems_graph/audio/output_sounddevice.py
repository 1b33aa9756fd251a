"""Sound devices through PortAudio and the optional package `sounddevice`: it reports when a device ran dry."""

from __future__ import annotations

from typing import Any

from midistems_graph.audio.feed import Feed
from midistems_graph.audio.output_base import Device, OutputProblem
from midistems_graph.audio.values import Float32

NAME = "sounddevice"


def devices() -> tuple[Device, ...]:
    """The playback devices that PortAudio knows; none where it is not installed."""
    try:
        import sounddevice
    except (ImportError, OSError):
        return ()
    found = sounddevice.query_devices()
    return tuple(
        Device(NAME, str(device["name"]), int(device["default_samplerate"]))
        for device in found
        if device["max_output_channels"] > 0
    )


class SounddeviceOut:
    """A playback device by name, the default one without. Raises OutputProblem."""

    def __init__(self, name: str = "", rate: int = 44100, period: int = 512) -> None:
        try:
            import sounddevice
        except (ImportError, OSError):
            raise OutputProblem(
                "PortAudio is not installed; install the package sounddevice, or use miniaudio"
            ) from None
        self.name, self.rate, self.channels, self.period, self.note = name or "default", rate, 2, period, ""
        self.underflows = 0
        self._error = sounddevice.PortAudioError
        self.elsewhere = False
        self._feed: Feed | None = None
        self._wanted = False
        try:
            self._stream: Any = sounddevice.OutputStream(
                samplerate=rate,
                blocksize=period,
                device=name or None,
                channels=2,
                dtype="float32",
                callback=self._asked,
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise OutputProblem(f"the sound device {self.name} cannot be opened ({error})") from None

    def start(self, feed: Feed) -> None:
        self._feed, self._wanted = feed, True
        try:
            self._stream.start()
        except self._error as error:
            raise OutputProblem(f"the sound device {self.name} does not start ({error}); choose another one") from None

    def stop(self) -> None:
        self._wanted = False
        self._stream.abort()

    def close(self) -> None:
        self._wanted = False
        self._stream.close()

    @property
    def lost(self) -> str:
        gone = self._wanted and not self._stream.active
        return f"the sound device {self.name} is gone" if gone else ""

    def _asked(self, out: Float32, frames: int, time: object, status: Any) -> None:
        if status.output_underflow:
            self.underflows += 1
        if self._feed is not None:
            self._feed.take(out)
