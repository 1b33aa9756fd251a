"""Loops: the score never falls, whatever the separator and the scorer; and they find what there is to find."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midistems_graph.node import Audio, NodeError, Scorer, Separator, Stems, installed
from midistems_graph.node.testing import FakeRun
from midistems_nodes.control.best import best
from midistems_nodes.loop.blend import blend
from midistems_nodes.loop.keep import keep
from midistems_nodes.loop.snowball import snowball

RATE = 2000
TRUE = Scorer("score.true")
SOME = Separator("separate.hpss")


def song(seed: int, channels: int = 1, length: int = 3001) -> tuple[Audio, Stems]:
    rng = np.random.default_rng(seed)
    stems = {name: Audio.of(0.2 * rng.standard_normal((channels, length)), RATE) for name in ("vocals", "rest")}
    return Audio.of(stems["vocals"].samples + stems["rest"].samples, RATE), Stems(stems, complete=True)


class Moody(FakeRun):
    """Any separator and any scorer: what they say depends on what they are given, and on nothing else."""

    def __init__(self, seed: int, own: bool = False) -> None:
        super().__init__()
        self.seed, self.own, self.asked = seed, own, 0.0

    def _rng(self, audio: Audio) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(np.round(audio.samples, 5).tobytes())])

    def separate(self, separator: Separator, mixture: Audio) -> Stems:
        self.asked += mixture.span.seconds
        share = self._rng(mixture).uniform(-0.5, 1.5, mixture.samples.shape).astype(np.float32)
        vocals = mixture.with_samples(mixture.samples * share)
        return Stems({"vocals": vocals, "rest": mixture.with_samples(mixture.samples - vocals.samples)}, complete=True)

    def score(self, scorer: Scorer, mixture: Audio, stems: Stems, references: Stems | None = None) -> float:
        if not self.own:
            return super().score(scorer, mixture, stems, references)
        said = self._rng(stems["vocals"]).uniform(-1, 1)
        return float("nan") if said > 0.9 else float(said)


def judged(run: Moody, mixture: Audio, stems: Stems, true: Stems) -> float:
    said = run.score(TRUE, mixture, stems, true)
    return -np.inf if np.isnan(said) else said


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    own=st.booleans(),
    chunk=st.sampled_from([0.0, 0.3, 0.5]),
    worst=st.sampled_from([1.0, 0.4]),
    channels=st.integers(1, 2),
    fine=st.integers(0, 3),
    stem=st.sampled_from(["", "vocals"]),
)
def test_the_score_never_falls_with_any_separator_and_scorer(seed, own, chunk, worst, channels, fine, stem):
    mixture, true = song(seed, channels)
    run = Moody(seed, own)
    start = run.separate(SOME, mixture)
    knobs = {"chunk": chunk, "worst": worst, "channels": channels == 2, "fine": fine, "stem": stem}
    before = judged(run, mixture, start, true)
    trace = None
    for _ in range(3):
        start, trace = blend(
            SOME, TRUE, mixture, true, start, trace, steps=1, candidates=3, least=0.0, run=run, **knobs
        )
        after = judged(run, mixture, start, true)
        assert after >= before
        assert after == list(trace.rows.values())[-1]["score"]
        before = after
    rest = mixture.samples - sum(audio.samples for audio in start.audio.values())
    assert np.abs(rest).max() < 1e-5  # what one stem gives off the others take up


def test_a_loop_in_steps_of_one_is_the_loop_in_one():
    mixture, true = song(1)
    whole = blend(SOME, TRUE, mixture, true, steps=3, candidates=4, run=Moody(3))
    stems, trace = None, None
    for _ in range(5):  # those after the last step that gains change nothing
        stems, trace = blend(SOME, TRUE, mixture, true, stems, trace, steps=1, candidates=4, run=Moody(3))
    count = len(whole.trace.rows)
    assert list(trace.rows.items())[:count] == list(whole.trace.rows.items())
    assert whole.trace.rows["1"]["gain"] > 0


class Greedy(FakeRun):
    """A separator that keeps half of what is not the voice, so that asking again helps."""

    def __init__(self, voice: Audio) -> None:
        super().__init__()
        self.voice = voice

    def separate(self, separator: Separator, mixture: Audio) -> Stems:
        voice = self.voice.crop(mixture.span).samples
        kept = mixture.with_samples((mixture.samples + voice) / 2)
        return Stems({"vocals": kept, "rest": mixture.with_samples(mixture.samples - kept.samples)}, complete=True)


def test_it_gains_what_there_is_to_gain():
    mixture, true = song(5)
    voice = Scorer("score.true", (("stem", "vocals"),))
    made = blend(SOME, voice, mixture, true, steps=4, candidates=4, stem="vocals", run=Greedy(true["vocals"]))
    gains = [row["gain"] for row in made.trace.rows.values()]
    np.testing.assert_allclose(gains[1:], 20 * np.log10(2), atol=0.7)  # each pass over the answer alone halves the rest
    assert [row["r"] for row in made.trace.rows.values()] == [-1, 0, 0, 0, 0]


def test_only_the_worst_chunks_are_asked_about():
    mixture, true = song(7, length=20 * RATE)
    run = Moody(7)
    made = blend(SOME, TRUE, mixture, true, steps=1, candidates=2, stem="vocals", chunk=1.0, worst=0.1, run=run)
    assert made.trace.rows["0"]["asked"] == 20
    assert made.trace.rows["1"]["asked"] <= 2 * 2 * 3  # two chunks, a second of context to either side, two blends
    assert run.asked == pytest.approx(20 + made.trace.rows["1"]["asked"])


def test_an_unknown_stem_is_named():
    mixture, true = song(1)
    with pytest.raises(NodeError, match="no stem called 'drums'; the separator gives vocals, rest"):
        blend(SOME, TRUE, mixture, true, stem="drums", run=Moody(1))


def test_a_round_that_gains_nothing_was_the_last():
    mixture, true = song(2)
    run = Moody(2)
    worse = run.separate(SOME, mixture)
    kept = keep(TRUE, mixture, worse, true, true, run=run)
    assert kept.stems is true and kept.trace.rows["1"]["gain"] > 0
    back = keep(TRUE, mixture, true, worse, true, kept.trace, run=run)
    assert back.stems is true and back.trace.rows["2"] == {"score": 140, "gain": 0, "r": -1, "asked": 0}
    over = keep(TRUE, mixture, worse, true, true, back.trace, run=run)
    assert over.stems is worse and over.trace == back.trace  # stopped for good


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), own=st.booleans(), r=st.sampled_from([1.0, 0.5]))
def test_a_wider_stage_is_kept_only_if_it_is_better(seed, own, r):
    mixture, true = song(seed, length=9000)
    made = snowball(SOME, TRUE, mixture, true, shortest=0.7, stages=4, r=r, run=Moody(seed, own))
    scores = [row["score"] for row in made.trace.rows.values()]
    assert scores == sorted(scores) and len(scores) == 4
    assert judged(Moody(seed, own), mixture, made.stems, true) == scores[-1]


def test_segments_pass_into_each_other_without_a_seam():
    mixture, true = song(3, length=9000)
    made = snowball(SOME, TRUE, mixture, true, shortest=0.7, stages=1, run=Greedy(true["vocals"]))
    np.testing.assert_allclose(made.stems["vocals"].samples, (mixture.samples + true["vocals"].samples) / 2, atol=1e-6)


def test_the_best_of_every_chunk_is_better_than_the_best_of_all():
    mixture, true = song(4, length=4 * RATE)
    half = np.arange(4 * RATE) < 2 * RATE
    first, second = (
        true.map(
            {name: audio.with_samples(audio.samples * np.where(side, 1, 0.1)) for name, audio in true.audio.items()}
        )
        for side in (half, ~half)
    )
    figure = Scorer("score.true", (("figure", "sdr"),))
    made = best(figure, mixture, (first, second), true, chunk=1.0, run=FakeRun())
    whole = best(figure, mixture, (first, second), true, run=FakeRun())
    run = FakeRun()
    assert whole.stems in (first, second)
    assert run.score(figure, mixture, made.stems, true) > run.score(figure, mixture, whole.stems, true) + 10
    assert [row["won"] for row in made.scores.rows.values()] == [0.5, 0.5]


def test_every_scorer_of_the_library_takes_what_the_contract_says():
    assert {t.id for t in installed() if t.scorer} >= {"score.true", "score.overlap", "score.weighted"}
