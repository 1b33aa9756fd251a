"""How the strip shows what is heard: choices that are remembered."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

Scale = Literal["log", "mel", "linear"]
Channel = Literal["both", "left", "right", "mid", "side"]
Shows = Literal["both", "spectrogram", "waveform", "levels"]
"""`levels` draws a curve for each stem of a set in place of the waveform."""

SMALLEST, LARGEST = 110, 1200
"""Heights of the strip in pixels; the canvas keeps some of the window in any case."""

RANGES = (40, 60, 80, 100)
CEILINGS = (0, -10, -20, -30, -40)


@dataclass(frozen=True)
class Views:
    """`ceiling` in dB is the brightest level, `range` how far below it the darkest is."""

    scale: Scale = "log"
    channel: Channel = "both"
    shows: Shows = "both"
    ceiling: int = -10
    range: int = 80
    height: int = 224

    @classmethod
    def from_data(cls, data: object) -> tuple[Views, list[str]]:
        """Choices from a settings file; what is not usable keeps its default and is said."""
        found: dict[str, Any] = {}
        said: list[str] = []
        for name, value in data.items() if isinstance(data, dict) else ():
            if name not in _ALLOWED:
                continue
            usable = value in _ALLOWED[name] and type(value) is type(getattr(cls(), name))
            if usable:
                found[name] = value
            else:
                said.append(f"settings: views {name} cannot be {value!r:.40}; its usual value is taken")
        return cls(**found), said

    def as_data(self) -> dict[str, Any]:
        """What differs from the defaults."""
        usual = asdict(Views())
        return {name: value for name, value in asdict(self).items() if value != usual[name]}

    def next(self, name: str) -> Views:
        """The choice after the present one, the first again after the last."""
        allowed = _ALLOWED[name]
        here = list(allowed).index(getattr(self, name))
        return replace(self, **{name: allowed[(here + 1) % len(allowed)]})

    @staticmethod
    def bounded(height: float) -> int:
        """A height that is allowed."""
        return round(min(max(height, SMALLEST), LARGEST))

    def brighter(self, steps: int) -> Views:
        """What is shown brightest, so many steps lower."""
        here = CEILINGS.index(self.ceiling) + steps
        return replace(self, ceiling=CEILINGS[min(max(here, 0), len(CEILINGS) - 1)])


def choices(name: str) -> tuple[Any, ...]:
    """What can be chosen, in order."""
    return tuple(_ALLOWED[name])


_ALLOWED: dict[str, Any] = {
    "scale": get_args(Scale),
    "channel": get_args(Channel),
    "shows": get_args(Shows),
    "ceiling": CEILINGS,
    "range": RANGES,
    "height": range(SMALLEST, LARGEST + 1),
}
assert _ALLOWED.keys() == {f.name for f in fields(Views)}
