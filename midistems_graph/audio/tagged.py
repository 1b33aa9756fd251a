"""What only the tags of a sound file tell: its cover, tempo, time reference and markers. Read by tinytag (MIT).

Tags are courtesy: a file whose tags cannot be read is played all the same, and nothing is said of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from midistems_graph.audio.chunks import mime_type
from midistems_graph.audio.timeline import Marker, Timeline

MOST_COVER = 8 << 20
"""Bytes of a cover; larger ones are left out."""

_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)\Z")


@dataclass(frozen=True)
class Tagged:
    """cover      the front of the record, JPEG or PNG; empty if there is none
    timeline   what the file's own timeline is completed by"""

    cover: bytes
    timeline: Timeline


def tagged(path: Path, timeline: Timeline) -> Tagged:
    """The cover of a file, and its timeline with what its tags tell beyond that."""
    from tinytag import TinyTag

    try:
        tag = TinyTag.get(path, duration=False, image=True)
        image = tag.images.front_cover or tag.images.any
        other: Mapping[str, Sequence[str]] = tag.other
    except Exception:  # a parser of files from strangers; see above
        return Tagged(b"", timeline)
    cover = image.data if image is not None and mime_type(image.data) and len(image.data) <= MOST_COVER else b""
    return Tagged(cover, _completed(timeline, {name.lower(): str(texts[0]) for name, texts in other.items() if texts}))


def _completed(timeline: Timeline, tags: Mapping[str, str]) -> Timeline:
    tempo = timeline.tempo or _number(tags.get("bpm", tags.get("tempo", "")), 1, 1000)
    origin = timeline.origin or int(_number(tags.get("time_reference", ""), 0, float(1 << 62)))
    markers = timeline.markers or tuple(sorted(_chapters(tags, timeline.rate), key=lambda marker: marker.at))
    return replace(timeline, tempo=tempo, origin=origin, markers=markers)


def _chapters(tags: Mapping[str, str], rate: int) -> Iterator[Marker]:
    """Markers out of Xiph's CHAPTER comments."""
    for name, text in tags.items():
        clock = _CLOCK.match(text) if re.fullmatch(r"chapter\d{3}", name) else None
        if clock:
            hours, minutes, seconds = int(clock[1]), int(clock[2]), float(clock[3])
            yield Marker(round((3600 * hours + 60 * minutes + seconds) * rate), tags.get(f"{name}name", ""))


def _number(text: str, low: float, high: float) -> float:
    """The number that a text begins with, if it is in range; else 0."""
    found = re.match(r"\d{1,19}(\.\d+)?", text.strip())
    value = float(found[0]) if found else 0.0
    return value if low <= value <= high else 0.0
