"""One node on one stretch: what may come out of its function."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from midistems_graph.engine.run import execute, prepare
from midistems_graph.node import Spectrogram, installed, node
from midistems_graph.node.library import NodeLibrary
from small_runs import graph, write_song


@node("test.turned", derived=True)
def turned(spectrogram: Spectrogram) -> Spectrogram:
    """The same bins, frequencies first in memory, as other libraries keep them."""
    return spectrogram.with_bins(np.asfortranarray(spectrogram.bins))


def test_bins_may_lie_in_memory_in_any_order(tmp_path: Path) -> None:
    types = NodeLibrary.of([*installed(), turned])
    made = graph(
        {
            "song": "io.load",
            "stft": "transform.stft",
            "turned": turned.id,
            "back": "transform.istft",
            "end": "measure.loudness",
        },
        "song.out -> stft.audio; stft.out -> turned.spectrogram; turned.out -> back.spectrogram; back.out -> end.audio",
    )
    plan, _ = prepare(made, types, {"song": write_song(tmp_path / "song.wav", seconds=1)})
    assert execute(made, plan, types, store=None).failures == ()
