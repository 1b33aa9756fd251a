"""Every kind of value is heard, or refused with a sentence."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from small_decks import RATE, Desk, Shelf, edge, noise, take

from midistems_graph.audio.stft import stft
from midistems_graph.audio.values import Audio, Magnitude, Mask, Number, Phase, Span, Stems, StftSettings, Value
from midistems_graph.editor.audition.audible import NotAudible, audible, margin, stereo
from midistems_graph.editor.audition.takes import Take

SONG = noise(1)
BINS = stft(SONG, StftSettings(512, 128))
HALF = np.full(BINS.bins.shape, 0.5, np.float32)


@pytest.mark.parametrize(
    ("value", "expected", "note"),
    [
        (BINS, SONG.samples, "a spectrogram, transformed back"),
        (
            Magnitude(np.abs(BINS.bins), BINS.span, BINS.stft),
            SONG.samples,
            "a magnitude, heard with the mixture's phase",
        ),
        (Phase(np.angle(BINS.bins), BINS.span, BINS.stft), SONG.samples, "a phase, heard with the mixture's magnitude"),
        (Mask(HALF, BINS.span, BINS.stft), SONG.samples / 2, "a mask, heard on the mixture"),
        (Stems({"a": SONG, "b": SONG}), SONG.samples * 2, "sum of 2 stems"),
        (SONG, SONG.samples, ""),
    ],
)
def test_a_value_is_heard_with_a_note(value: Value, expected: np.ndarray, note: str) -> None:
    heard = audible(value, mixture=SONG)
    assert heard.note == note
    assert np.abs(heard.audio.samples - expected).max() < 1e-5


def test_a_mask_is_heard_page_by_page_as_over_the_whole_song() -> None:
    values = np.random.default_rng(3).uniform(0, 1, BINS.bins.shape).astype(np.float32)
    mask = Mask(values, BINS.span, BINS.stft)
    desk = Desk(Shelf({"song": SONG, "mask": mask}))
    desk.playing("mask").listen(3 * RATE)
    heard = desk.listen(2 * RATE)
    at = desk.deck.sample - heard.shape[1]
    whole = audible(mask, mixture=SONG).audio.samples
    assert np.abs(heard - whole[:, at : at + heard.shape[1]]).max() < 1e-6
    assert desk.deck.status.note == "a mask, heard on the mixture"


def test_one_stem_can_be_chosen_and_others_are_named() -> None:
    both = Stems({"kick": SONG, "snare": noise(2)})
    assert audible(both, stem="snare").audio is both["snare"]
    with pytest.raises(NotAudible, match="no stem 'flute' on this edge; it carries kick, snare"):
        audible(both, stem="flute")


def test_what_has_no_sound_says_so_and_is_not_waited_for() -> None:
    with pytest.raises(NotAudible, match="carries number, which has no sound"):
        audible(Number(3.0))
    with pytest.raises(NotAudible, match="mask is heard with the mixture"):
        audible(Mask(HALF, BINS.span, BINS.stft))
    desk = Desk(Shelf({"song": SONG, "number": Number(3.0)}))
    desk.playing("number")
    assert not desk.listen(2000).any()
    status = desk.deck.status
    assert status.note.startswith("this edge carries number")
    assert not status.waiting


def test_spectra_ask_for_a_margin_and_sound_for_none() -> None:
    assert margin(BINS) == Fraction(1024, RATE)
    assert margin(SONG) == 0


def test_surround_is_folded_to_two_speakers_as_the_standard_says() -> None:
    channels = np.eye(6, dtype=np.float32)
    folded = stereo(Audio(channels, Span.whole(6, RATE), "5.1"))
    minus_3_db = np.float32(10 ** (-3.0103 / 20))
    assert np.allclose(folded[0], [1, 0, minus_3_db, 0, minus_3_db, 0])
    assert np.allclose(folded[1], [0, 1, minus_3_db, 0, 0, minus_3_db])
    four = stereo(Audio(np.eye(4, dtype=np.float32), Span.whole(4, RATE), "4 channels"))
    assert np.array_equal(four, [[1, 0, 1, 0], [0, 1, 0, 1]])


def test_a_take_names_what_is_heard() -> None:
    assert Take.of(edge("hpss"), "drums").name == "hpss.out drums"
    assert take("a").addresses == (edge("a"),)
