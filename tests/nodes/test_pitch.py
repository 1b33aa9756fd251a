"""Pitch, harmonic masks and notes against tones whose pitch is known."""

import mido
import numpy as np
import pytest

from midistems_graph.audio.stft import istft, stft
from midistems_graph.node import Audio, Curves, NodeError, Span, StftSettings
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.io.save_notes import notes, save_notes
from midistems_nodes.mask.harmonic import harmonic
from midistems_nodes.measure.pitch import pitch

RATE, HOP = 22050, 512
TIME = np.arange(3 * RATE) / RATE
VIBRATO = 220 * 2 ** (np.sin(2 * np.pi * 5 * TIME) / 24)  # half a semitone to either side


def voice(frequency):
    """Eight harmonics on a pitch that may move."""
    turns = 2 * np.pi * np.cumsum(np.broadcast_to(frequency, TIME.shape)) / RATE
    return Audio.of(0.2 * sum(np.sin(number * turns) / number for number in range(1, 9)), RATE)


def curve(tones, hop=HOP):
    """A pitch curve as long as the voice."""
    span = Span.whole(len(TIME), RATE)
    frames = len(span.stft_frames(hop))
    return Curves(np.broadcast_to(tones, (1, frames)), ("pitch",), ("Hz",), span, hop)


def test_vibrato_is_followed_to_a_few_cents():
    sung = voice(VIBRATO)
    found = pitch(sung, hop=HOP, run=FakeRun(sung.span))
    true = VIBRATO[np.minimum(np.arange(len(found.times)) * HOP, len(TIME) - 1)]
    inner = slice(5, -5)
    away = 1200 * np.log2(found["pitch"][inner] / true[inner])
    assert np.median(np.abs(away)) < 5
    assert np.abs(away).max() < 40
    assert found.units == ("Hz", "") and found["confidence"].min() >= 0


def test_noise_and_silence_have_no_pitch():
    hiss = Audio.of(0.1 * np.random.default_rng(1).standard_normal(len(TIME)), RATE)
    assert (pitch(hiss, run=FakeRun(hiss.span))["pitch"] > 0).mean() < 0.1
    assert not pitch(Audio.of(np.zeros(RATE), RATE), run=FakeRun(Span.whole(RATE, RATE)))["pitch"].any()


def test_a_range_that_is_none_is_refused():
    with pytest.raises(NodeError, match="semitone"):
        pitch(voice(220), lowest=500.0, highest=400.0, run=FakeRun())


def test_a_harmonic_mask_parts_a_voice_from_tones_between_its_harmonics():
    sung, other = voice(220.0), Audio.of(0.1 * np.sin(2 * np.pi * 550 * TIME), RATE)  # 2.5 times the pitch
    settings = StftSettings(4096, HOP)
    song = stft(sung.with_samples(sung.samples + other.samples), settings)
    mask = harmonic(song, curve(220.0), run=FakeRun())
    left = istft(song.with_bins(song.bins * mask.bins)).samples - sung.samples
    inner = slice(4096, -4096)
    assert np.square(left[:, inner]).mean() < 1e-3 * np.square(sung.samples[:, inner]).mean()


def test_what_passes_beside_harmonics_and_without_a_pitch_is_as_set():
    song = stft(voice(220.0), StftSettings(4096, HOP))
    frames = len(song.span.stft_frames(HOP))
    mask = harmonic(
        song, curve(np.r_[np.zeros(20), np.full(frames - 20, 220)]), beside=0.25, unvoiced=0.5, run=FakeRun()
    )
    assert (mask.bins[0, :20] == 0.5).all()
    tooth = round(2.5 * 220 * 4096 / RATE)
    assert mask.bins[0, 30, tooth] == pytest.approx(0.25)
    assert mask.bins[0, 30, round(440 * 4096 / RATE)] > 0.95


def test_pitch_and_spectrogram_must_have_the_same_hop():
    song = stft(voice(220.0), StftSettings(4096, 1024))
    with pytest.raises(NodeError, match="the same hop"):
        harmonic(song, curve(220.0), run=FakeRun())


def test_notes_go_on_through_vibrato_and_end_at_rests_and_steps():
    times = np.arange(300) * 0.01
    tones = np.zeros(300)
    tones[20:100] = 440 * 2 ** (np.sin(np.arange(80)) / 40)
    tones[100:200] = 440 * 2 ** (4 / 12)
    tones[250:300] = 220
    found = list(notes(times, tones, 0.7))
    assert [note.number for note in found] == [69, 73, 57]
    np.testing.assert_allclose([note.start for note in found], [0.2, 1.0, 2.5])
    np.testing.assert_allclose([note.stop for note in found], [1.0, 2.0, 3.0])


def test_the_midi_file_has_the_notes_at_their_times(tmp_path):
    tones = np.zeros(len(Span.whole(len(TIME), RATE).stft_frames(HOP)))
    tones[20:60], tones[62:63] = 440, 300  # the second one is too short
    save_notes(Tiles(curve(tones), 20000), run=FakeRun(folder=tmp_path))
    heard = [(message.type, message.note) for message in mido.MidiFile(tmp_path / "notes.mid") if not message.is_meta]
    assert heard == [("note_on", 69), ("note_off", 69)]
    assert mido.MidiFile(tmp_path / "notes.mid").length == pytest.approx(60 * HOP / RATE, abs=0.002)


def test_a_stem_without_a_melody_is_told(tmp_path):
    run = FakeRun(folder=tmp_path)
    save_notes(Tiles(curve(0.0)), run=run)
    assert "no note was found" in run.warnings[0]
