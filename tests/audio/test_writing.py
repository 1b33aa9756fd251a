import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midistems_graph.audio import writing
from midistems_graph.audio.files import SoundFileError, open_sound
from midistems_graph.audio.values import Audio, Float32
from midistems_graph.audio.writing import FORMATS, CannotWrite, SoundWriter

LOSSLESS = [name for name, format in FORMATS.items() if format.bits]


def write(path: Path, audio: Audio, format: str = "wav", block: int = 30_000, **more: object) -> Path:
    frames = audio.span.frames
    with SoundWriter(
        path, rate=audio.rate, channels=audio.channels, frames=frames, format=format, layout=audio.layout, **more
    ) as writer:
        for lo in range(0, frames, block):
            writer.write(audio.samples[:, lo : lo + block])
    return path


def read(path: Path) -> Float32:
    with open_sound(path) as sound:
        return sound.read()


def steps(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="int16", always_2d=True)[0].T


@pytest.mark.parametrize("format", FORMATS)
def test_a_real_song_keeps_length_and_sound_in_every_format(tmp_path: Path, song: Audio, format: str) -> None:
    if format == "opus":
        song = Audio.of(song.samples, 48000)
    written = read(write(tmp_path / "a", song, format))
    assert written.shape == song.samples.shape
    error = np.sqrt(np.mean((written - song.samples) ** 2) / np.mean(song.samples**2))
    assert error <= {0: 0.2, 16: 1e-3, 24: 1e-6, 32: 0}[FORMATS[format].bits]


@given(st.sampled_from(list(FORMATS)), st.integers(1, 4000), st.integers(1, 32), st.integers(1, 1500))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_length_and_channel_count_comes_back(
    tmp_path: Path, format: str, frames: int, channels: int, block: int
) -> None:
    channels = min(channels, FORMATS[format].max_channels)
    audio = Audio.of(np.random.default_rng(frames).uniform(-0.9, 0.9, (channels, frames)), 48000)
    written = read(write(tmp_path / "a", audio, format, block))
    assert written.shape == (channels, frames)
    if bits := FORMATS[format].bits:
        assert np.abs(written - audio.samples).max() <= {16: 1.5 * 2**-15, 24: 2**-24, 32: 0}[bits]


@pytest.mark.parametrize("format", [name for name in FORMATS if FORMATS[name].container != "OGG"])
def test_the_same_samples_give_the_same_bytes(tmp_path: Path, noise: Audio, format: str) -> None:
    first = write(tmp_path / "a", noise, format, block=7001, tags={"title": "T"})
    second = write(tmp_path / "b", noise, format, block=50_000, tags={"title": "T"})
    assert first.read_bytes() == second.read_bytes()
    assert b"PEAK" not in first.read_bytes()[:200]  # libsndfile's would hold the time of day


def test_a_wav_beyond_4_gib_is_rf64_without_the_time_of_day(tmp_path: Path, noise: Audio) -> None:
    frames, path = 600_000_000, tmp_path / "long.wav"
    with SoundWriter(path, rate=44100, channels=2, frames=frames, tags={"title": "PEAK"}) as writer:
        writer.write(noise.samples)
        writer._sound.seek(frames - noise.span.frames)  # a hole on the disk in place of hours of sound
        writer.written = frames - noise.span.frames
        writer.write(noise.samples)
    with open_sound(path) as sound:
        assert (sound.frames, sound.format) == (frames, "RF64/FLOAT")
        assert np.array_equal(sound.read(frames - noise.span.frames), noise.samples)
    with path.open("rb") as file:
        head = file.read(2000)
    at = head.index(b"PEAK\x18")
    assert head[at + 8 : at + 16] == b"\1\0\0\0\0\0\0\0"  # version 1, time 0


def test_16_bit_noise_is_free_of_the_signal_and_of_the_blocks(tmp_path: Path) -> None:
    quiet = Audio.of(0.3 / 32768 * np.sin(2 * np.pi * 0.01 * np.arange(200_000)), 44100)  # a third of a step
    a, b = (steps(write(tmp_path / f"{n}.wav", quiet, "wav16", block=n)) for n in (999, 70_000))
    assert np.array_equal(a, b)
    error = a - quiet.samples * 32768
    assert abs(error.mean()) < 0.01
    assert error.std() == pytest.approx(0.5, abs=0.005)  # of a step: rounding 1/12 + triangular dither 1/6
    assert abs(np.mean(error * quiet.samples) / quiet.samples.std()) < 0.01  # plain rounding would give -0.21
    other = steps(write(tmp_path / "other.wav", quiet, "wav16", seed=1))
    assert abs(np.corrcoef(error, other - quiet.samples * 32768)[0, 1]) < 0.05


def test_silence_and_untouched_16_bit_sound_stay_as_they_are(tmp_path: Path) -> None:
    original = np.random.default_rng(0).integers(-32768, 32767, (2, 5000)).astype(np.int16)
    original[:, 1000:2000] = 0
    audio = Audio.of(original / np.float32(32768), 44100)
    for format in ("wav16", "flac16"):
        assert np.array_equal(steps(write(tmp_path / format, audio, format)), original)


@pytest.mark.parametrize("format", LOSSLESS)
def test_what_exceeds_full_scale_is_counted(tmp_path: Path, format: str) -> None:
    samples = np.array([[0.5, 1.0, 1.25, -1.0, -1.5, 0.0]], np.float32)
    with SoundWriter(tmp_path / "a", rate=44100, channels=1, frames=6, format=format) as writer:
        writer.write(samples)
    assert (writer.peak, writer.overs) == (1.5, 2)
    limit = 1 if FORMATS[format].clips else 2
    assert np.allclose(read(tmp_path / "a"), np.clip(samples, -limit, limit), atol=2e-4)


@pytest.mark.parametrize("layout", ["5.1", "7.1", "5.0", "quad", "stereo"])
def test_a_wav_keeps_the_layout(tmp_path: Path, layout: str) -> None:
    channels = {"5.1": 6, "7.1": 8, "5.0": 5, "quad": 4, "stereo": 2}[layout]
    audio = Audio.of(np.random.default_rng(0).uniform(-1, 1, (channels, 500)), 48000)
    write(tmp_path / "a.wav", Audio(audio.samples, audio.span, layout))
    with open_sound(tmp_path / "a.wav") as sound:
        assert sound.layout == layout
        assert np.array_equal(sound.read(), audio.samples)


@pytest.mark.parametrize("format", ["ogg", "opus", "wav", "flac"])
def test_surround_channels_are_where_other_programs_look_for_them(tmp_path: Path, format: str) -> None:
    media = pytest.importorskip("midistems_graph.audio.media")
    pytest.importorskip("av")
    tones = 0.3 * np.sin(2 * np.pi * np.outer([300, 500, 700, 40, 900, 1100], np.arange(24_000)) / 48000)
    path = write(tmp_path / "a", Audio.of(tones, 48000), format)
    with open_sound(path) as ours, media.MediaReader(path) as ffmpeg:
        for sound in (ours, ffmpeg):
            assert sound.layout == "5.1"
            found = np.abs(np.fft.rfft(sound.read(12_000, 16_800))).argmax(axis=1) * 10
            assert found.tolist() == [300, 500, 700, 40, 900, 1100]


@pytest.mark.parametrize("format", FORMATS)
def test_tags_are_kept(tmp_path: Path, noise: Audio, format: str) -> None:
    audio = Audio.of(noise.samples[:, :5000], 48000)
    tags = {"title": "Größe", "artist": "Ann", "comment": "c"}
    with open_sound(write(tmp_path / "a", audio, format, tags=tags)) as sound:
        assert {k: sound.tags[k] for k in tags} == tags
    with open_sound(write(tmp_path / "a", audio, format, tags={"title": "山", "artist": "Ann"})) as sound:
        assert sound.tags.get("title") == "山"
        assert sound.tags["artist"] == "Ann"


@pytest.mark.parametrize(
    ("format", "rate", "channels", "sentence"),
    [
        ("ogg", 44100, 96, "x: ogg holds up to 32 channels, not 96"),
        ("mp3", 44100, 6, "mp3 holds up to 2 channels, not 6; use wav, or fewer channels"),
        ("mp3", 192000, 2, "mp3 has rates of 8000, .*, 48000 Hz, not 192000; resample, or use wav"),
        ("flac", 44100, 9, "flac holds up to 8 channels"),
        ("opus", 44100, 2, "opus has rates of 8000, 12000, 16000, 24000, 48000 Hz"),
        ("ogg", 384000, 2, "ogg has rates of 1 to 200000 Hz"),
        ("vaw", 44100, 2, "there is no format 'vaw'; choose one of wav, "),
    ],
)
def test_what_a_format_cannot_hold_is_told_before_anything_is_written(
    tmp_path: Path, format: str, rate: int, channels: int, sentence: str
) -> None:
    with pytest.raises(SoundFileError, match=sentence):
        SoundWriter(tmp_path / "x", rate=rate, channels=channels, frames=1000, format=format)
    assert not list(tmp_path.iterdir())


def test_a_file_appears_complete_or_not_at_all(tmp_path: Path, noise: Audio) -> None:
    path = write(tmp_path / "a.wav", Audio.of(noise.samples[:, :10], 44100))
    before = path.read_bytes()
    with pytest.raises(KeyError), SoundWriter(path, rate=44100, channels=2, frames=noise.span.frames) as writer:
        writer.write(noise.samples[:, :99_000])
        assert path.read_bytes() == before
        raise KeyError
    with (
        pytest.raises(ValueError, match="got 5 of 6 frames"),
        SoundWriter(path, rate=1, channels=2, frames=6) as writer,
    ):
        writer.write(noise.samples[:, :5])
    with pytest.raises(ValueError, match="takes 2 channels, 6 frames"):
        SoundWriter(path, rate=1, channels=2, frames=6).write(noise.samples[:, :7])
    assert path.read_bytes() == before


def test_values_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    samples = np.zeros((1, 1000), np.float32)
    samples[0, 500] = np.inf
    with (
        pytest.raises(SoundFileError, match=r"NaN or infinity\) at 0\.500 s"),
        SoundWriter(tmp_path / "a.wav", rate=1000, channels=1, frames=1000) as writer,
    ):
        writer.write(samples)
    assert not list(tmp_path.iterdir())


def test_folders_that_refuse(tmp_path: Path, noise: Audio) -> None:
    (tmp_path / "taken.wav").mkdir()
    with pytest.raises(CannotWrite, match="there is no folder"):
        write(tmp_path / "nowhere" / "a.wav", noise)
    with pytest.raises(CannotWrite, match="a folder has that name"):
        write(tmp_path / "taken.wav", noise)
    assert [p.name for p in tmp_path.iterdir()] == ["taken.wav"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_folder_without_permission(tmp_path: Path, noise: Audio) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CannotWrite, match="you may not write in"):
        write(tmp_path / "a.wav", noise)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are POSIX")
@pytest.mark.parametrize(("format", "room"), [*((format, 20_000) for format in FORMATS), ("wav", 10)])
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, format: str, room: int) -> None:
    code = f"""
import resource, signal, sys
import numpy as np
from midistems_graph.audio.writing import CannotWrite, SoundWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
noise = np.random.default_rng(0).uniform(-1, 1, (2, 96_000)).astype(np.float32)
try:
    with SoundWriter({str(tmp_path / "a.sound")!r}, rate=48000, channels=2, frames=96_000, format={format!r}) as writer:
        writer.write(noise)
except CannotWrite as error:
    sys.exit(str(error))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.startswith("a.sound could not be written in full in ")
    assert not list(tmp_path.iterdir())


def test_the_hidden_file_is_flushed_before_it_takes_the_name(
    tmp_path: Path, noise: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    monkeypatch.setattr(writing, "sync", lambda path: synced.append((path.name, (tmp_path / "a.wav").exists())))
    write(tmp_path / "a.wav", noise)
    assert synced[0][0].startswith(".a.wav.part-")
    assert [there for _, there in synced] == [False, True]
