"""Real sound, damaged on purpose: how much of the damage is undone, and that nothing else is touched."""

from __future__ import annotations

import numpy as np
import pytest
from songs import song_of_the_demo

from midistems_graph.node import Audio
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.repair.declick import declick
from midistems_nodes.repair.declip import ceiling, declip
from midistems_nodes.repair.dehum import dehum, hum

RATE = 44100


@pytest.fixture(scope="module")
def song() -> Audio:
    stems = song_of_the_demo(4)
    mixed = sum(audio.samples for audio in stems.audio.values())
    return stems["vocals"].with_samples((0.5 * mixed / np.abs(mixed).max()).astype(np.float32))


def error_db(found: np.ndarray, true: np.ndarray) -> float:
    return 10 * np.log10(np.sum((found - true).astype(float) ** 2) / np.sum(true.astype(float) ** 2))


@pytest.mark.parametrize(("share", "gain"), [(0.6, 3), (0.35, 5)])
def test_clipped_peaks_come_back_in_part(song: Audio, share: float, gain: float) -> None:
    level = np.float32(share * 0.5)
    cut = song.with_samples(np.clip(song.samples, -level, level))
    made = declip(cut, ceiling(Tiles(cut), run=FakeRun()), run=FakeRun())
    was, now = error_db(cut.samples, song.samples), error_db(made.samples, song.samples)
    assert now < was - gain
    untouched = np.abs(cut.samples) < 0.98 * level
    assert np.array_equal(made.samples[untouched], cut.samples[untouched])
    assert (np.abs(made.samples) >= np.abs(cut.samples) - 1e-6).all()


def test_what_was_not_clipped_stays_to_the_bit(song: Audio) -> None:
    made = declip(song, ceiling(Tiles(song), run=FakeRun()), run=FakeRun())
    assert np.array_equal(made.samples, song.samples)


def clicked(song: Audio, count: int = 200, shortest: int = 1, longest: int = 15) -> tuple[Audio, np.ndarray]:
    """Clicks of so many samples (15 are a third of a millisecond), and where they are."""
    rng = np.random.default_rng(11)
    damaged, at = np.array(song.samples), np.zeros(song.samples.shape, bool)
    for place in rng.integers(3000, song.span.frames - 3000, count):
        length = int(rng.integers(shortest, longest))
        burst = 0.4 * rng.choice([-1, 1]) * rng.uniform(0.5, 1, length) * np.exp(-np.arange(length) / longest * 3)
        damaged[:, place : place + length] += burst.astype(np.float32)
        at[:, place : place + length] = True
    return song.with_samples(damaged), at


def test_clicks_go(song: Audio) -> None:
    damaged, at = clicked(song)
    made = declick(damaged, run=FakeRun())
    assert error_db(made.samples, song.samples) < error_db(damaged.samples, song.samples) - 2.5
    assert np.mean(made.samples[~at] == damaged.samples[~at]) > 0.99


def test_clicks_of_a_millisecond_go_as_a_whole(song: Audio) -> None:
    damaged, at = clicked(song, 40, 20, 45)
    made = declick(damaged, run=FakeRun())
    assert error_db(made.samples, song.samples) < error_db(damaged.samples, song.samples) - 3
    assert np.mean(made.samples[at] != damaged.samples[at]) > 0.55


def test_music_without_clicks_is_hardly_touched(song: Audio) -> None:
    assert error_db(declick(song, run=FakeRun()).samples, song.samples) < -25


@pytest.mark.parametrize("mains", [50.07, 59.94])
def test_hum_is_found_and_goes(song: Audio, mains: float) -> None:
    time = np.arange(song.span.frames) / RATE
    buzz = sum(0.05 / k * np.sin(2 * np.pi * k * mains * time + k) for k in range(1, 12)).astype(np.float32)
    humming = song.with_samples(song.samples + buzz)
    model = hum(Tiles(humming), run=FakeRun())
    assert model.notes["frequency"] == pytest.approx(mains, abs=0.03)
    made = dehum(humming, model, time=2.0, run=FakeRun())
    inner = slice(RATE, -RATE)
    left = (made.samples - dehum(song, model, time=2.0, run=FakeRun()).samples)[:, inner]
    assert 10 * np.log10(np.sum(left**2) / np.sum(2 * buzz[inner] ** 2)) < -25
    assert error_db(dehum(song, model, time=2.0, run=FakeRun()).samples[:, inner], song.samples[:, inner]) < -12
