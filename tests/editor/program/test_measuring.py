"""Levels of edges and how well stems add up, read from what the engine computed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from math import nan
from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.audio.values import Number, Scores, Text, Value
from midistems_graph.document.graph import Address, Graph, Node
from midistems_graph.editor.program.measuring import LOWEST, figure_of, level_of, null_of
from midistems_graph.engine.binding import Bindings
from midistems_graph.engine.live.engine import LiveEngine
from midistems_graph.engine.plan import Interval
from midistems_graph.engine.store import MemoryStore
from midistems_graph.node import installed

RATE = 8000
SONG, STEMS, QUIET = Address("song", "out"), Address("hpss", "out"), Address("quiet", "out")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveEngine]:
    """A song of 12 s with half the full scale, its stems, and the song 20 dB below: all computed."""
    samples = np.where(np.arange(12 * RATE) % 80 < 40, 0.5, -0.5).astype(np.float32)
    soundfile.write(tmp_path / "song.wav", samples, RATE, subtype="FLOAT")
    nodes = {
        "song": Node("io.load"),
        "hpss": Node("separate.hpss"),
        "quiet": Node("filter.gain", knobs={"gain": -20.0}),
    }
    graph = Graph(nodes=nodes).with_edge("song.out", "hpss.mixture").with_edge("song.out", "quiet.signal")
    engine = LiveEngine(installed(), MemoryStore(), jobs=2)
    engine.show(graph, Bindings.open({"song": tmp_path / "song.wav"}))
    whole = Fraction(0), Fraction(12)
    for address in (SONG, STEMS, QUIET):
        engine.want(address, whole)
    deadline = time.monotonic() + 60
    while any(engine.read(address, whole) is None for address in (SONG, STEMS, QUIET)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield engine
    engine.close()


def test_levels_are_those_of_the_whole_song(live: LiveEngine) -> None:
    assert level_of(live, SONG, Fraction(12)) == pytest.approx(-6.02, abs=0.01)
    assert level_of(live, QUIET, Fraction(12)) == pytest.approx(-26.02, abs=0.01)


def test_stems_that_add_up_null_and_another_sound_does_not(live: LiveEngine) -> None:
    null = null_of(live, SONG, [STEMS], Fraction(12))
    assert null is not None and LOWEST <= null < -120
    assert null_of(live, SONG, [QUIET], Fraction(12)) == pytest.approx(20 * np.log10(0.9), abs=0.01)


def test_what_is_not_computed_has_no_figures(live: LiveEngine) -> None:
    assert level_of(live, Address("hpss", "nothing"), Fraction(12)) is None
    assert null_of(live, SONG, [Address("none", "out")], Fraction(12)) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Number(-168.52, "dB"), "-169 dB"),
        (Number(0.25), "0.25"),
        (Text("two\nlines"), "two lines"),
        (Scores({"": {"depth": -90.0}}, {"depth": "dB"}), "depth -90 dB"),
        (Scores({"a": {"si_sdr": 3.0}, "b": {"si_sdr": 5.0}, "c": {}}, {"si_sdr": "dB"}), "si_sdr 4 dB (mean of 2)"),
        (Scores({"a": {"si_sdr": nan}}), "si_sdr -"),
        (Scores({}), ""),
        (None, ""),
    ],
)
def test_what_was_measured_is_told_in_a_few_words(value: Value | None, words: str) -> None:
    class Engine:
        def read(self, address: Address, stretch: Interval) -> Value | None:
            return value

    assert figure_of(Engine(), STEMS, Fraction(12)) == words  # type: ignore[arg-type]
