"""Hear any edge: the desk, driven sample by sample."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from small_decks import FADE, RATE, SONG, A, B, Desk, Shelf, edge, noise, place_of, place_of_in, shelf, take

from midistems_graph.audio.loudness import integrated_loudness
from midistems_graph.audio.output_process import NULL, ProcessOut
from midistems_graph.audio.output_silent import SilentOut
from midistems_graph.audio.values import Audio, Float32, Span
from midistems_graph.document.graph import Channel
from midistems_graph.editor.audition.deck import Deck
from midistems_graph.editor.audition.figures import Question
from midistems_graph.editor.audition.offline import NotComputed, matching_gains
from midistems_graph.editor.audition.program import Monitor
from midistems_graph.editor.audition.takes import StemMixer, Take, difference


@pytest.fixture
def desk() -> Desk:
    return Desk(shelf())


def test_an_edge_plays_with_its_very_samples(desk: Desk) -> None:
    heard = desk.playing("a", at=5000).listen(3 * RATE)
    assert place_of(heard[:, 1000:2000], A) + 2000 == place_of(heard[:, 3000:5000], A)


def test_another_edge_goes_on_at_the_same_sample_without_a_gap(desk: Desk) -> None:
    before = desk.playing("a", at=1000).listen(4000)
    at = place_of(before[:, -500:], A) + 500
    desk.deck.hear(take("b"))
    after = desk.listen(4000)
    only_a = np.all(after == A.samples[:, at : at + 4032], axis=0)
    only_b = np.all(after == B.samples[:, at : at + 4032], axis=0)
    begin, end = int(np.argmin(only_a)), 4032 - int(np.argmin(only_b[::-1]))
    assert only_a[:begin].all() and only_b[end:].all()
    assert end - begin == FADE
    turn = (np.arange(FADE) + 0.5) / FADE * np.pi / 2
    first = slice(at + begin, at + begin + desk.clock.period)
    alike = max(np.corrcoef(A.samples[:, first].ravel(), B.samples[:, first].ravel())[0, 1], 0)
    mixed = A.samples[:, at + begin : at + end] * np.cos(turn) + B.samples[:, at + begin : at + end] * np.sin(turn)
    mixed /= np.sqrt(1 + 2 * alike * np.cos(turn) * np.sin(turn))
    assert np.allclose(after[:, begin:end], mixed, atol=2e-3)


def test_the_power_of_a_crossfade_is_constant_for_sounds_that_have_nothing_in_common() -> None:
    left, right = (np.outer(side, np.full(SONG.total, 0.5)) for side in ((1, 0), (0, 1)))
    desk = Desk(Shelf({"song": A, "a": Audio.of(left, RATE), "b": Audio.of(right, RATE)}))
    desk.playing("a").listen(RATE)
    desk.deck.hear(take("b"))
    heard = desk.listen(RATE)
    assert (heard[0, 0], heard[1, -1]) == (0.5, 0.5)
    power = np.sum(heard.astype(np.float64) ** 2, axis=0)
    assert 10 * np.log10(power.max() / power.min()) < 0.1


def test_edges_that_are_alike_do_not_swell_in_a_crossfade() -> None:
    near = A.with_samples(A.samples + np.float32(0.01) * B.samples)
    desk = Desk(Shelf({"song": A, "a": A, "b": near}))
    desk.playing("a").listen(RATE)
    before = desk.deck.sample
    desk.deck.hear(take("b"))
    heard = desk.listen(2000)
    assert np.abs(heard - A.samples[:, before : before + heard.shape[1]]).max() < 0.02


def test_a_difference_is_the_difference_of_the_samples(desk: Desk) -> None:
    desk.deck.hear(difference(take("loud"), take("a")))
    desk.deck.play()
    heard = desk.listen(RATE)
    assert place_of(heard[:, 2000:2500], A.with_samples(2 * A.samples - A.samples)) > 0
    desk.deck.hear(difference(take("a"), take("a")))
    desk.listen(desk.blind)
    assert not desk.listen(1000).any()


def test_the_level_of_a_difference_is_told_and_it_can_be_turned_up(desk: Desk) -> None:
    def level(take: Take) -> float:
        return desk.deck.measure(Question("db", take, (0, RATE), 0))

    power = float(np.mean(A.samples[:, :RATE].astype(np.float64) ** 2))
    assert abs(level(difference(take("loud"), take("a"))) - 10 * np.log10(power)) < 1e-3
    assert level(difference(take("a"), take("a"))) == -np.inf
    desk.deck.listen_through(Monitor(gain_db=20.0))
    quiet = Take((*difference(take("loud"), take("a")).parts,), gain_db=-20.0)
    desk.deck.hear(quiet)
    desk.deck.play()
    heard = desk.listen(RATE)[:, 2000:2500]
    assert np.allclose(heard, A.samples[:, place_near(heard) : place_near(heard) + heard.shape[1]], atol=1e-6)


def place_near(heard: Float32) -> int:
    """Where in A a stretch is, up to rounding."""
    match = np.correlate(A.samples[0], heard[0], "valid")
    return int(np.argmax(match))


def test_a_loop_goes_round_to_the_sample(desk: Desk) -> None:
    desk.playing("a", at=2950)
    desk.deck.loop(3001, 4003)
    heard = desk.listen(5000)
    at = place_of(heard[:, 500:700], A)
    expected = (np.arange(4000) + at - 3001) % 1002 + 3001
    assert np.array_equal(heard[:, 500:4500], A.samples[:, expected])


@settings(max_examples=20)
@given(start=st.integers(0, SONG.total - 200), length=st.integers(80, 3000))
def test_any_loop_goes_round_to_the_sample(start: int, length: int) -> None:
    desk = Desk(shelf())
    stop = min(start + length, SONG.total)
    desk.deck.loop(start, stop)
    desk.playing("a", at=start)
    heard = desk.listen(3000)[:, 1000:]
    first = place_of_in(heard, start, stop)
    assert np.array_equal(heard, A.samples[:, (np.arange(heard.shape[1]) + first - start) % (stop - start) + start])


def test_a_jump_lands_on_the_sample(desk: Desk) -> None:
    desk.playing("a").listen(4000)
    desk.deck.seek(70_001)
    heard = desk.listen(2000)
    arrived = place_of(heard[:, -500:], A)
    moved = np.flatnonzero(heard[0] == A.samples[0, 70_001 + FADE])
    assert 70_001 < arrived < 72_000
    assert arrived - (70_001 + FADE) == heard.shape[1] - 500 - moved[0]


def test_pause_fades_and_keeps_the_place(desk: Desk) -> None:
    desk.playing("a").listen(4000)
    desk.deck.play(False)
    heard = desk.listen(2000)
    assert not heard[:, -1000:].any()
    assert np.abs(np.diff(heard[0])).max() < 1.0
    here = desk.deck.sample
    desk.listen(2000)
    assert desk.deck.sample == here
    desk.deck.play()
    heard = desk.listen(3000)
    assert here <= place_of(heard[:, -500:], A) < here + 3000


def test_the_playhead_is_that_of_the_sample_that_is_handed_over(desk: Desk) -> None:
    heard = desk.playing("a", at=800).listen(4000)
    assert place_of(heard[:, -100:], A) + 100 == desk.deck.sample


def test_half_speed_is_the_song_an_octave_lower() -> None:
    n = np.arange(SONG.total)
    sine = Audio.of(0.5 * np.sin(2 * np.pi * 500 * n / RATE).astype(np.float32), RATE)
    desk = Desk(Shelf({"song": A, "a": sine}))
    desk.deck.at_speed(0.5)
    desk.playing("a", at=100)
    heard = desk.listen(3 * RATE)[0, RATE : 2 * RATE]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(RATE)))
    assert np.argmax(spectrum) == 250
    spectrum[245:256] = 0
    assert 20 * np.log10(spectrum.max() / (0.5 * RATE / 4)) < -60
    with pytest.raises(ValueError, match=r"can be 0\.25, 0\.5, 1, not 2"):
        desk.deck.at_speed(2.0)


def test_scrubbing_sounds_and_then_pauses_again(desk: Desk) -> None:
    desk.deck.hear(take("a"))
    desk.listen(1000)
    desk.deck.scrub(20_000)
    assert desk.listen(2000)[:, -500:].any()
    desk.deck.scrub(30_000)
    desk.deck.release()
    desk.listen(desk.blind)
    assert not desk.deck.status.playing
    assert not desk.listen(1000).any()


def test_a_device_of_another_rate_hears_the_resampled_song_at_the_same_playhead() -> None:
    desk = Desk(shelf(), rate=11025)
    heard = desk.playing("a", at=4000).listen(11025)
    expected = soxr.resample(A.samples.T, RATE, 11025).T
    match = np.correlate(expected[0], heard[0, 4000:6000], "valid")
    at = int(np.argmax(match))
    assert np.abs(expected[:, at : at + 2000] - heard[:, 4000:6000]).max() < 1e-4
    assert abs((at + heard.shape[1] - 4000) * RATE / 11025 - desk.deck.sample) <= 1


def test_an_edge_of_another_rate_plays_in_time(desk: Desk) -> None:
    heard = desk.playing("high").listen(2 * RATE)
    expected = soxr.resample(noise(6, rate=2 * RATE).samples.T, 2 * RATE, RATE).T
    match = np.correlate(expected[0], heard[0, 8000:9000], "valid")
    at = int(np.argmax(match))
    assert at + heard.shape[1] - 8000 == desk.deck.sample
    assert np.abs(expected[:, at : at + 1000] - heard[:, 8000:9000]).max() < 1e-4


def test_mono_is_heard_on_both_sides(desk: Desk) -> None:
    heard = desk.playing("mono").listen(2000)
    assert heard.any()
    assert np.array_equal(heard[0], heard[1])


def test_the_stem_mixer_solos_mutes_and_weighs(desk: Desk) -> None:
    kick, snare = noise(3).samples, noise(4).samples
    desk.playing("stems").listen(2000)
    assert desk.deck.tracks.stems(edge("stems")) == ("kick", "snare")
    assert desk.deck.status.note == "sum of 2 stems"
    both = ("kick", "snare")

    def mixer(**channels: Channel) -> StemMixer:
        return StemMixer(edge("stems"), both, channels)

    wanted = {
        "all": (mixer(), kick + snare),
        "solo": (mixer(snare=Channel(solo=True)), snare),
        "mute": (mixer(snare=Channel(mute=True)), kick),
        "half": (mixer(kick=Channel(gain_db=-20.0)), np.float32(0.1) * kick + snare),
        "both": (mixer(kick=Channel(solo=True, mute=True)), 0 * kick),
    }
    for name, (board, expected) in wanted.items():
        desk.deck.hear(board.take)
        desk.listen(desk.blind)
        heard = desk.listen(1024)
        at = desk.deck.sample - heard.shape[1]
        assert np.allclose(heard, expected[:, at : at + heard.shape[1]], atol=1e-6), name


def test_mid_side_and_band_are_heard_alone(desk: Desk) -> None:
    mid = (A.samples[0] + A.samples[1]) / 2
    desk.playing("a")
    for side, expected in (("mid", np.stack([mid, mid])), ("side", A.samples - mid)):
        desk.deck.listen_through(Monitor(side=side))  # type: ignore[arg-type]
        desk.listen(desk.blind)
        heard = desk.listen(1024)
        at = desk.deck.sample - heard.shape[1]
        assert np.allclose(heard, expected[:, at : at + heard.shape[1]], atol=1e-6)
    desk.deck.listen_through(Monitor(band=(1000.0, 2000.0)))
    desk.listen(desk.blind)
    heard = desk.listen(RATE)[0]
    power = np.abs(np.fft.rfft(heard * np.hanning(len(heard)))) ** 2
    hertz = np.fft.rfftfreq(len(heard), 1 / RATE)
    outside = power[(hertz < 900) | (hertz > 2100)].mean()
    assert 10 * np.log10(power[(hertz > 1100) & (hertz < 1900)].mean() / outside) > 60
    at = desk.deck.sample - len(heard)
    inside = np.fft.rfft(A.samples[0, at : at + len(heard)] * np.hanning(len(heard)))
    ours = np.fft.rfft(heard * np.hanning(len(heard)))
    passed = (hertz > 1150) & (hertz < 1850)
    assert np.abs(ours - inside)[passed].max() < 1e-2 * np.abs(inside).max(), "in time, too"


def test_ten_number_keys_keep_takes_ready(desk: Desk) -> None:
    desk.deck.keep(3, take("b"))
    desk.playing("a").listen(2000)
    assert desk.shelf.wanted[edge("b")][1] == 1
    assert not desk.deck.recall(4)
    assert desk.deck.recall(3)
    heard = desk.listen(2000)
    at = desk.deck.sample - heard.shape[1]
    assert np.array_equal(heard[:, -500:], B.samples[:, at : at + heard.shape[1]][:, -500:])
    assert edge("a") not in desk.shelf.wanted
    with pytest.raises(ValueError, match="0 to 9, not 10"):
        desk.deck.keep(10, take("a"))


def test_gains_of_matching_turn_down_to_the_quietest(desk: Desk) -> None:
    sounds = [A.samples, 2 * A.samples, B.samples]
    region = (RATE, 9 * RATE)
    takes = [take("a"), take("loud"), take("b")]
    gains = matching_gains([desk.deck.measure(Question("lufs", t, region, 0)) for t in takes])
    levels = [
        integrated_loudness(Audio.of(np.float32(10 ** (gain / 20)) * s[:, RATE : 9 * RATE], RATE))
        for gain, s in zip(gains, sounds, strict=True)
    ]
    assert max(levels) - min(levels) < 0.1
    assert all(gain <= 0 for gain in gains)
    assert abs(gains[1] - gains[0] + 6.02) < 0.01


def test_real_songs_are_matched_within_a_tenth_of_a_unit() -> None:
    folder = os.environ.get("MIDISTEMS_TEST_SONGS")
    if not folder:
        pytest.skip("MIDISTEMS_TEST_SONGS names no folder of songs")
    song = next(iter(sorted(Path(folder).glob("fof_*"))))
    loaded = {}
    for name in ("mixture", "guitar"):
        samples, rate = soundfile.read(song / f"{name}.flac", dtype="float32", frames=10 * 44100)
        loaded[name] = Audio.of(samples.T, rate)
    whole = loaded["mixture"].span
    desk = Desk(Shelf(dict(loaded)))
    desk.deck.song = whole
    region = (0, whole.total)
    gains = matching_gains([desk.deck.measure(Question("lufs", take(name), region, 0)) for name in loaded])
    levels = [
        integrated_loudness(v.with_samples(v.samples * np.float32(10 ** (gain / 20))))
        for gain, v in zip(gains, loaded.values(), strict=True)
    ]
    assert abs(levels[0] - levels[1]) < 0.1


def test_export_of_an_edge_has_its_very_samples_and_channels(desk: Desk, tmp_path: Path) -> None:
    desk.deck.hear(take("mono"))
    desk.deck.loop(1001, 20_003)
    desk.deck.exporter(tmp_path / "mono.wav", desk.deck.region)()
    written, rate = soundfile.read(tmp_path / "mono.wav", dtype="float32", always_2d=True)
    assert rate == RATE
    assert np.array_equal(written.T, noise(5, channels=1).samples[:, 1001:20_003])


def test_export_of_a_difference_is_what_is_heard(desk: Desk, tmp_path: Path) -> None:
    desk.deck.hear(difference(take("a"), take("b")))
    desk.deck.listen_through(Monitor(side="mid"))
    desk.deck.loop(1001, 20_003)
    desk.deck.exporter(tmp_path / "rest.wav", desk.deck.region)()
    written, _ = soundfile.read(tmp_path / "rest.wav", dtype="float32")
    rest = (A.samples - B.samples)[:, 1001:20_003]
    assert np.array_equal(written[:, 0], (rest[0] + rest[1]) / 2)


def test_export_of_what_is_not_computed_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.shelf.computing.add(edge("a"))
    desk.deck.hear(take("a"))
    with pytest.raises(NotComputed, match=r"a\.out is not computed yet"):
        desk.deck.exporter(tmp_path / "a.wav", desk.deck.region)()
    assert list(tmp_path.iterdir()) == []


def test_the_song_ends_in_silence_and_play_begins_again(desk: Desk) -> None:
    desk.playing("a", at=SONG.total - 1000)
    desk.listen(4000)
    assert not desk.listen(1000).any()
    assert desk.deck.sample == SONG.total
    desk.deck.play()
    desk.listen(desk.blind)
    assert 0 < desk.deck.sample < 2000


def test_of_a_song_that_is_over_one_press_plays_it_again(desk: Desk) -> None:
    desk.playing("a", at=SONG.total - RATE // 2).listen(RATE)
    assert not desk.deck.status.playing
    desk.deck.toggle()
    assert desk.listen(RATE).any() and desk.deck.status.playing
    desk.deck.toggle()
    desk.listen(desk.blind)
    assert not desk.deck.status.playing


@pytest.mark.parametrize("at", [RATE, 9 * RATE, SONG.total])
def test_a_loop_elsewhere_is_gone_to(desk: Desk, at: int) -> None:
    desk.playing("a", at=at).listen(1000)
    desk.deck.loop(4 * RATE, 6 * RATE)
    desk.listen(desk.blind)
    assert 4 * RATE <= desk.deck.sample < 4 * RATE + 2 * desk.blind
    desk.deck.loop(3 * RATE, 7 * RATE)
    desk.listen(desk.blind)
    assert desk.deck.sample > 4 * RATE, "one is inside of it already"


def test_meters_show_nothing_of_the_edge_before(desk: Desk) -> None:
    desk.shelf.values[edge("b")] = B.with_samples(B.samples * 0.001)
    desk.playing("a").listen(RATE)
    desk.deck.hear(take("b"))
    assert desk.deck.status.switching
    desk.listen(desk.blind)
    assert not desk.deck.status.switching
    assert max(desk.deck.status.levels.true_peak) < 0.01


def test_a_lost_device_of_another_rate_goes_on_at_the_same_place(desk: Desk) -> None:
    from midistems_graph.audio.output_clock import FakeClock

    desk.playing("a", at=16_000).listen(8000)
    second = FakeClock(11025, 64, "speakers")
    desk.deck.player._reopen = lambda: second
    before = desk.deck.sample
    desk.clock.unplug()
    desk.clock = second
    desk.deck.player.pump()
    assert abs(desk.deck.sample - before) < 100
    heard = desk.listen(4000)
    assert heard[:, -1000:].any()
    assert desk.deck.player.messages[-1].endswith("is gone; playback goes on with speakers")


def test_real_threads_switch_edges_without_an_xrun_of_the_ring() -> None:
    deck = Deck(shelf(), Span.whole(SONG.total, RATE), out=SilentOut(RATE, 256))
    deck.start()
    deck.hear(take("a"))
    deck.play()
    deadline = time.monotonic() + 10
    clicks = 0
    while clicks < 20 and time.monotonic() < deadline:
        deck.hear(take("ab"[clicks % 2]))
        clicks += 1
        time.sleep(0.02)
    while deck.sample < RATE // 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    status = deck.status
    deck.close()
    assert status.sample >= RATE // 2
    assert status.levels.peak[0] > 0
    assert Fraction(status.sample, RATE) < 12


def test_a_run_on_a_device_of_its_own_on_a_loaded_machine_reports_its_xruns(
    record_property: Callable[[str, object], None],
) -> None:
    deck = Deck(shelf(), SONG, out=ProcessOut(NULL, RATE, 256), ahead=0.35)
    ended = threading.Event()

    def load() -> None:
        while not ended.is_set():
            sum(range(2000))
            np.fft.rfft(np.ones(1 << 15))

    loads = [threading.Thread(target=load) for _ in range(2)]
    for thread in loads:
        thread.start()
    try:
        deck.start()
        deck.hear(take("a"))
        deck.play()
        for click in range(30):
            deck.hear(take("ab"[click % 2]))
            time.sleep(0.03)
        deadline = time.monotonic() + 60
        while (deck.player.health.calls <= 10 or not deck.status.levels.peak[0]) and time.monotonic() < deadline:
            time.sleep(0.02)
        before = deck.player.health
        record_property("xruns", before.xruns)
        assert before.calls > 10 and deck.status.levels.peak[0] > 0
        deck.player.renderer.render = lambda out: time.sleep(0.6)  # type: ignore[method-assign]
        deck.player.refresh()
        health = before
        while (health.xruns == before.xruns or not health.lost_frames) and time.monotonic() < deadline:
            time.sleep(0.02)
            health = deck.player.health
        assert health.xruns > before.xruns and health.lost_frames > 0
        assert f"{health.xruns} time" in health.hint or "once" in health.hint
    finally:
        ended.set()
        deck.close()
        for thread in loads:
            thread.join()
