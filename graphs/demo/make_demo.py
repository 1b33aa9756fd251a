"""Compose and synthesise the demo song, and write its four true stems beside this file.

    python graphs/demo/make_demo.py

Fourteen seconds at 116 beats per minute: a two-bar background (Am7 Fmaj7 | C G) three times, a voice
above it that never repeats itself, a fill, and a last chord that rings out. Nothing is sampled:
every sound is computed here from sines, seeded noise and filters, so the same script gives the
same samples. Sounds are float [samples] or [samples, 2]; times are in beats unless said otherwise.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, fftconvolve, istft, sosfilt, stft

Sound = npt.NDArray[np.float64]

RATE = 44_100
BEAT = 60 / 116
CYCLE, CYCLES = 8, 3
ENDING = CYCLE * CYCLES
FRAMES = round(13.8 * RATE)
LEVELS = {"vocals": 0.068, "drums": 0.074, "bass": 0.060, "other": 0.052}
"""RMS of each stem over the whole song, as a factor of full scale."""

CHORDS = ((57, 60, 64, 67), (53, 57, 60, 64), (55, 60, 64, 67), (55, 59, 62, 67))
LAST_CHORD = (48, 55, 60, 64, 67, 74)
ROOTS = (33, 29, 36, 31)


def song() -> dict[str, Sound]:
    """The four stems, [FRAMES, 2] each, in the order in which they are shipped."""
    stems: dict[str, Callable[[], Sound]] = {"vocals": vocals, "drums": drums, "bass": bass, "other": other}
    return {name: finish(make(), LEVELS[name]) for name, make in stems.items()}


def finish(track: Sound, level: float) -> Sound:
    """A track at its level, without offset, with peaks rounded off and short fades."""
    track = track - track.mean(axis=0)
    track *= level / np.sqrt(np.mean(track**2))
    track = 0.62 * np.tanh(track / 0.62)
    fade_out = round(0.5 * RATE)
    track[:220] *= np.linspace(0, 1, 220)[:, None]
    track[-fade_out:] *= np.cos(np.linspace(0, np.pi / 2, fade_out))[:, None] ** 2
    return track


# --- Building blocks


def hertz(midi: npt.ArrayLike) -> Sound:
    return np.asarray(440 * 2 ** ((np.asarray(midi) - 69) / 12))


def seconds(length: float) -> Sound:
    """The times of the samples of a sound of this length in seconds."""
    return np.arange(round(length * RATE)) / RATE


def noise(seed: int, length: float) -> Sound:
    return np.random.default_rng(seed).standard_normal(round(length * RATE))


def band(sound: Sound, low: float, high: float) -> Sound:
    """Between two frequencies in Hz; 12 dB per octave outside."""
    return np.asarray(sosfilt(butter(2, (low, high), "bandpass", fs=RATE, output="sos"), sound, axis=0))


def place(track: Sound, sound: Sound, beat: float, gain: float = 1.0, pan: float = 0.0) -> None:
    """Add a mono sound to a stereo track; pan from -1 (left) to 1 (right) at constant power."""
    start = round(beat * BEAT * RATE)
    part = sound[: FRAMES - start]
    angle = (pan + 1) * np.pi / 4
    track[start : start + len(part), 0] += part * (gain * np.sqrt(2) * np.cos(angle))
    track[start : start + len(part), 1] += part * (gain * np.sqrt(2) * np.sin(angle))


def room(track: Sound, seed: int, length: float, wet: float) -> Sound:
    """The track with reverberation: 60 dB decay over `length` seconds, other noise on each side."""
    decay = 10 ** (-3 * seconds(length) / length)
    tails = [band(noise(seed + side, length) * decay, 250, 6500) for side in (0, 1)]
    response = np.stack([tail / np.sqrt(np.sum(tail**2)) for tail in tails], axis=1)
    delayed = np.pad(track, ((round(0.018 * RATE), 0), (0, 0)))
    return np.asarray(track + wet * fftconvolve(delayed, response, axes=0)[:FRAMES])


@cache
def string(midi: int, length: float, decay: float, damping: float, plucked_at: float, partials: int) -> Sound:
    """A plucked string: partials that die the faster the higher they are."""
    t = seconds(length)
    k = np.arange(1, partials + 1)[:, None]
    frequency = k * hertz(midi) * np.sqrt(1 + 8e-5 * k**2)
    shape = np.sin(np.pi * k * plucked_at) / k * np.exp(-2 * k / partials) * (frequency < 15_000)
    tone = np.sum(shape * np.exp(-t * (decay + damping * k)) * np.sin(2 * np.pi * frequency * t), axis=0)
    edges = np.minimum(1, t / 0.002) * np.minimum(1, (t[-1] - t) / 0.03)
    return np.asarray(tone * edges)


# --- Drums: one sound per instrument, struck by patterns of sixteenths (1 soft ... 9 hard)

PATTERNS = {
    "kick": "9.....5.9.......9.....5.9.6.....",
    "snare": "....9..2.1..9.......9..2....9..3",
    "hat": "8.5.7.5.8.5.7.538.5.7.5.8.5.7...",
    "open hat": "..............................6.",
}
FILL = {"kick": "9...6...", "snare": "6.5768..", "high tom": "....8.7.", "low tom": "......89"}
PANS = {"hat": 0.35, "open hat": 0.35, "high tom": -0.4, "low tom": 0.4, "crash": -0.3}


def drums() -> Sound:
    track = np.zeros((FRAMES, 2))
    for cycle in range(CYCLES):
        last = cycle == CYCLES - 1
        for name, pattern in PATTERNS.items():
            strike(track, name, pattern[: -8 if last else None], cycle * CYCLE)
    for name, pattern in FILL.items():
        strike(track, name, pattern, ENDING - 2)
    for beat in (0, ENDING):
        strike(track, "crash", "7", beat)
    strike(track, "kick", "9", ENDING)
    return room(track, seed=30, length=0.5, wet=0.12)


def strike(track: Sound, name: str, pattern: str, beat: float) -> None:
    for sixteenth, velocity in enumerate(pattern):
        if velocity != ".":
            place(track, drum(name), beat + sixteenth / 4, (int(velocity) / 9) ** 1.5, PANS.get(name, 0.0))


@cache
def drum(name: str) -> Sound:
    match name:
        case "kick":
            t = seconds(0.5)
            click = band(noise(1, 0.5), 1500, 6000) * np.exp(-t / 0.004)
            return 1.5 * skin(t, 52, 190, 0.018, 0.085) + 1.1 * click
        case "snare":
            t = seconds(0.4)
            wires = band(noise(2, 0.4), 500, 6500) * (np.exp(-t / 0.07) + 0.6 * np.exp(-t / 0.008))
            return 0.65 * skin(t, 188, 90, 0.01, 0.07) + 0.25 * skin(t, 331, 60, 0.01, 0.05) + 0.95 * wires
        case "hat":
            return 0.24 * cymbal(seed=3, length=0.15, low=6500, decay=0.028)
        case "open hat":
            return 0.22 * cymbal(seed=4, length=0.6, low=6000, decay=0.16)
        case "crash":
            return 0.28 * cymbal(seed=5, length=2.4, low=2600, decay=0.6)
        case "high tom":
            return 0.95 * skin(seconds(0.6), 150, 60, 0.03, 0.14)
        case "low tom":
            return 1.05 * skin(seconds(0.6), 98, 45, 0.03, 0.18)
    raise ValueError(f"there is no drum called {name!r}")


def skin(t: Sound, pitch: float, sweep: float, sweep_time: float, decay: float) -> Sound:
    """A struck skin: a sine that falls by `sweep` Hz to its pitch."""
    phase = 2 * np.pi * (pitch * t - sweep * sweep_time * np.exp(-t / sweep_time))
    return np.asarray(np.sin(phase - phase[0]) * np.exp(-t / decay) * np.minimum(1, t / 0.001))


def cymbal(seed: int, length: float, low: float, decay: float) -> Sound:
    """Noise and inharmonic partials above `low` Hz."""
    t = seconds(length)
    ratios = low * np.array([0.61, 0.83, 1.07, 1.36, 1.51, 1.93])[:, None]
    metal = np.sign(np.sin(2 * np.pi * ratios * t)).sum(axis=0) / 6
    return band(noise(seed, length) + 0.8 * metal, low, 16_000) * np.exp(-t / decay)


# --- Bass and chords: the same in every cycle

BASS_LINE = ((0.0, 1.2, 0, 1.0), (1.25, 0.2, 0, 0.5), (1.5, 0.45, 12, 0.75))
"""For each chord: beat, beats held, semitones above the root, velocity."""

ARPEGGIO = (0, 2, 1, 3, 2, 1, 3, 2)


def bass() -> Sound:
    track = np.zeros((FRAMES, 2))
    for cycle in range(CYCLES):
        for i, root in enumerate(ROOTS):
            for beat, held, above, velocity in BASS_LINE:
                place(track, bass_note(root + above, held), cycle * CYCLE + 2 * i + beat, velocity)
    place(track, bass_note(36, 3.0), ENDING)
    return track


def bass_note(midi: int, held: float) -> Sound:
    tone = string(midi, held * BEAT, decay=1.4, damping=0.6, plucked_at=0.19, partials=40)
    return np.asarray(0.5 * np.tanh(1.8 * tone))


def other() -> Sound:
    track = np.zeros((FRAMES, 2))
    for cycle in range(CYCLES):
        for i, chord in enumerate(CHORDS):
            beat = cycle * CYCLE + 2 * i
            pad(track, chord, beat, 2.0)
            for step, member in enumerate(ARPEGGIO):
                side = 0.7 if step % 2 else -0.7
                pluck(track, chord[member] + 12, beat + step / 4, 1.0 if step % 4 == 0 else 0.65, side)
    pad(track, LAST_CHORD, ENDING, 2.6)
    for step, midi in enumerate(LAST_CHORD):
        pluck(track, midi + 12, ENDING + step / 12, 0.8, -0.7 + 0.28 * step)
    return room(track, seed=40, length=0.9, wet=0.2)


def pluck(track: Sound, midi: int, beat: float, velocity: float, pan: float) -> None:
    tone = string(midi, 0.9, decay=3.0, damping=0.8, plucked_at=0.13, partials=24)
    place(track, tone, beat, 0.5 * velocity, pan)


def pad(track: Sound, chord: tuple[int, ...], beat: float, held: float) -> None:
    """Three detuned saws per note, spread over the stereo image; the release overlaps the next chord."""
    t = seconds((held + 0.4) * BEAT)
    envelope = np.minimum(1, t / 0.06) * np.minimum(1, (t[-1] - t) / (0.4 * BEAT))
    for midi in chord:
        for voice, (cents, pan) in enumerate(((-7, -0.8), (1, 0.0), (8, 0.8))):
            phase = hertz(midi + cents / 100) * t + 0.37 * voice + 0.13 * midi
            place(track, np.interp(phase % 1, *saw()) * envelope, beat, 0.13, pan)


@cache
def saw() -> tuple[Sound, Sound]:
    """One period of a saw without its highest partials: positions from 0 to 1, and values."""
    x = np.linspace(0, 1, 2049)
    k = np.arange(1, 25)[:, None]
    return x, np.asarray(np.sum(np.sin(2 * np.pi * k * x) / k * np.exp(-((k / 13) ** 2)), axis=0))


# --- Voice: harmonics of a glottal source, shaped by the resonances of a moving vocal tract

MELODY = (
    (1.50, 0.50, 64, "s", "o"), (2.00, 1.00, 69, "l", "e"), (3.00, 0.50, 67, "m", "a"), (3.50, 0.50, 69, "r", "i"),
    (4.00, 0.75, 67, "t", "a"), (4.75, 0.25, 64, "", "a"), (5.00, 0.50, 62, "", "a"), (5.50, 0.50, 64, "d", "u"),
    (6.00, 1.25, 62, "n", "o"),
    (8.50, 0.50, 69, "sh", "e"), (9.00, 1.00, 72, "k", "a"), (10.00, 0.50, 72, "n", "i"), (10.50, 0.25, 71, "d", "o"),
    (10.75, 0.75, 69, "", "o"), (11.50, 0.50, 67, "s", "u"), (12.00, 1.50, 67, "t", "e"), (13.50, 0.25, 69, "", "e"),
    (13.75, 0.25, 67, "", "e"), (14.00, 1.25, 71, "m", "a"),
    (16.50, 0.25, 64, "k", "a"), (16.75, 0.25, 67, "r", "i"), (17.00, 0.75, 69, "f", "o"), (17.75, 0.25, 71, "l", "i"),
    (18.00, 1.25, 72, "d", "a"), (19.25, 0.25, 71, "", "a"), (19.50, 0.25, 69, "", "a"), (19.75, 0.25, 67, "", "a"),
    (20.00, 0.50, 64, "sh", "i"), (20.50, 0.50, 67, "n", "e"), (21.00, 0.50, 72, "t", "a"), (21.50, 0.50, 74, "l", "a"),
    (22.00, 1.00, 71, "s", "o"), (23.00, 0.50, 69, "", "o"), (23.50, 0.50, 71, "m", "e"), (24.00, 2.20, 72, "n", "a"),
)  # fmt: skip
"""Beat, beats held, note, consonant before the beat (none: the vowel goes on, a melisma), vowel."""

VOWELS = {
    "a": (850, 1350, 2800),
    "e": (480, 2150, 2850),
    "i": (340, 2500, 3150),
    "o": (500, 900, 2750),
    "u": (370, 780, 2650),
}
"""The first three resonances of the vocal tract in Hz."""

VOICED = {
    "m": (260, 1100, 2300),
    "n": (280, 1600, 2500),
    "l": (360, 1200, 2900),
    "r": (420, 1250, 1750),
    "d": (280, 1800, 2700),
}
HISSES = {
    "s": (5200, 10_500, 0.13, 0.26),
    "sh": (2400, 7000, 0.14, 0.28),
    "f": (1500, 9000, 0.10, 0.15),
    "t": (3200, 9000, 0.05, 0.50),
    "k": (1400, 4500, 0.06, 0.50),
}
"""Consonants of noise: lower and upper frequency in Hz, seconds, gain."""

BREATHS = (0.75, 7.9, 15.8)
STEP = 128
"""Samples from one set of voice controls to the next."""


def vocals() -> Sound:
    pitch, loudness, air, tract = articulation()
    track = np.zeros((FRAMES, 2))
    place(track, voiced(hertz(pitch), loudness, tract) + breath(air, tract), 0)
    for seed, (beat, _, _, consonant, _) in enumerate(MELODY):
        if consonant in HISSES:
            low, high, length, gain = HISSES[consonant]
            hiss = band(noise(100 + seed, length), low, high) * np.hanning(round(length * RATE) + 1)[1:] ** 0.7
            if consonant in "tk":
                hiss *= np.exp(-seconds(length) / 0.012)
            place(track, hiss, beat - length * 0.9 / BEAT, gain)
    return room(track, seed=50, length=1.1, wet=0.16)


def articulation() -> tuple[Sound, Sound, Sound, Sound]:
    """Curves at every STEP: pitch (MIDI), loudness, air, and the first three resonances [steps, 3] in Hz."""
    steps = FRAMES // STEP + 1
    time = np.arange(steps) * STEP / RATE
    pitch, loudness, air, depth = np.full(steps, 64.0), np.zeros(steps), np.zeros(steps), np.zeros(steps)
    tract = np.tile(np.array([520.0, 1500.0, 2600.0]), (steps, 1))
    for beat, held, midi, consonant, vowel in MELODY:
        start, stop = beat * BEAT, (beat + held) * BEAT
        note = (time >= start) & (time < stop)
        since = time[note] - start
        before = (time >= start - 0.075) & (time < start)
        pitch[time >= start - 0.03] = midi
        tract[time >= start] = VOWELS[vowel]
        loudness[note] = 0.75 + 0.02 * (midi - 67) + 0.15 * np.sin(np.pi * since / (stop - start))
        air[note] = 0.035
        depth[note] = np.clip((since - 0.18) / 0.35, 0, 1) * (held >= 0.75)
        if consonant in VOICED:
            tract[before], loudness[before] = VOICED[consonant], 0.10 if consonant == "d" else 0.35
        elif consonant:
            loudness[before], air[before] = 0, 0.01
    for beat in BREATHS:
        inhale = (time >= beat * BEAT) & (time < beat * BEAT + 0.3)
        air[inhale] = 0.10 * np.linspace(0.2, 1, inhale.sum())
    last = time >= ENDING * BEAT
    loudness[last] *= np.exp(-np.clip(time[last] - ENDING * BEAT - 0.35, 0, None) / 0.4)
    drift = gaussian_filter1d(np.random.default_rng(60).standard_normal(steps), 8)
    vibrato = 0.42 * gaussian_filter1d(depth, 12) * np.sin(2 * np.pi * 5.6 * time)
    pitch = gaussian_filter1d(pitch, 9) + vibrato + 0.2 * drift
    return pitch, gaussian_filter1d(loudness, 5), gaussian_filter1d(air, 8), gaussian_filter1d(tract, 6, axis=0)


def resonance(frequency: Sound, tract: Sound) -> npt.NDArray[np.complex128]:
    """Response of the vocal tract at frequencies in Hz: three moving resonances, fixed ones above.

    The resonances beyond the last one are Fant's higher-pole correction, the product of their low-frequency flanks.
    """
    moving = zip(tract.T, (85.0, 100.0, 140.0), strict=True)
    fixed = ((np.float64(3700 + 1050 * i), 170.0 + 60 * i) for i in range(16))
    flanks = np.exp(frequency**2 / (1050 * (3700 + 1050 * 15.5)))
    response = flanks + np.zeros(len(tract), np.complex128)
    for centre, width in (*moving, *fixed):
        response *= centre**2 / (centre**2 - frequency**2 + 1j * frequency * width)
    return response


def voiced(f0: Sound, loudness: Sound, tract: Sound) -> Sound:
    """Harmonics up to 15 kHz, each with the tract's gain and phase at its own frequency."""
    tract = np.stack([np.maximum(tract[:, 0], 1.04 * f0), tract[:, 1], tract[:, 2]], axis=1)
    count = int(15_000 / f0.min())
    k = np.arange(1, count + 1)
    source = k**-1.25
    gains = np.stack([s * resonance(n * f0, tract) * (n * f0 < 15_000) for n, s in zip(k, source, strict=True)])
    gains *= loudness / np.sum(np.abs(gains) ** 2, axis=0) ** 0.4
    turn = np.cumsum(np.repeat(f0, STEP)[:FRAMES]) / RATE
    fundamental = np.exp(2j * np.pi * (turn % 1)).astype(np.complex64)
    ramp = np.linspace(0, 1, STEP, endpoint=False, dtype=np.float32)
    harmonic = np.ones(FRAMES, np.complex64)
    tone = np.zeros(FRAMES)
    for gain in gains.astype(np.complex64):
        harmonic *= fundamental
        rise = np.diff(gain, append=gain[-1:])
        tone += ((gain[:, None] + rise[:, None] * ramp).reshape(-1)[:FRAMES] * harmonic).real
    return tone


def breath(air: Sound, tract: Sound) -> Sound:
    """Noise through the same vocal tract."""
    size = 4 * STEP
    frequency, _, bins = stft(noise(61, FRAMES / RATE), RATE, nperseg=size, noverlap=size - STEP)
    steps = min(len(air), bins.shape[1])
    shape = np.abs(resonance(np.clip(frequency, 200, 15_000)[:, None], tract[:steps]))
    shape *= air[:steps] / np.sqrt(np.mean(shape**2, axis=0))
    _, sound = istft(bins[:, :steps] * shape, RATE, nperseg=size, noverlap=size - STEP)
    return np.asarray(np.pad(sound, (0, max(0, FRAMES - len(sound))))[:FRAMES])


# --- Files


def write(folder: Path, quality: float) -> None:
    """Write `<stem>.ogg` into a folder; quality from 0 (small) to 1."""
    for name, stem in song().items():
        path = folder / f"{name}.ogg"
        with soundfile.SoundFile(path, "w", RATE, 2, "VORBIS", format="OGG", compression_level=1 - quality) as file:
            for start in range(0, FRAMES, 1 << 15):  # libsndfile crashes on one long Vorbis write
                file.write(stem[start : start + (1 << 15)].astype(np.float32))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent, help="folder for the four stems")
    write(parser.parse_args().output, quality=0.8)
