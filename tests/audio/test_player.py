"""Playback between a renderer and a device, driven by a clock of our own."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from midistems_graph.audio.feed import FADE
from midistems_graph.audio.output_base import AudioOut, OutputProblem
from midistems_graph.audio.output_clock import FakeClock
from midistems_graph.audio.output_silent import NO_DEVICE, SilentOut
from midistems_graph.audio.output_timing import Lateness
from midistems_graph.audio.player import CEILING, Player, devices, open_output
from midistems_graph.audio.values import Float32


class Counting:
    """Gives every frame its own number (in thousandths), so that nothing can be lost or doubled unseen."""

    def __init__(self, level: float = 0.0) -> None:
        self.state: Any = 0
        self.level = level
        self.rates: list[int] = []
        self.offset = 0.0
        self.is_silent = False

    def render(self, out: Float32) -> None:
        n = np.arange(self.state, self.state + out.shape[1])
        out[:] = self.level if self.level else (n % 1000) / 1000 + self.offset
        self.state += out.shape[1]

    def retarget(self, rate: int) -> None:
        self.rates.append(rate)


def playing(renderer: Counting, out: AudioOut, **how: Any) -> Player:
    player = Player(out, renderer, **how)
    player.start(worker=False)
    return player


def numbers(first: int, count: int) -> np.ndarray:
    return (np.arange(first, first + count) % 1000 / 1000).astype(np.float32)


@pytest.mark.parametrize("asked", [64, 100, 1000])
def test_every_frame_is_handed_over_once_however_many_the_device_asks_for(asked: int) -> None:
    clock = FakeClock(period=256)
    player = playing(Counting(), clock)
    heard = []
    for _ in range(60):
        heard.append(clock.take(asked))
        player.pump()
    sound = np.concatenate(heard)
    assert np.array_equal(sound[FADE:, 0], numbers(0, len(sound))[FADE:])
    assert np.array_equal(sound[:, 0], sound[:, 1])
    assert player.health.xruns == 0


def test_a_change_is_heard_after_the_block_that_may_be_read_and_nothing_is_lost() -> None:
    clock, renderer = FakeClock(period=256), Counting()
    player = playing(renderer, clock, depth=16)
    before = [clock.take() for _ in range(3)]
    renderer.offset = 0.5
    player.refresh()
    player.pump()
    sound = np.concatenate([*before, *[clock.take() for _ in range(8)]])[:, 0]
    changed = (3 + 1) * 256
    assert np.array_equal(sound[FADE:changed], numbers(0, changed)[FADE:])
    assert np.allclose(sound[changed:], numbers(0, len(sound))[changed:] + 0.5)


def test_what_a_device_may_be_reading_is_left_alone_however_much_it_asks_for() -> None:
    clock, renderer = FakeClock(period=256), Counting()
    player = playing(renderer, clock, depth=16)
    before = [clock.take(600)]
    renderer.offset = 0.5
    player.refresh()
    player.pump()
    sound = np.concatenate([*before, clock.take(2000)])[:, 0]
    changed = 5 * 256  # the first whole block behind 600 + 600
    assert np.array_equal(sound[FADE:changed], numbers(0, changed)[FADE:])
    assert np.allclose(sound[changed:], numbers(changed, len(sound) - changed) + 0.5)


def test_while_a_change_is_rendered_the_device_goes_on_with_what_was_there() -> None:
    clock, heard = FakeClock(period=256), []

    class Slow(Counting):
        def render(self, out: Float32) -> None:
            if self.offset and len(heard) < 4:
                heard.extend(clock.take() for _ in range(2))
            super().render(out)

    renderer = Slow()
    player = playing(renderer, clock, depth=8)
    renderer.offset = 0.5
    player.refresh()
    player.pump()
    heard += [clock.take() for _ in range(3)]
    sound = np.concatenate(heard)[:, 0]
    changed = 5 * 256
    assert player.health.xruns == 0
    assert np.array_equal(sound[FADE:changed], numbers(0, changed)[FADE:])
    assert np.allclose(sound[changed:], numbers(changed, len(sound) - changed) + 0.5)


def test_an_xrun_glides_to_silence_fades_in_again_and_is_counted() -> None:
    clock = FakeClock(period=256)
    player = playing(Counting(level=0.5), clock, depth=4)
    sound = [clock.take() for _ in range(7)]
    player.pump()
    sound += [clock.take(), clock.take()]
    heard = np.concatenate(sound)[:, 0]
    steps = np.abs(np.diff(heard))
    assert steps.max() <= 0.5 / FADE + 1e-6
    assert not heard[4 * 256 + FADE : 7 * 256].any()
    assert np.array_equal(heard[7 * 256 + FADE :], np.full(2 * 256 - FADE, 0.5, np.float32))
    health = player.health
    assert (health.xruns, health.lost_frames) == (1, 256)
    assert "512 frames" in health.hint


def test_what_is_not_a_number_is_played_as_silence_and_said() -> None:
    class Broken(Counting):
        def render(self, out: Float32) -> None:
            super().render(out)
            out[0, 200] = np.nan
            out[1, 201] = np.inf

    clock = FakeClock()
    player = playing(Broken(), clock)
    block = clock.take()
    assert np.isfinite(block).all()
    assert (block[200, 0], block[201, 1]) == (0, 0)
    assert block[201, 0] == np.float32(0.201)
    assert player.health.not_numbers > 0
    assert any("not numbers" in message for message in player.messages)


def test_what_is_too_loud_is_turned_down_and_said() -> None:
    clock = FakeClock()
    player = playing(Counting(level=40.0), clock)
    sound = np.concatenate([clock.take() for _ in range(4)])
    assert np.abs(sound).max() <= CEILING
    assert np.allclose(sound[-512:], 1.0)
    assert any("+6 dBFS" in message for message in player.messages)


def test_samples_up_to_the_ceiling_pass_untouched() -> None:
    clock = FakeClock()
    playing(Counting(level=1.99), clock)
    assert np.array_equal(clock.take()[FADE:], np.full((512 - FADE, 2), 1.99, np.float32))


def test_a_lost_device_is_said_and_playback_goes_on_elsewhere_at_its_rate() -> None:
    first, second = FakeClock(44100, name="headphones"), FakeClock(48000, name="speakers")
    renderer = Counting()
    player = playing(renderer, first, reopen=lambda: second)
    for _ in range(4):
        first.take()
    first.unplug()
    player.pump()
    assert list(player.messages) == ["the sound device headphones is gone; playback goes on with speakers"]
    assert renderer.rates == [44100, 48000]
    assert first.closed
    assert np.array_equal(second.take()[FADE:, 0], numbers(4 * 512, 512)[FADE:])


def test_a_loss_after_the_ring_ran_dry_goes_on_where_the_sound_broke_off() -> None:
    first, second = FakeClock(), FakeClock()
    player = playing(Counting(), first, depth=4, reopen=lambda: second)
    for _ in range(6):
        first.take()
    first.unplug()
    player.pump()
    assert np.array_equal(second.take()[FADE:, 0], numbers(4 * 512, 512)[FADE:])


def test_without_any_device_playback_keeps_time_in_silence() -> None:
    def refuse() -> AudioOut:
        raise OutputProblem("there is none")

    clock = FakeClock(name="headphones")
    player = playing(Counting(), clock, reopen=refuse)
    clock.unplug()
    player.pump()
    assert list(player.messages) == [
        NO_DEVICE,
        "the sound device headphones is gone; playback goes on with silent",
    ]
    deadline = time.monotonic() + 60
    while player.feed.lateness.calls < 5 and time.monotonic() < deadline:
        player.pump()
        time.sleep(0.005)
    player.close()
    assert player.feed.lateness.calls >= 5


def test_another_device_can_be_chosen_while_playing() -> None:
    first, second = FakeClock(), FakeClock(48000, 128)
    player = playing(Counting(), first)
    first.take()
    player.use(second)
    player.pump()
    player.pump()
    assert first.closed
    assert np.array_equal(second.take(256)[FADE:, 0], numbers(512, 256)[FADE:])
    assert (player.health.rate, player.health.period) == (48000, 128)


def test_what_is_heard_now_is_known_to_the_frame() -> None:
    clock = FakeClock(period=256)
    player = playing(Counting(), clock)
    clock.take(700)
    assert player.heard == (512, 188)


def test_a_machine_without_sound_gets_an_output_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> AudioOut:
        raise OutputProblem("no")

    monkeypatch.setattr("midistems_graph.audio.player.ProcessOut", refuse)
    out = open_output(period=128)
    assert (type(out), out.note, out.period) == (SilentOut, NO_DEVICE, 128)
    assert isinstance(devices(), tuple)


def test_an_unknown_device_is_refused_with_a_sentence() -> None:
    from midistems_graph.audio.output_miniaudio import MiniaudioOut

    with pytest.raises(OutputProblem, match="no sound device 'gramophone' any more"):
        MiniaudioOut("gramophone")


def test_lateness_counts_what_exceeds_the_sound_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(np.cumsum([5.0, *[0.01] * 98, 0.0132]))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(times)))
    lateness = Lateness()
    for _ in range(100):
        lateness.called(0.01)
    assert lateness.calls == 100
    assert lateness.percentile(0.5) < 2e-4
    assert abs(lateness.percentile(1.0) - 0.0032) < 2.1e-4


def test_real_threads_on_a_loaded_machine_keep_running_and_count() -> None:
    from midistems_graph.audio.output_miniaudio import MiniaudioOut

    ended = threading.Event()

    def load() -> None:
        noise = np.random.default_rng(0).standard_normal((200, 200))
        while not ended.is_set():
            noise = np.tanh(noise @ noise.T / 200)

    threads = [threading.Thread(target=load) for _ in range(2)]
    out = MiniaudioOut(rate=44100, null=True)
    player = Player(out, Counting())
    for thread in threads:
        thread.start()
    try:
        began = time.monotonic()
        player.start()
        deadline = began + 120
        while player.feed.lateness.calls < 80 and time.monotonic() < deadline:
            time.sleep(0.02)
        seconds = time.monotonic() - began
        health = player.health
    finally:
        ended.set()
        player.close()
        for thread in threads:
            thread.join()
    assert out.period == 512
    assert health.calls >= 80, f"80 calls of 512 frames take 0.93 s, but in {seconds:.1f} s there were {health.calls}"
    assert seconds > 0.5, "the null device keeps time"
    assert health.xruns >= 0 and health.p50 <= health.p99 <= health.p999
    state, _ = player.heard
    assert state > 0


def test_a_device_rests_while_there_is_nothing_to_hear_and_begins_with_what_comes_then() -> None:
    clock, renderer = FakeClock(period=256), Counting(level=0.25)
    player = playing(renderer, clock, depth=16, rest=0.0)
    clock.take()
    renderer.is_silent = True
    player.pump()
    assert not clock.started
    player.refresh()
    player.pump()
    assert not clock.started, "a change that is not heard wakes nobody"
    renderer.is_silent, renderer.level = False, 0.5
    player.refresh()
    player.pump()
    assert clock.started
    sound = np.concatenate([clock.take() for _ in range(4)])[:, 0]
    assert np.all(sound == 0.5), "not one block of before is left"
    assert player.health.xruns == 0 and player.health.p999 < 0.2


def test_a_device_that_went_away_while_it_rested_is_replaced_when_it_is_missed() -> None:
    clock, other, renderer = FakeClock(), FakeClock(rate=48000, name="headphones"), Counting()
    player = playing(renderer, clock, rest=0.0, reopen=lambda: other)
    renderer.is_silent = True
    player.pump()
    clock.unplug()
    renderer.is_silent = False
    player.pump()
    assert other.started and clock.closed
    assert "playback goes on with headphones" in player.messages[-1]
