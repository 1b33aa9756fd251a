"""The listening desk as its user knows it: A and B, difference, matching, the mixer, the blind test."""

from __future__ import annotations

import time

import numpy as np
import pytest
from small_decks import RATE, SONG, Desk, Shelf, edge, noise, stems

from midistems_graph.audio.values import Audio, Float32, Value
from midistems_graph.document.graph import Address
from midistems_graph.editor.audition.desk import Desk as ListeningDesk
from midistems_graph.editor.audition.desk import NotOnDesk

A, B = noise(1), noise(2)
KICK, SNARE = noise(3), noise(4)
FADE = RATE // 100


class Player:
    """A desk on a fake clock."""

    def __init__(self, values: dict[str, Value] | None = None) -> None:
        loud = A.with_samples(2 * A.samples)
        usual: dict[str, Value] = {"a": A, "b": B, "loud": loud, "stems": stems(kick=KICK, snare=SNARE)}
        self.clock = Desk(Shelf(values or usual))
        self.desk = ListeningDesk(self.clock.deck)
        self.deck = self.clock.deck
        self.deck.play()

    def heard(self, count: int = 1024) -> tuple[Float32, Float32]:
        """What comes out when all is settled, and where in the song it is taken from (its places)."""
        for _ in range(3):
            self.desk.tick()
            self.desk.view  # noqa: B018  what is looked at is asked for
            self.desk.figures.answer_all()
            self.clock.listen(self.clock.blind)
        sound = self.clock.listen(count)
        return sound, np.arange(self.deck.sample - sound.shape[1], self.deck.sample)

    def plays(self, samples: Float32) -> bool:
        sound, places = self.heard()
        return bool(np.allclose(sound, samples[:, places], atol=1e-6))


@pytest.fixture
def player() -> Player:
    return Player()


def test_a_click_takes_the_letter_that_is_not_heard(player: Player) -> None:
    desk = player.desk
    desk.hear(edge("a"))
    assert (desk.view.edges, desk.view.heard) == ({"A": "a.out"}, "A")
    desk.hear(edge("b"))
    assert (desk.view.edges, desk.view.heard) == ({"A": "a.out", "B": "b.out"}, "B")
    assert player.plays(B.samples)
    desk.swap()
    assert desk.view.heard == "A" and player.plays(A.samples)
    desk.hear(edge("loud"))
    assert desk.view.edges == {"A": "a.out", "B": "loud.out"}
    assert player.plays(2 * A.samples)
    desk.hear(edge("a"))
    assert desk.view.heard == "A" and desk.view.edges["B"] == "loud.out"


def test_what_needs_two_edges_says_so(player: Player) -> None:
    player.desk.hear(edge("a"))
    for ask in (player.desk.swap, player.desk.toggle_difference, player.desk.toggle_matching, player.desk.toggle_abx):
        with pytest.raises(NotOnDesk, match="hear two edges first"):
            ask()
    assert player.plays(A.samples)


def test_the_difference_is_heard_boosted_and_its_level_told(player: Player) -> None:
    desk = player.desk
    desk.hear(edge("loud"))
    desk.hear(edge("a"))
    desk.toggle_difference()
    assert desk.view.difference_db is None, "not measured yet"
    assert player.plays(A.samples)
    level = desk.view.difference_db
    assert level is not None and abs(level - 20 * np.log10(0.2)) < 0.1
    desk.toggle_boost()
    assert player.plays(10 * A.samples) or player.deck.player.health.too_loud
    desk.toggle_difference()
    assert player.plays(A.samples)


def test_a_and_b_are_matched_when_their_loudness_is_known(player: Player) -> None:
    desk = player.desk
    desk.hear(edge("loud"))
    desk.hear(edge("a"))
    desk.toggle_matching()
    assert desk.view.gains is None
    desk.hear_letter("A")
    assert player.plays(A.samples)
    gains = desk.view.gains
    assert gains is not None and abs(gains["A"] + 6.02) < 0.01 and gains["B"] == 0
    desk.toggle_matching()
    assert player.plays(2 * A.samples)


def test_matching_waits_for_what_is_not_computed_and_tries_again(
    player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    player.clock.shelf.computing.add(edge("loud"))
    desk = player.desk
    desk.hear(edge("loud"))
    desk.hear(edge("a"))
    desk.toggle_matching()
    player.heard()
    assert desk.view.gains is None
    player.clock.shelf.computing.clear()
    later = time.monotonic() + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    player.heard()
    assert desk.view.gains is not None


def test_the_mixer_comes_with_stems_and_a_change_in_it_has_no_bump(player: Player) -> None:
    desk = player.desk
    desk.hear(edge("a"))
    player.heard()
    assert desk.view.strips == ()
    with pytest.raises(NotOnDesk, match="carries no stems"):
        desk.mixers.toggle_solo()
    desk.hear(edge("stems"))
    assert player.plays(KICK.samples + SNARE.samples)
    assert [strip.stem for strip in desk.view.strips] == ["kick", "snare"]
    desk.mixers.set_gain(0.0001, 0)
    before = player.deck.sample
    sound = player.clock.listen(20 * FADE)
    places = np.arange(before, before + sound.shape[1])
    assert np.allclose(sound, (KICK.samples + SNARE.samples)[:, places], atol=1e-4), "the sum goes over into its parts"


def test_solo_mute_and_gain_by_keys_act_on_the_chosen_stem(player: Player) -> None:
    desk = player.desk
    desk.hear(edge("stems"))
    player.heard()
    desk.mixers.choose(1)
    desk.mixers.toggle_solo()
    assert player.plays(SNARE.samples)
    assert [strip.audible for strip in desk.view.strips] == [False, True]
    desk.mixers.toggle_solo()
    desk.mixers.choose(-5)
    desk.mixers.toggle_mute()
    assert player.plays(SNARE.samples)
    desk.mixers.toggle_mute()
    desk.mixers.change_gain(-20.0)
    assert player.plays(np.float32(0.1) * KICK.samples + SNARE.samples)
    desk.mixers.set_gain(99.0, 1)
    assert desk.view.strips[1].channel.gain_db == 12
    desk.mixers.reset()
    assert player.plays(KICK.samples + SNARE.samples)


def test_strips_tell_the_level_before_the_playhead(player: Player) -> None:
    desk = player.desk
    desk.hear(edge("stems"))
    player.heard()
    at, tail = player.deck.sample, RATE // 20
    for strip, stem in zip(desk.view.strips, (KICK, SNARE), strict=True):
        assert strip.level == pytest.approx(float(np.abs(stem.samples[:, at - tail : at]).max()))


def test_a_kept_edge_is_heard_again_with_its_mixer(player: Player) -> None:
    desk = player.desk
    desk.hear(edge("stems"))
    player.heard()
    desk.mixers.toggle_solo(0)
    desk.keep(4)
    desk.hear(edge("a"))
    desk.recall(4)
    assert player.plays(KICK.samples)
    with pytest.raises(NotOnDesk, match="nothing is kept under 5"):
        desk.recall(5)


def test_mid_side_and_bands_are_toggles(player: Player) -> None:
    desk = player.desk
    desk.hear(edge("a"))
    mid = (A.samples[0] + A.samples[1]) / 2
    desk.toggle_side("mid")
    assert player.plays(np.stack([mid, mid]))
    desk.toggle_side("side")
    assert player.plays(A.samples - mid)
    desk.toggle_side("side")
    desk.toggle_band("low")
    assert desk.view.band == "low" and not player.plays(A.samples)
    desk.toggle_band("low")
    assert player.plays(A.samples)
    desk.toggle_half_speed()
    assert desk.view.speed == 0.5
    desk.toggle_half_speed()
    assert desk.view.speed == 1.0


def test_a_blind_test_hides_what_x_is_until_its_end(player: Player) -> None:
    desk = player.desk
    desk.hear(edge("a"))
    desk.hear(edge("b"))
    desk.toggle_abx()
    assert desk.view.heard == "X" and desk.view.blind is not None
    right = 0
    for trial in range(16):
        player.deck.seek(0)
        assert desk.abx is not None
        x = desk.abx.hidden()
        assert player.plays(A.samples if x == "A" else B.samples)
        desk.hear_letter("B")
        assert player.plays(B.samples)
        desk.answer("A")
        right += x == "A"
        blind = desk.view.blind
        assert len(blind.answers) == trial + 1
        if trial < 15:
            assert blind.answers == (None,) * (trial + 1) and not blind.verdict
    blind = desk.view.blind
    assert blind.answers.count(True) == right
    assert blind.verdict.startswith(f"{right} of 16 right, p = ")
    with pytest.raises(NotOnDesk, match="all 16 trials"):
        desk.answer("A")
    desk.toggle_abx()
    assert desk.view.blind is None and desk.view.heard in ("A", "B")


def test_in_a_blind_test_every_switch_goes_through_silence_alike() -> None:
    one, half = (Audio.of(np.full((2, SONG.total), level), RATE) for level in (1.0, 0.5))
    envelopes = []
    for other in (one, half):
        player = Player({"a": one, "b": other})
        desk = player.desk
        desk.hear(edge("a"))
        desk.hear(edge("b"))
        desk.toggle_abx()
        desk.hear_letter("A")
        player.heard()
        desk.hear_letter("B")
        sound = player.clock.listen(20 * FADE)[0]
        before = np.arange(len(sound)) < np.argmin(sound)
        envelopes.append(sound / np.where(before, 1.0, other.samples[0, 0]))
    assert np.allclose(*envelopes)
    assert envelopes[0].min() < 0.02, "even from an edge to an equal one"
    assert np.count_nonzero(envelopes[0] < 1) <= FADE


def test_during_a_blind_test_nothing_else_is_switched(player: Player) -> None:
    desk = player.desk
    desk.hear(edge("a"))
    desk.hear(edge("b"))
    desk.toggle_abx()
    for ask in (desk.toggle_difference, desk.toggle_matching, lambda: desk.hear(edge("loud"))):
        with pytest.raises(NotOnDesk, match="a blind test is under way"):
            ask()
    assert desk.edge == edge("a"), "what is shown does not tell"


def test_another_document_is_silence(player: Player) -> None:
    player.desk.hear(edge("stems"))
    player.heard()
    player.desk.keep(1)
    player.desk.forget()
    player.deck.play()
    assert not player.heard()[0].any()
    assert player.desk.view.edges == {} and player.deck.slots == (None,) * 10
    with pytest.raises(NotOnDesk, match="nothing is heard"):
        player.desk.keep(1)
    player.desk.edges["A"] = edge("stems")
    assert player.desk.mixer is None, "an edge of that name may carry other stems there"


def test_a_band_of_ones_own_is_heard_alone(player: Player) -> None:
    desk = player.desk
    desk.hear(edge("a"))
    desk.hear_own_band(500.0, 1500.0)
    assert (desk.view.band, desk.view.own_band) == ("own", (500.0, 1500.0))
    sound, _ = player.heard(4096)
    power = np.abs(np.fft.rfft(sound[0] * np.hanning(4096))) ** 2
    hertz = np.fft.rfftfreq(4096, 1 / RATE)
    inside = (hertz > 650) & (hertz < 1350)
    outside = (hertz < 350) | (hertz > 1650)
    assert power[outside].mean() < 1e-5 * power[inside].mean()
    for low, high in ((0.0, 100.0), (900.0, 300.0), (50.0, 30_000.0)):
        with pytest.raises(NotOnDesk, match="to a higher frequency"):
            desk.hear_own_band(low, high)
    desk.toggle_band("own")
    assert player.plays(A.samples)


def test_the_desk_follows_nodes_to_their_new_addresses(player: Player) -> None:
    desk = player.desk
    desk.hear(edge("a"))
    desk.hear(edge("stems"))
    desk.keep(3)
    player.heard()
    desk.mixers.toggle_solo(0)
    shelf = player.clock.shelf
    for name in ("a", "stems"):
        shelf.values[Address(f"group/{name}", "out")] = shelf.values[edge(name)]
    desk.changed({"a": "group/a", "stems": "group/stems"})
    assert dict(desk.view.edges) == {"A": "group/a.out", "B": "group/stems.out"}
    assert player.plays(KICK.samples), "the mixer came along"
    assert set(shelf.wanted) == {Address("group/a", "out"), Address("group/stems", "out")}
    desk.swap()
    assert player.plays(A.samples)
    desk.recall(3)
    assert player.plays(KICK.samples)


def test_the_volume_glides_and_is_heard_at_the_speakers_alone(player: Player) -> None:
    desk = player.desk
    desk.hear(edge("a"))
    assert player.plays(A.samples)
    level = player.deck.status.levels.power[0]
    player.deck.at_volume(-20.0)
    sound = np.concatenate([player.clock.listen(64) for _ in range(30)], axis=1)
    first = player.deck.sample - sound.shape[1]
    gain = sound / A.samples[:, first : first + sound.shape[1]]
    assert np.all(np.diff(np.median(gain, axis=0)) < 1e-4) and np.abs(np.diff(np.median(gain, axis=0))).max() < 0.02
    assert player.plays(np.float32(0.1) * A.samples)
    assert player.deck.status.levels.power[0] > 0.3 * level, "meters show what is before the volume"
    player.deck.at_volume(0.0)
    assert player.plays(A.samples)


def test_another_song_is_listened_to_as_the_one_before(player: Player) -> None:
    desk = player.desk
    for name in ("stems", "a", "b"):
        desk.hear(edge(name))
        desk.keep(len(name))
    player.heard()
    desk.toggle_side("mid")
    other = Player()
    other.desk.go_on_as(desk)
    assert other.desk.view.edges == desk.view.edges and other.desk.view.heard == desk.view.heard
    mid = (B.samples[0] + B.samples[1]) / 2
    assert other.plays(np.stack([mid, mid]))
    other.desk.toggle_side("mid")
    other.desk.recall(5)
    assert other.plays(KICK.samples + SNARE.samples)
