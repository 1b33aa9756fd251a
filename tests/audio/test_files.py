import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import blake3
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midistems_graph.audio.files import SoundFileError, check_finite, content_digest, is_sound, open_sound
from midistems_graph.audio.values import Audio

CODINGS = {
    "wav16": ("WAV", "PCM_16"),
    "wav24": ("WAV", "PCM_24"),
    "wav32": ("WAV", "FLOAT"),
    "rf64": ("RF64", "FLOAT"),
    "w64": ("W64", "PCM_24"),
    "caf": ("CAF", "FLOAT"),
    "aiff": ("AIFF", "PCM_24"),
    "flac": ("FLAC", "PCM_24"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}


def write(path: Path, audio: Audio, coding: str, rate: int | None = None) -> Path:
    """The sound in a file, written with libsndfile itself."""
    container, subtype = CODINGS[coding]
    rate = 48000 if coding == "opus" else rate or audio.rate
    with soundfile.SoundFile(path, "w", rate, audio.channels, format=container, subtype=subtype) as file:
        for lo in range(0, audio.span.frames, 50000):
            file.write(np.ascontiguousarray(audio.samples[:, lo : lo + 50000].T))
    return path


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.mark.parametrize("coding", CODINGS)
def test_a_stretch_of_a_real_song_has_the_samples_of_the_whole(tmp_path: Path, song: Audio, coding: str) -> None:
    path = write(tmp_path / f"song.{coding}", song, coding)
    decoded, _ = soundfile.read(path, dtype="float32")
    places = np.random.default_rng(0).integers(0, song.span.frames - 5000, 25)
    with open_sound(path) as sound:
        assert sound.frames == song.span.frames
        assert np.array_equal(sound.read(), decoded.T)
        for start in map(int, places):
            assert np.array_equal(sound.read(start, start + 5000), decoded[start : start + 5000].T), start


@pytest.mark.parametrize(("coding", "error"), [("wav16", 2**-15), ("wav24", 2**-23), ("wav32", 0), ("flac", 2**-23)])
def test_lossless_files_give_back_what_was_written(tmp_path: Path, noise: Audio, coding: str, error: float) -> None:
    with open_sound(write(tmp_path / "a", noise, coding)) as sound:
        assert np.abs(sound.read() - noise.samples).max() <= error


@given(
    st.sampled_from(["wav24", "rf64", "w64", "aiff", "caf"]),
    st.integers(1, 32),
    st.sampled_from([8000, 11025, 44100, 48000, 96000, 192000]),
    st.integers(1, 9000),
    st.data(),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_channel_count_rate_length_and_stretch(
    tmp_path: Path, coding: str, channels: int, rate: int, frames: int, data: st.DataObject
) -> None:
    samples = np.random.default_rng(frames).uniform(-1, 1, (channels, frames)).astype(np.float32)
    path = write(tmp_path / "a", Audio.of(samples, rate), coding)
    start = data.draw(st.integers(0, frames))
    stop = data.draw(st.integers(start, frames))
    with open_sound(path) as sound:
        assert (sound.rate, sound.channels, sound.frames) == (rate, channels, frames)
        assert np.abs(sound.read(start, stop) - samples[:, start:stop]).max(initial=0) <= 2**-23


def test_a_stretch_outside_the_file_is_refused(tmp_path: Path, noise: Audio) -> None:
    with open_sound(write(tmp_path / "a.wav", noise, "wav16")) as sound, pytest.raises(ValueError, match="0 to 136711"):
        sound.read(136_000, 136_712)


@pytest.mark.parametrize("coding", [name for name in CODINGS if name != "caf"])
def test_a_truncated_file_names_the_second_where_it_breaks_off(tmp_path: Path, song: Audio, coding: str) -> None:
    path = cut(write(tmp_path / "half.sound", song, coding), 0.5)
    with (
        pytest.raises(SoundFileError, match=r"half.sound is truncated: it breaks off at [3-9]\.\d\d s"),
        open_sound(path) as sound,
    ):
        sound.read()


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF])
def test_the_header_of_a_streamed_wav_may_not_know_its_length(tmp_path: Path, noise: Audio, size: int) -> None:
    path = write(tmp_path / "streamed.wav", noise, "wav16")
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", size)
    path.write_bytes(data)
    with open_sound(path) as sound:
        assert sound.frames == noise.span.frames


def test_an_mp3_without_a_length_header_is_read_in_full(tmp_path: Path, noise: Audio) -> None:
    pytest.importorskip("av")
    path = tmp_path / "vbr.mp3"
    with soundfile.SoundFile(path, "w", 44100, 2, format="MP3", bitrate_mode="VARIABLE", compression_level=0.9) as file:
        file.write(np.ascontiguousarray(noise.samples.T))
    path.write_bytes(path.read_bytes().replace(b"Xing", bytes(4)))
    assert soundfile.info(path).frames < 0.9 * noise.span.frames  # libsndfile alone would lose the end
    with open_sound(path) as sound:
        assert 0 <= sound.frames - noise.span.frames < 4 * 1152  # with the encoder's padding, which nothing notes now
        assert sound.read().shape == (2, sound.frames)


def test_ogg_streams_one_after_the_other_are_read_in_full(tmp_path: Path, noise: Audio) -> None:
    pytest.importorskip("av")
    path = write(tmp_path / "radio.ogg", noise, "ogg")
    path.write_bytes(path.read_bytes() + write(tmp_path / "next.ogg", noise, "ogg").read_bytes())
    with open_sound(path) as sound:
        assert abs(sound.frames - 2 * noise.span.frames) < 2048  # PyAV rounds to blocks of the coding where they join
        assert sound.read().shape == (2, sound.frames)


def test_what_is_no_sound_gets_one_sentence_each(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("la la la")
    (tmp_path / "noise.raw").write_bytes(bytes(1000))
    soundfile.write(tmp_path / "silent.wav", np.zeros((0, 2)), 44100)
    for name, sentence in {
        "nothing.wav": r"^There is no file .*nothing\.wav\.$",
        ".": r" is a folder, not a sound file\.$",
        "empty.wav": r"^empty\.wav is empty \(0 bytes\)\.$",
        "text.wav": r"^text\.wav is not a sound file that can be read, or it is damaged\.$",
        "noise.raw": r"^noise\.raw is not a sound file",
        "silent.wav": r"^silent\.wav holds no sound",
    }.items():
        with pytest.raises(SoundFileError, match=sentence):
            open_sound(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_file_that_may_not_be_read(tmp_path: Path, noise: Audio) -> None:
    path = write(tmp_path / "secret.wav", noise, "wav16")
    path.chmod(0)
    with pytest.raises(SoundFileError, match="You may not read"):
        open_sound(path)


def test_tags_and_format_are_told(tmp_path: Path, noise: Audio) -> None:
    path = tmp_path / "a.flac"
    with soundfile.SoundFile(path, "w", 44100, 2, format="FLAC", subtype="PCM_16") as file:
        file.title, file.artist = "Größe", "山"
        file.write(noise.samples.T)
    with open_sound(path) as sound:
        assert dict(sound.tags) == {"title": "Größe", "artist": "山"}
        assert (sound.format, sound.layout) == ("FLAC/PCM_16", "stereo")


def test_values_beyond_full_scale_and_not_finite_are_kept_and_found(tmp_path: Path) -> None:
    samples = np.zeros((2, 3000), np.float32)
    samples[0, 10], samples[1, 2205] = 3.5, np.nan
    path = write(tmp_path / "hot.wav", Audio.of(samples, 44100), "wav32")
    with open_sound(path) as sound:
        read = sound.read(1000, 3000)
        assert np.array_equal(sound.read(), samples, equal_nan=True)
    with pytest.raises(SoundFileError, match=r"hot\.wav holds a value that is not a number .* at 0\.050 s"):
        check_finite(read, 1000, 44100, path)
    check_finite(read[:1], 1000, 44100, path)


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    data = np.random.default_rng(0).bytes(300_000)
    (tmp_path / "a").write_bytes(data)
    assert content_digest(tmp_path / "a") == blake3.blake3(data).hexdigest()
    with pytest.raises(SoundFileError, match="no file"):
        content_digest(tmp_path / "b")


@pytest.mark.skipif(sys.platform == "win32", reason="it tells no peak")
def test_a_file_is_hashed_in_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "hours.wav").open("wb") as file:
        file.truncate(300 << 20)
    code = f"""
import resource
from pathlib import Path
from midistems_graph.audio.files import file_digest
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
file_digest(Path({str(tmp_path / "hours.wav")!r}))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < (50 << 20) / (1 if sys.platform == "darwin" else 1024)


def test_sound_is_known_by_its_extension() -> None:
    assert all(map(is_sound, ["a.wav", "B.FLAC", "c.m4a", "d.opus"]))
    assert not any(map(is_sound, ["a.txt", "wav", ".wav", "b.graph.json"]))


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_file_with_a_hole_is_told(subtype: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    sound = np.random.default_rng(2).uniform(-0.5, 0.5, (5 * 48000, 2))
    soundfile.write(path, sound, 48000, format="OGG", subtype=subtype)
    with open_sound(path) as whole:
        assert whole.frames == 5 * 48000
    raw = path.read_bytes()
    pages = [found.start() for found in re.finditer(b"OggS", raw)]
    middle = len(pages) // 2
    path.write_bytes(raw[: pages[middle]] + raw[pages[middle + 1] :])
    with pytest.raises(SoundFileError, match="a piece in its middle is missing"):
        open_sound(path)
