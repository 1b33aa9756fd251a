"""Real sound, damaged on purpose: how much of the damage is undone, and that nothing else is touched."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import fftconvolve
from songs import song_of_the_demo

from midistems_graph.node import Audio, NodeError
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.repair.declick import declick
from midistems_nodes.repair.declip import ceiling, declip
from midistems_nodes.repair.deecho import deecho, echoes
from midistems_nodes.repair.dehum import dehum, hum
from midistems_nodes.repair.dereverb import dereverb, room

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


def clicked(song: Audio) -> tuple[Audio, np.ndarray]:
    """Two hundred clicks of up to a third of a millisecond, and where they are."""
    rng = np.random.default_rng(11)
    damaged, at = np.array(song.samples), np.zeros(song.samples.shape, bool)
    for place in rng.integers(3000, song.span.frames - 3000, 200):
        length = int(rng.integers(1, 15))
        burst = 0.4 * rng.choice([-1, 1]) * rng.uniform(0.5, 1, length) * np.exp(-np.arange(length) / 5)
        damaged[:, place : place + length] += burst.astype(np.float32)
        at[:, place : place + length] = True
    return song.with_samples(damaged), at


def test_clicks_go(song: Audio) -> None:
    damaged, at = clicked(song)
    made = declick(damaged, run=FakeRun())
    assert error_db(made.samples, song.samples) < error_db(damaged.samples, song.samples) - 2.5
    assert np.mean(made.samples[~at] == damaged.samples[~at]) > 0.99


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


def voice() -> Audio:
    """The demo's voice from its first phrase on, the mean of its channels."""
    sung = song_of_the_demo(9)["vocals"]
    return Audio.of(sung.samples[:, 3 * RATE :].mean(axis=0), RATE)


def ratio_db(estimate: np.ndarray, dry: np.ndarray, wet: np.ndarray) -> float:
    """How much more of the dry sound than of what a room added is in an estimate, by least squares."""
    parts = np.stack([dry.ravel(), (wet - dry).ravel()]).astype(float)
    gains = np.linalg.lstsq(parts.T, estimate.ravel().astype(float), rcond=None)[0]
    return 10 * np.log10(np.sum((gains[0] * parts[0]) ** 2) / np.sum((gains[1] * parts[1]) ** 2))


def test_a_room_of_known_response_goes_in_part() -> None:
    dry, time = voice(), np.arange(RATE) / RATE
    response = np.random.default_rng(3).standard_normal((2, RATE)) * np.exp(-6.9 * time)  # 60 dB in a second
    response[:, : RATE // 100] = 0
    response /= np.sqrt((response**2).sum(axis=1, keepdims=True))  # as strong as the direct sound
    tail = np.stack([fftconvolve(dry.samples[0], one)[: dry.span.frames] for one in response])
    both = np.repeat(dry.samples, 2, axis=0)
    wet = Audio.of((both + tail).astype(np.float32), RATE)
    made = dereverb(wet, room(Tiles(wet, 70_000), run=FakeRun()), run=FakeRun())
    assert ratio_db(made.samples, both, wet.samples) > ratio_db(wet.samples, both, wet.samples) + 3
    assert error_db(made.samples, both) < error_db(wet.samples, both) - 1


@pytest.mark.parametrize("feedback", [True, False])
def test_an_echo_is_found_to_the_sample_and_goes(feedback: bool) -> None:
    dry, distance = voice(), 16_529
    wet = np.array(dry.samples)
    for start in range(distance, wet.shape[1], distance):
        if feedback or start == distance:
            wet[:, start:] += 0.5 ** (start // distance) * dry.samples[:, : wet.shape[1] - start]
    echoing = dry.with_samples(wet)
    model = echoes(Tiles(echoing, 100_000), run=FakeRun())
    assert model.notes["delay"] == distance / RATE
    made = deecho(echoing, model, run=FakeRun())
    assert error_db(made.samples, dry.samples) < error_db(wet, dry.samples) - (10 if feedback else 3)


def test_a_room_with_too_many_unknowns_is_refused_with_the_remedy() -> None:
    with pytest.raises(NodeError, match="raise hop"):
        room(Tiles(Audio.of(np.ones((2, 50_000)), RATE)), length=1.0, hop=64, n_fft=256, run=FakeRun())


def test_a_voice_without_echo_stays_to_the_bit_and_that_is_said() -> None:
    dry, run = voice(), FakeRun()
    made = deecho(dry, echoes(Tiles(dry), run=run), run=FakeRun())
    assert np.array_equal(made.samples, dry.samples) and "no echo" in run.warnings[0]
