"""Keys: what a unit's result depends on, and nothing else.

key(unit) = H("midistems/unit/1", node type, version, knobs (name, type tag, value) sorted by name,
inputs (port, digests) sorted by port, content digests of files, library versions, stretch of the song and
the song's length).

A derived stretch has no bytes to hash; its digest is its own key and the output port.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import blake3
import msgpack

from midistems_graph.audio.stft import fft_backend
from midistems_graph.document.graph import KnobValue
from midistems_graph.engine.plan import Interval, PlanNode

TAGS = {bool: "b", int: "i", float: "f", str: "s", tuple: "t"}

Digests = tuple[str, ...]


def node_key(node: PlanNode, total: Fraction) -> bytes:
    """The part of the key that all units of a node share, in a song of so many seconds."""
    knobs = sorted((name, TAGS[type(value)], value) for name, value in node.knobs.items())
    separators = sorted((port, s.type, s.knobs, s.definition) for port, s in node.separators.items())
    parts = ["midistems/unit/1", node.type.id, node.type.version, knobs, separators, sorted(node.files.items())]
    return blake3.blake3(msgpack.packb([*parts, libraries(node), node.rate, str(total)])).digest()


def unit_key(shared: bytes, interval: Interval, inputs: list[tuple[str, int, Digests]]) -> str:
    """The key of a node's result on a stretch; inputs are (port or knob, place, digests), in their own order."""
    return blake3.blake3(msgpack.packb([shared, *map(str, interval), inputs])).hexdigest()


def facts(node: PlanNode, interval: Interval, inputs: list[tuple[str, int, Digests]]) -> dict[str, str]:
    """The ingredients of a key in words, for "why did this run again"."""
    found = {"node type": f"{node.type.id} {node.type.version}", "stretch": _stretch(interval)}
    found |= {f"knob {name}": _text(value) for name, value in node.knobs.items()}
    found |= {f"file {name}": digest[:12] for name, digest in node.files.items()}
    found |= {f"library {name}": v for name, v in libraries(node)}
    for name, place, digests in inputs:
        joint = blake3.blake3(" ".join(digests).encode()).hexdigest()[:12]
        found[f"input {name}" + (f"[{place}]" if place else "")] = joint
    return found


def libraries(node: PlanNode) -> tuple[tuple[str, str], ...]:
    """Versions of the libraries that can change a node's samples."""
    return (("fft", fft_backend()), *((name, _version(name)) for name in sorted({"numpy", *node.type.libraries})))


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _text(value: KnobValue) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _stretch(interval: Interval) -> str:
    return f"{float(interval[0]):g} to {float(interval[1]):g} s"
