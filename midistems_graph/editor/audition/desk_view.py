"""What may be seen of the listening desk at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from midistems_graph.document.graph import Channel
from midistems_graph.editor.audition.abx import Letter
from midistems_graph.editor.audition.program import Band, Side

Heard = Letter | Literal["difference", "X"]


@dataclass(frozen=True)
class Strip:
    """One stem in the mixer: its channel, whether it is heard, and the level before the playhead (linear)."""

    stem: str
    channel: Channel
    audible: bool
    level: float
    chosen: bool


@dataclass(frozen=True)
class BlindTest:
    """What may be seen of a blind test: what plays, and for each answer whether it was right (None: not told yet)."""

    plays: Heard
    planned: int
    answers: tuple[bool | None, ...]
    verdict: str


@dataclass(frozen=True)
class DeskView:
    """The desk at one moment. `gains` are those of matching in dB (None: not known yet, or not asked for),
    `difference_db` is the level of the difference of A and B."""

    edges: Mapping[Letter, str] = field(default_factory=dict)
    heard: Heard = "A"
    matching: bool = False
    gains: Mapping[Letter, float] | None = None
    boosted: bool = False
    difference_db: float | None = None
    side: Side = "stereo"
    band: str = ""
    own_band: Band = (300.0, 3000.0)
    speed: float = 1.0
    strips: tuple[Strip, ...] = ()
    blind: BlindTest | None = None
