import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from midistems_graph.node import Audio, NodeError, Stems
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.consistency.mixture import mixture_consistency
from midistems_nodes.measure.null_depth import null_depth

RATE = 8000
TRUE = {"vocals": 0.5, "drums": 0.1, "bass": 0.02}
SHARES = ["bins", "energy", "equal", "given"]


def song(length=20011):
    """A mixture, its true stems, and estimates of them with errors of 10 %."""
    rng = np.random.default_rng(1)
    true = {name: level * rng.standard_normal((2, length)).astype(np.float32) for name, level in TRUE.items()}
    mixture = Audio.of(sum(true.values()), RATE)
    guess = {n: s + 0.1 * TRUE[n] * rng.standard_normal(s.shape).astype(np.float32) for n, s in true.items()}
    return mixture, true, Stems({name: Audio.of(s, RATE) for name, s in guess.items()}, complete=True)


def consistent(share, mixture, stems, run=None):
    given = tuple(range(1, len(stems) + 1)) if share == "given" else ()
    return mixture_consistency(mixture, stems, share=share, given=given, n_fft=512, hop=128, run=run or FakeRun())


@pytest.mark.parametrize("share", SHARES)
def test_stems_null_afterwards(share):
    mixture, _, stems = song()
    result = consistent(share, mixture, stems)
    assert list(result) == list(stems) and result.complete
    assert null_depth(Tiles(mixture), Tiles(result), run=FakeRun()).value < -140


@pytest.mark.parametrize("share", SHARES)
def test_stems_that_null_already_stay(share):
    mixture, true, _ = song()
    stems = Stems({name: Audio.of(s, RATE) for name, s in true.items()}, complete=True)
    result = consistent(share, mixture, stems)
    assert max(np.abs(result[n].samples - s).max() for n, s in true.items()) < 1e-6


def test_equal_shares_are_the_projection_of_the_paper():
    mixture, _, stems = song()
    lack = mixture.samples - sum(audio.samples for audio in stems.audio.values())
    for name, audio in consistent("equal", mixture, stems).audio.items():
        assert np.abs(audio.samples - (stems[name].samples + lack / 3)).max() < 1e-6


def test_given_shares_leave_a_stem_of_weight_nought_alone():
    mixture, _, stems = song()
    result = mixture_consistency(mixture, stems, share="given", given=(0.0, 1.0, 1.0), run=FakeRun())
    assert np.array_equal(result["vocals"].samples, stems["vocals"].samples)
    with pytest.raises(NodeError, match="given has 1 numbers for the 3 stems vocals, drums, bass"):
        mixture_consistency(mixture, stems, share="given", given=(1.0,), run=FakeRun())


@pytest.mark.parametrize("share", ["bins", "energy"])
def test_what_is_missing_goes_to_who_sounds(share):
    """Two stems take turns; the error of the one that sounds must not go to the one that is silent."""
    time = np.arange(2 * RATE) / RATE
    turn = (time % 1 < 0.5).astype(np.float32)
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    stems = Stems({"a": Audio.of(0.9 * tone * turn, RATE), "b": Audio.of(0.9 * tone * (1 - turn), RATE)}, True)
    result = mixture_consistency(Audio.of(tone, RATE), stems, share=share, smoothing=0.02, n_fft=512, hop=128,
                                 run=FakeRun())  # fmt: skip
    middle_of_a = slice(RATE + 1000, RATE + 3000)
    assert np.abs(result["b"].samples[0, middle_of_a]).max() < 1e-3
    assert np.abs(result["a"].samples[0, middle_of_a] - tone[middle_of_a]).max() < 1e-3


def test_a_set_that_may_not_cover_the_mixture_is_said():
    mixture, _, stems = song(100)
    run = FakeRun()
    consistent("equal", mixture, Stems(stems.audio, complete=False), run)
    assert "may not cover the whole mixture" in run.warnings[0]


def test_a_single_stem_becomes_the_mixture():
    mixture, _, stems = song(1000)
    for share in SHARES:
        result = consistent(share, mixture, Stems({"vocals": stems["vocals"]}, complete=True))
        assert np.array_equal(result["vocals"].samples, mixture.samples)


def test_on_a_real_song_shares_by_bin_come_nearer_than_equal_ones():
    folder = os.environ.get("MIDISTEMS_TEST_SONGS")
    if not folder:
        pytest.skip("MIDISTEMS_TEST_SONGS names no folder of songs")
    song_folder = next(iter(sorted(Path(folder).glob("fof_*"))))
    files = [f for f in sorted(song_folder.glob("*.flac")) if f.stem != "mixture"]
    true = {}
    for file in files:
        samples, rate = soundfile.read(file, start=20 * 44100, frames=6 * 44100, dtype="float32", always_2d=True)
        true[file.stem] = samples.T
    mixture = Audio.of(sum(true.values()), rate)
    rng = np.random.default_rng(0)
    guess = {n: s * (1 + 0.3 * rng.standard_normal()) for n, s in true.items()}
    stems = Stems({n: Audio.of(s, rate) for n, s in guess.items()}, complete=True)
    errors = {}
    for share in ("bins", "equal"):
        result = mixture_consistency(mixture, stems, share=share, run=FakeRun())
        assert null_depth(Tiles(mixture), Tiles(result), run=FakeRun()).value < -140
        errors[share] = sum(float(np.sum((result[n].samples - s) ** 2)) for n, s in true.items())
    assert errors["bins"] < errors["equal"]
