import math

import numpy as np
import pytest

from midistems_graph.node import Audio, NodeError, Number, Scorer, Separator, Stems, Text
from midistems_graph.node.testing import FakeRun
from midistems_nodes.blend.ensemble import ensemble
from midistems_nodes.control.best import best
from midistems_nodes.control.choose import select, switch
from midistems_nodes.control.constant import number, text
from midistems_nodes.control.where_needed import where_needed

A, B, C = (Audio.of(np.full(3, value), 8000) for value in (1, 2, 3))


def scores(*figures):
    return tuple(Number(figure, "dB") for figure in figures)


def test_constants():
    assert number(value=-3.5, unit="dB") == Number(-3.5, "dB")
    assert text(value="vocals") == Text("vocals")


def test_a_switch_lets_one_through_and_says_how_many_there_are():
    assert switch((A, B), index=2) is B
    with pytest.raises(NodeError, match="no choice 3: 2 signals"):
        switch((A, B), index=3)


def test_the_best_score_wins_the_first_of_equals_and_never_an_undefined_one():
    assert select((A, B, C), scores(1, 7, 7)) is B
    assert select((A, B, C), scores(1, 7, -math.inf), best="lowest") is C
    assert select((A, B), scores(math.nan, -math.inf)) is B
    assert select((A, B), scores(math.nan, math.inf), best="lowest") is B
    with pytest.raises(NodeError, match="2 signals are connected and 1 scores"):
        select((A, B), scores(1))


RATE = 1000
SONG = Audio.of(np.random.default_rng(0).standard_normal((1, 8 * RATE)), RATE)


def test_by_consensus_the_answer_with_the_least_errors_of_its_own_wins():
    rng = np.random.default_rng(1)
    voice, noises = SONG.samples / 2, rng.standard_normal((4, *SONG.samples.shape))
    answers = tuple(
        Stems(
            {"vocals": SONG.with_samples(voice + size * noise), "instrumental": SONG.with_samples(voice - size * noise)}
        )
        for size, noise in zip((0.3, 0.2, 0.1, 0.4), noises.astype(np.float32), strict=True)
    )
    agreed = ensemble(answers, run=FakeRun())
    made = best(Scorer("score.true"), SONG, answers, agreed, run=FakeRun(SONG.span))
    assert made.stems is answers[2]
    nearness = [row["score"] for row in made.scores.rows.values()]
    assert sorted(nearness, reverse=True) == [nearness[number] for number in (2, 1, 0, 3)]  # as their errors are


class Thorough(FakeRun):
    """Its separator gives all to the vocals; its scorer says how loud the vocals are in a stretch."""

    def separate(self, separator: Separator, mixture: Audio) -> Stems:
        return Stems({"vocals": mixture, "instrumental": mixture.with_samples(0 * mixture.samples)}, complete=True)

    def score(self, scorer: Scorer, mixture: Audio, stems: Stems, references: Stems | None = None) -> float:
        return float(np.abs(stems["vocals"].samples).mean())


def quick(share: np.ndarray, **names: str) -> Stems:
    voice = SONG.samples * share
    parts = {"vocals": voice, "accompaniment": SONG.samples - voice}
    return Stems({names.get(name, name): SONG.with_samples(part) for name, part in parts.items()}, complete=True)


def test_a_thorough_separator_is_asked_about_the_worst_chunks_alone():
    share = np.repeat([0.9, 0.1, 0.9, 0.9, 0.2, 0.1, 0.9, 0.9], RATE)
    before = quick(share)
    made = where_needed(
        Separator("any"), Scorer("any"), SONG, before, chunk=1.0, worst=0.3, margin=0.5, run=Thorough(SONG.span)
    )
    assert made.asked == Number(2.0 + 3.0, "s")  # the second chunk, the fifth and sixth, and half a second around both
    expected = np.where(share < 0.5, 1, share) * SONG.samples
    away = np.ones(8 * RATE, bool)  # from the fades around the borders
    for border in (1, 2, 4, 6):
        away[border * RATE - 25 : border * RATE + 25] = False
    np.testing.assert_allclose(made.stems["vocals"].samples[:, away], expected[:, away], atol=1e-6)
    both = made.stems["vocals"].samples + made.stems["accompaniment"].samples
    np.testing.assert_allclose(both, SONG.samples, atol=1e-6)


def test_stems_of_other_names_are_told_how_to_be_called():
    with pytest.raises(NodeError, match="no 'guitar' but vocals, instrumental; call the quick stems by those names"):
        where_needed(
            Separator("any"), Scorer("any"), SONG, quick(np.full(1, 0.5), accompaniment="guitar"), run=Thorough()
        )
