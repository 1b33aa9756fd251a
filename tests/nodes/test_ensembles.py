"""The public ensemble algorithms, the linear mixer, and test-time augmentation."""

import numpy as np
import pytest
from songs import si_sdr
from test_blend import A, B, C, sound

from midistems_graph.audio.stft import Stft
from midistems_graph.node import Audio, NodeError, Separator, Span, Stems, StftSettings
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.blend.ensemble import ensemble
from midistems_nodes.blend.ensemble_stft import ensemble_stft
from midistems_nodes.blend.mixer import fit_mixer, mixer
from midistems_nodes.blend.quietest import loudness_of_parts, quietest
from midistems_nodes.separate.augmented import augmented

PARTS = (A, B, C)


def in_spectra(merge, n_fft, hop):
    transform = Stft(StftSettings(n_fft, hop), A.span)
    return transform.inverse(merge(np.stack([transform.forward(part.samples) for part in PARTS])).astype(np.complex64))


def pick(stack, choose):
    return np.take_along_axis(stack, choose(np.abs(stack), axis=0)[None], 0)[0]


def quiet(parts, count=240, fade=0.0, tile=700):
    model = loudness_of_parts(tuple(Tiles(part, tile) for part in parts), parts=count, run=FakeRun())
    return quietest(parts, model, parts=count, fade=fade, run=FakeRun())


def public(name):
    """The eleven algorithms as they are known from audio-separator and Ultimate Vocal Remover, written plainly."""
    stack = np.stack([part.samples for part in PARTS])
    waves = {"avg": lambda s: np.average(s, axis=0, weights=(3, 2, 1)), "median": lambda s: np.median(s, axis=0),
             "min": lambda s: pick(s, np.argmin), "max": lambda s: pick(s, np.argmax)}  # fmt: skip
    kind, _, domain = name.rpartition("_")
    if domain == "wave":
        return waves[kind](stack)
    if domain == "fft":
        if kind == "median":
            return in_spectra(lambda s: np.median(s.real, axis=0) + 1j * np.median(s.imag, axis=0), 2048, 1024)
        return in_spectra(waves[kind], 2048, 1024)
    if domain == "spec":
        return in_spectra(waves[kind.removeprefix("uvr_")], 2048, 1024)
    pieces = [np.array_split(part.samples.T, 240) for part in PARTS]
    best = [np.argmin([np.abs(mine[i]).mean() for mine in pieces]) for i in range(240)]
    return np.concatenate([pieces[winner][i] for i, winner in enumerate(best)]).T


SPEC = {"n_fft": 2048, "hop": 1024, "run": FakeRun()}
OURS = {
    "avg_wave": lambda: ensemble(PARTS, method="average", weights=(3.0, 2.0, 1.0), run=FakeRun()),
    "median_wave": lambda: ensemble(PARTS, method="median", run=FakeRun()),
    "min_wave": lambda: ensemble(PARTS, method="min", run=FakeRun()),
    "max_wave": lambda: ensemble(PARTS, method="max", run=FakeRun()),
    "avg_fft": lambda: ensemble_stft(PARTS, method="average", weights=(3.0, 2.0, 1.0), **SPEC),
    "median_fft": lambda: ensemble_stft(PARTS, method="median", **SPEC),
    "min_fft": lambda: ensemble_stft(PARTS, method="min", **SPEC),
    "max_fft": lambda: ensemble_stft(PARTS, method="max", **SPEC),
    "uvr_max_spec": lambda: ensemble_stft(PARTS, method="max", **SPEC),
    "uvr_min_spec": lambda: ensemble_stft(PARTS, method="min", **SPEC),
    "ensemble_wav": lambda: quiet(PARTS),
}


@pytest.mark.parametrize("name", OURS)
def test_the_public_algorithms_are_here(name):
    assert np.abs(OURS[name]().samples - public(name)).max() < 1e-5


def test_parts_of_the_quietest_pass_into_each_other():
    loud, silent = Audio.of(np.ones((1, 8000)), 8000), Audio.of(np.zeros((1, 8000)), 8000)
    falling = Audio.of(np.linspace(-2, 0, 8000), 8000)
    hard, soft = (quiet((loud, falling), count=4, fade=fade).samples[0] for fade in (0.0, 0.01))
    assert np.abs(np.diff(hard)).max() > 1.9 and np.abs(np.diff(soft)).max() < 0.03
    assert np.array_equal(soft[:3900], loud.samples[0, :3900])
    assert np.array_equal(soft[4100:], falling.samples[0, 4100:])
    assert not quiet((loud, silent)).samples.any()


def test_sets_are_taken_stem_by_stem():
    made = quiet((Stems({"x": A, "y": B}), Stems({"y": C, "x": sound(9)})))
    assert np.array_equal(made["x"].samples, quiet((A, sound(9))).samples)


def test_without_weights_the_mixer_averages_what_has_the_name():
    sets = (Stems({"vocals": A, "drums": B}), Stems({"voice": C}))
    made = mixer(sets, names=("vocals", "drums"), run=FakeRun())
    assert np.abs(made["vocals"].samples - (A.samples + C.samples) / 2).max() < 1e-6
    assert np.array_equal(made["drums"].samples, B.samples)
    with pytest.raises(NodeError, match="has a stem 'piano'"):
        mixer(sets, names=("piano",), run=FakeRun())
    with pytest.raises(NodeError, match="weights has 2 numbers, but 1 stems of 3 incoming ones need 3"):
        mixer(sets, names=("vocals",), weights=(1.0, 2.0), run=FakeRun())


def test_the_fit_finds_the_weights_that_made_the_references():
    sets = (Stems({"vocals": A, "drums": B}), Stems({"vocals": C}))
    true = {"vocals": 0.5 * A.samples - 0.2 * B.samples + 0.4 * C.samples, "drums": 0.9 * B.samples}
    references = Stems({name: A.with_samples(samples) for name, samples in true.items()})
    fit = fit_mixer(tuple(Tiles(s, 999) for s in sets), Tiles(references, 999), stiffness=0.0, run=FakeRun())
    assert fit.table.rows["vocals"] == pytest.approx({"1:vocals": 0.5, "1:drums": -0.2, "2:vocals": 0.4}, abs=1e-5)
    by_fit = mixer(sets, fit.fitted, names=("drums", "vocals"), run=FakeRun())
    numbers = tuple(weight for row in fit.table.rows.values() for weight in row.values())
    by_hand = mixer(sets, names=("vocals", "drums"), weights=numbers, run=FakeRun())
    for name, samples in true.items():
        assert np.abs(by_fit[name].samples - samples).max() < 1e-5
        assert np.abs(by_hand[name].samples - samples).max() < 1e-5


def test_a_fit_is_no_worse_than_the_best_member():
    """Two estimates with errors of their own: least squares beats both and their average."""
    noisy = [
        Stems({"vocals": A.with_samples(A.samples + level * sound(s).samples)}) for s, level in ((5, 0.5), (6, 0.2))
    ]
    fit = fit_mixer(tuple(map(Tiles, noisy)), Tiles(Stems({"vocals": A})), run=FakeRun())
    best = si_sdr(mixer(tuple(noisy), fit.fitted, names=("vocals",), run=FakeRun())["vocals"], A)
    average = si_sdr(mixer(tuple(noisy), names=("vocals",), run=FakeRun())["vocals"], A)
    assert best > max(average, *(si_sdr(stems["vocals"], A) for stems in noisy))


class Fake(FakeRun):
    """A run whose separator keeps what it was asked and answers by a function."""

    def separate(self, separator, mixture):
        self.asked = [*getattr(self, "asked", []), mixture]
        return Stems({"it": mixture.with_samples(self.answer(mixture))}, complete=True)


def ask(mixture, answer, **knobs):
    run = Fake(mixture.span)
    run.answer = answer
    return augmented(Separator("any"), mixture, **knobs, run=run)["it"].samples, run.asked


@pytest.mark.parametrize("knobs", [
    {}, {"shifts": 3, "farthest": 0.01}, {"speeds": (105.0, 110.0), "swap": False}, {"polarity": False},
])  # fmt: skip
def test_a_separator_without_prejudice_says_the_same(knobs):
    smooth = np.sin(2 * np.pi * np.outer([0.01, 0.02], np.arange(20_000))) * np.hanning(20_000)
    mixture = Audio.of(smooth.astype(np.float32), 44100)
    made, asked = ask(mixture, lambda audio: 0.5 * audio.samples, **knobs)
    assert np.abs(made - 0.5 * mixture.samples).max() < 2e-4
    assert len(asked) > 1


def test_prejudice_is_averaged_out():
    """A separator that favours the left channel, and one that adds an offset."""
    left, _ = ask(A, lambda audio: audio.samples * np.array([[1.0], [0.5]], np.float32), polarity=False)
    assert np.abs(left - 0.75 * A.samples).max() < 1e-6
    offset, _ = ask(A, lambda audio: audio.samples + np.float32(0.1), swap=False)
    assert np.abs(offset - A.samples).max() < 1e-6


def test_disguises_are_what_they_say():
    mixture = sound(3, length=4410)
    _, asked = ask(mixture, lambda audio: audio.samples, shifts=2, farthest=0.01, speeds=(110.0,))
    plain, swapped, inverted, near, far, slow = asked
    assert plain is mixture
    assert np.array_equal(swapped.samples, mixture.samples[::-1])
    assert np.array_equal(inverted.samples, -mixture.samples)
    assert (near.span.frames, far.span.frames) == (4410 + 220, 4410 + 441)
    assert np.array_equal(far.samples[:, 441:], mixture.samples) and not far.samples[:, :441].any()
    assert (slow.span.frames, slow.rate) == (4851, 44100)


def test_a_piece_of_a_song_is_moved_as_a_piece():
    whole = sound(3, length=9000)
    piece = whole.crop(Span(3000, 6000, 9000, 44100))
    _, asked = ask(piece, lambda audio: audio.samples, shifts=1, farthest=0.01)
    assert asked[-1].span == Span(3441, 6441, 9441, 44100)
    assert np.array_equal(asked[-1].samples, piece.samples)


def test_speeds_are_whole_percents():
    with pytest.raises(NodeError, match="whole percents"):
        ask(A, lambda audio: audio.samples, speeds=(101.5,))
