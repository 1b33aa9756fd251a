"""A value as plain parts and back: what the store writes, what a digest hashes, what `.mgraph` carries.

`pack` gives a small header (msgpack-able data) and named arrays in a fixed order; `unpack` is its
inverse. A new kind of value is one entry in each of the two functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import blake3
import msgpack
import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import (
    Audio,
    Curves,
    Features,
    Magnitude,
    Mask,
    Number,
    Phase,
    Scorer,
    Scores,
    Separator,
    Span,
    Spectrogram,
    Stems,
    StftSettings,
    Text,
    Value,
)

Header = dict[str, Any]
Arrays = dict[str, npt.NDArray[Any]]

_BINS: Mapping[str, type[Spectrogram] | type[Magnitude] | type[Phase] | type[Mask]] = {
    "spectrogram": Spectrogram,
    "magnitude": Magnitude,
    "phase": Phase,
    "mask": Mask,
}


def pack(value: Value) -> tuple[Header, Arrays]:
    """Header and arrays of a value; the arrays are the value's own, not copies."""
    match value:
        case Audio():
            return {"kind": "audio", "span": _span(value.span), "layout": value.layout}, {"samples": value.samples}
        case Spectrogram() | Magnitude() | Phase() | Mask():
            stft = [value.stft.n_fft, value.stft.hop, value.stft.window]
            kind = type(value).__name__.lower()
            return {"kind": kind, "span": _span(value.span), "stft": stft}, {"bins": value.bins}
        case Stems():
            first = next(iter(value.audio.values()))
            header = {
                "kind": "stems",
                "span": _span(value.span),
                "layout": first.layout,
                "names": list(value),
                "complete": value.complete,
            }
            return header, {str(i): audio.samples for i, audio in enumerate(value.audio.values())}
        case Curves():
            header = {
                "kind": "curves",
                "span": _span(value.span),
                "hop": value.hop,
                "names": list(value.names),
                "units": list(value.units),
            }
            return header, {"values": value.values}
        case Features():
            names = sorted(value.arrays)
            header = {"kind": "features", "names": names, "notes": dict(sorted(value.notes.items()))}
            return header, {str(i): value.arrays[name] for i, name in enumerate(names)}
        case Number():
            return {"kind": "number", "value": float(value.value), "unit": value.unit}, {}
        case Text():
            return {"kind": "text", "value": value.value}, {}
        case Scores():
            rows = {name: {k: float(v) for k, v in row.items()} for name, row in value.rows.items()}
            return {"kind": "scores", "rows": rows, "units": dict(value.units)}, {}
        case Separator():
            knobs = [[name, knob] for name, knob in value.knobs]
            return {"kind": "separator", "type": value.type, "knobs": knobs, "definition": value.definition}, {}
        case Scorer():
            knobs = [[name, knob] for name, knob in value.knobs]
            parts = [[port, pack(part)[0]] for port, part in value.parts]
            return {"kind": "scorer", "type": value.type, "knobs": knobs, "parts": parts}, {}


def unpack(header: Header, arrays: Mapping[str, npt.NDArray[Any]]) -> Value:
    """The value that `pack` took apart. Raises ValueError or KeyError on a header that is not one of ours."""
    kind = header["kind"]
    if kind == "audio":
        return Audio(arrays["samples"], Span(*header["span"]), header["layout"])
    if kind in _BINS:
        return _BINS[kind](arrays["bins"], Span(*header["span"]), StftSettings(*header["stft"]))
    if kind == "stems":
        span, layout = Span(*header["span"]), header["layout"]
        audio = {name: Audio(arrays[str(i)], span, layout) for i, name in enumerate(header["names"])}
        return Stems(audio, header["complete"])
    if kind == "curves":
        names, units = tuple(header["names"]), tuple(header["units"])
        return Curves(arrays["values"], names, units, Span(*header["span"]), header["hop"])
    if kind == "features":
        return Features({name: arrays[str(i)] for i, name in enumerate(header["names"])}, header["notes"])
    if kind == "number":
        return Number(header["value"], header["unit"])
    if kind == "text":
        return Text(header["value"])
    if kind == "scores":
        return Scores(header["rows"], header["units"])
    if kind == "separator":
        return Separator(header["type"], _knobs(header), header["definition"])
    if kind == "scorer":
        parts = [(port, unpack(part, {})) for port, part in header["parts"]]
        return Scorer(
            header["type"], _knobs(header), tuple((port, p) for port, p in parts if isinstance(p, Separator | Scorer))
        )
    raise ValueError(f"unknown kind of value: {kind!r}")


def digest(value: Value) -> str:
    """Content digest (blake3, 64 hex digits) of a value: kind, place, layout and bytes.

    The same content has the same digest wherever it was computed; two values differ in their digest
    as soon as one sample, the rate or the place in the song differs.
    """
    header, arrays = pack(value)
    large = sum(a.nbytes for a in arrays.values()) > 4 << 20  # threads pay off for large arrays only
    hasher = blake3.blake3(max_threads=blake3.blake3.AUTO if large else 1)
    hasher.update(msgpack.packb([header, [[n, a.dtype.str, a.shape] for n, a in arrays.items()]]))
    for array in arrays.values():
        hasher.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return hasher.hexdigest()


def _knobs(header: Header) -> tuple[tuple[str, Any], ...]:
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in header["knobs"])


def _span(span: Span) -> list[int]:
    return [span.start, span.stop, span.total, span.rate]
