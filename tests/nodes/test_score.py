"""Scorers: what they say of stems whose faults are known, and how they arrive where they are called."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.document.graph import Address, Graph, Node
from midistems_graph.engine.run import execute, prepare
from midistems_graph.engine.store import MemoryStore
from midistems_graph.node import Audio, NodeError, Scorer, Separator, Stems, installed
from midistems_graph.node.testing import FakeRun

LIBRARY = installed()
RATE = 16000


def tone(frequency: float, seconds: float = 2.0) -> Audio:
    time = np.arange(round(seconds * RATE)) / RATE
    return Audio.of(0.3 * np.sin(2 * np.pi * frequency * time) * (1 + 0.5 * np.sin(6 * time)), RATE)


LOW, HIGH = tone(300), tone(2500)
SONG = LOW.with_samples(LOW.samples + HIGH.samples)
TRUE = Stems({"bass": LOW, "other": HIGH}, complete=True)


def bled(share: float) -> Stems:
    """Each stem with so much of the other."""
    one = LOW.with_samples((1 - share) * LOW.samples + share * HIGH.samples)
    return Stems({"bass": one, "other": LOW.with_samples(SONG.samples - one.samples)}, complete=True)


def said(scorer: str, stems: Stems, references: Stems | None = None, **knobs: object) -> float:
    return FakeRun(SONG.span).score(Scorer(scorer, tuple(knobs.items())), SONG, stems, references)


@pytest.mark.parametrize("scorer", ["score.true", "score.correlation", "score.overlap"])
def test_less_bleed_scores_higher(scorer):
    scores = [said(scorer, bled(share), TRUE) for share in (0.4, 0.2, 0.1, 0.01)]
    assert scores == sorted(scores) and scores[-1] > scores[0]


def test_the_true_score_is_the_mean_over_stems_of_what_the_measures_say():
    share = 0.1
    ratio = 20 * math.log10(0.9 / share)  # both tones are equally loud and orthogonal
    assert said("score.true", bled(share), TRUE) == pytest.approx(ratio, abs=0.05)
    assert said("score.true", bled(share), TRUE, figure="si_sir", stem="bass") == pytest.approx(ratio, abs=0.05)
    assert said("score.true", bled(share), TRUE, figure="si_sar") > 100  # nothing that is in no source
    assert said("score.true", TRUE, TRUE) == 140


def test_without_true_stems_it_says_what_to_do():
    with pytest.raises(NodeError, match="needs the true stems; connect them to references, or take a blind scorer"):
        said("score.true", TRUE)


def test_stems_that_share_nothing_are_unlike_and_equal_ones_are_alike():
    half = Stems({name: SONG.with_samples(SONG.samples / 2) for name in ("a", "b")})
    assert said("score.correlation", half) == pytest.approx(0, abs=1e-6)
    assert said("score.overlap", half) == pytest.approx(0, abs=1e-6)
    assert said("score.correlation", TRUE) > 0.9
    assert said("score.overlap", TRUE) > 0.95


def test_the_sum_counts_and_nothing_else():
    louder = Stems({"bass": LOW, "other": HIGH.with_samples(HIGH.samples * np.float32(1.01))})
    assert said("score.null_depth", bled(0.4)) > 120
    assert said("score.null_depth", louder) == pytest.approx(43, abs=0.5)


def test_noise_that_is_left_over_is_flat_and_a_tone_is_not():
    noise = 0.01 * np.random.default_rng(0).standard_normal(SONG.samples.shape)
    with_noise = Stems({"bass": LOW.with_samples(LOW.samples + noise), "other": HIGH})
    assert said("score.flatness", Stems({"bass": LOW})) < 0.01
    assert 0.45 < said("score.flatness", with_noise) < 0.65  # exp(-gamma) = 0.56 for Gaussian noise
    assert said("score.flatness", TRUE) == 1


def test_flickering_shares_are_nervous():
    gate = np.sign(np.sin(2 * np.pi * 30 * np.arange(SONG.span.frames) / RATE)) > 0
    torn = LOW.with_samples(np.where(gate, SONG.samples, 0))
    flicker = Stems({"bass": torn, "other": SONG.with_samples(SONG.samples - torn.samples)})
    steady = Stems({name: SONG.with_samples(SONG.samples / 2) for name in ("bass", "other")})
    assert said("score.artefacts", steady) == pytest.approx(1, abs=1e-3)
    assert said("score.artefacts", flicker) < said("score.artefacts", bled(0.2))


class Judge(FakeRun):
    """A separator that hears low tones alone as bass."""

    def separate(self, separator: Separator, mixture: Audio) -> Stems:
        bins = np.fft.rfft(mixture.samples)
        bins[:, np.fft.rfftfreq(mixture.span.frames, 1 / RATE) > 1000] = 0
        low = mixture.with_samples(np.fft.irfft(bins, mixture.span.frames))
        return Stems({"bass": low, "other": mixture.with_samples(mixture.samples - low.samples)})


def test_what_the_judge_would_not_change_is_clean():
    scorer = Scorer("score.again", (), (("separator", Separator("separate.hpss")),))
    clean, dirty = (Judge(SONG.span).score(scorer, SONG, stems) for stems in (TRUE, bled(0.1)))
    assert clean > 30 > dirty
    assert dirty == pytest.approx(20 * math.log10(9), abs=0.3)


def test_a_weighted_sum_is_the_sum():
    parts = tuple(("scorers", Scorer(scorer)) for scorer in ("score.true", "score.overlap"))
    both = Scorer("score.weighted", (("weights", (2.0, 10.0)),), parts)
    expected = 2 * said("score.true", bled(0.1), TRUE) + 10 * said("score.overlap", bled(0.1))
    assert FakeRun(SONG.span).score(both, SONG, bled(0.1), TRUE) == pytest.approx(expected)


@pytest.mark.skipif(importlib.util.find_spec("speechmos") is None, reason="speechmos is not installed")
def test_dnsmos_says_what_the_package_says():
    """Its network on a piece of the right length, and its polynomials (the package itself wants librosa)."""
    import onnxruntime

    package = importlib.util.find_spec("speechmos")
    rng = np.random.default_rng(1)
    voice = Audio.of(0.1 * rng.standard_normal(round(9.01 * RATE)), RATE)
    session = onnxruntime.InferenceSession(f"{package.submodule_search_locations[0]}/dnsmos_models/sig_bak_ovr.onnx")
    raw = session.run(None, {session.get_inputs()[0].name: voice.samples})[0][0]
    figures = {"sig": [-0.08397278, 1.22083953, 0.0052439], "ovrl": [-0.06766283, 1.11546468, 0.04602535]}
    for (figure, curve), place in zip(figures.items(), (0, 2), strict=True):
        scorer = Scorer("score.dnsmos", (("figure", figure),))
        found = FakeRun(voice.span).score(scorer, voice, Stems({"vocals": voice}))
        assert found == pytest.approx(np.polyval(curve, raw[place]), abs=1e-3)


def graph_of(weights: tuple[float, ...]) -> Graph:
    """A loop that goes by a combination of two scorers, which goes by edges through both."""
    graph = Graph(nodes={
        "song": Node("io.load"), "hpss": Node("separate.hpss"), "likeness": Node("score.correlation"),
        "overlap": Node("score.overlap"), "both": Node("score.weighted", knobs={"weights": weights}),
        "loop": Node("loop.snowball", knobs={"shortest": 0.5, "stages": 2}),
    })  # fmt: skip
    for source, target in (
        ("hpss.separator", "loop.separator"), ("likeness.scorer", "both.scorers[0]"), ("song.out", "loop.mixture"),
        ("overlap.scorer", "both.scorers[1]"), ("both.scorer", "loop.scorer"),
    ):  # fmt: skip
        graph = graph.with_edge(source, target)
    return graph


def test_scorers_travel_on_edges_and_their_settings_are_part_of_the_key(tmp_path: Path):
    soundfile.write(tmp_path / "song.wav", SONG.samples.T, RATE, subtype="FLOAT")
    store = MemoryStore()
    found = {}
    for weights in ((1.0, 1.0), (1.0, 1.0), (5.0, 0.0)):
        wanted = [Address("loop", "stems"), Address("loop", "trace")]
        graph = graph_of(weights)
        plan, problems = prepare(graph, LIBRARY, {"song": tmp_path / "song.wav"}, outputs=wanted)
        assert not problems and set(plan.nodes) == {"song", "loop"}
        result = execute(graph, plan, LIBRARY, store=store)
        assert not result.failures
        found.setdefault(weights, []).append({s.row: s.value for s in result.scores if s.name == "score"})
    assert found[1.0, 1.0][0] == found[1.0, 1.0][1]
    assert found[1.0, 1.0][0]["0"] != found[5.0, 0.0][0]["0"]
