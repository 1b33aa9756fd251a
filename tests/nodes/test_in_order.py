"""Order search: every order is tried, the best one by the scorer is given, and it is what its calls make."""

import numpy as np
import pytest

from midistems_graph.node import Audio, NodeError, Scorer, Separator, Stems
from midistems_graph.node.testing import FakeRun
from midistems_nodes.separate.in_order import in_order

RATE = 8000
SONG = Audio.of(
    0.2 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    + 0.3 * np.random.default_rng(1).standard_normal(RATE) * (np.arange(RATE) % 2000 < 100),
    RATE,
)
SMALL = (("hop", 128), ("n_fft", 512))
HPSS = Separator("separate.hpss", SMALL)
WIDE = Separator("separate.hpss", (("harmonic_frames", 51), *SMALL))
SCORER = Scorer("score.true", ())


def test_both_orders_are_scored_and_the_better_one_is_given():
    run = FakeRun(SONG.span)
    names = ("harmonic", "percussive")
    tones = run.separate(WIDE, SONG)["harmonic"]
    left = SONG.with_samples(SONG.samples - tones.samples)
    hits = run.separate(HPSS, left)["percussive"]
    rest = left.with_samples(left.samples - hits.samples)
    true = Stems({"harmonic": tones, "percussive": hits, "other": rest}, complete=True)  # the first order is the truth
    made = in_order(SCORER, SONG, WIDE, HPSS, None, true, stems=names, run=run)
    assert set(made.scores.rows) == {"harmonic, percussive", "percussive, harmonic"}
    scores = [row["score"] for row in made.scores.rows.values()]
    assert scores[0] > scores[1] + 1
    for name in names:
        np.testing.assert_allclose(made.stems[name].samples, true[name].samples, atol=1e-6)
    np.testing.assert_allclose(sum(stem.samples for stem in made.stems.audio.values()), SONG.samples, atol=1e-6)


def test_a_stem_that_a_separator_does_not_have_is_said():
    with pytest.raises(NodeError, match="gives harmonic, percussive, residual"):
        in_order(SCORER, SONG, HPSS, WIDE, stems=("vocals", "percussive"), run=FakeRun(SONG.span))
    with pytest.raises(NodeError, match="name one for each"):
        in_order(SCORER, SONG, HPSS, WIDE, stems=("harmonic",), run=FakeRun(SONG.span))
