import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from midistems_graph.audio.files import SoundFileError, open_sound
from midistems_graph.audio.media import MediaReader
from midistems_graph.audio.values import Audio, Float32

av = pytest.importorskip("av")


def write(
    path: Path, audio: Audio, codec: str, layout: str = "stereo", delay: int = 0, tracks: int = 1, **options: str
) -> Path:
    """The sound in a container, written with PyAV; track k is k times 6 dB quieter."""
    with av.open(str(path), "w", options=options) as container:
        container.metadata.update(title="Größe", artist="Ann")
        streams = [container.add_stream(codec, rate=audio.rate, layout=layout) for _ in range(tracks)]
        if delay:  # a film that begins before its sound
            film(container, 3)
        for k, stream in enumerate(streams):
            stream.bit_rate = 128_000 * audio.channels
            for lo in range(0, audio.span.frames, 1024):
                block = np.ascontiguousarray(audio.samples[:, lo : lo + 1024] * np.float32(0.5**k))
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
                frame.rate, frame.pts = audio.rate, lo + delay
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def film(container: Any, pictures: int) -> None:
    """Black pictures from time 0 on."""
    stream = container.add_stream("mpeg4", rate=25)
    stream.width = stream.height = 16
    for n in range(pictures):
        picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        picture.pts = n
        container.mux(stream.encode(picture))
    container.mux(stream.encode(None))


def shift(decoded: Float32, original: Float32) -> int:
    """By how many samples the decoded sound comes late."""
    n = min(decoded.shape[1], original.shape[1]) - 6000
    fits = [np.dot(original[0, 3000:n], decoded[0, 3000 + d : n + d]) for d in range(-2500, 2500)]
    return int(np.argmax(fits)) - 2500


@pytest.mark.parametrize(
    ("name", "codec", "rate", "late"),
    [
        ("a.m4a", "aac", 44100, 1),
        ("a.mp4", "aac", 48000, 1),
        ("a.mov", "alac", 44100, 1),
        ("a.mp4", "libopus", 48000, 1),
        ("a.webm", "libopus", 48000, 1),
        ("a.mkv", "flac", 44100, 1),
        ("a.mkv", "aac", 44100, 1024),  # Matroska does not note the padding of AAC
        ("a.opus", "libopus", 48000, 1),
    ],
)
def test_length_and_place_of_a_real_song_are_kept(
    tmp_path: Path, song: Audio, name: str, codec: str, rate: int, late: int
) -> None:
    samples = song.samples[:, : 3 * 44100 + 777]
    if rate != song.rate:
        samples = np.ascontiguousarray(soxr.resample(samples.T, song.rate, rate).T)
    audio = Audio.of(samples, rate)
    with open_sound(write(tmp_path / name, audio, codec)) as sound:
        decoded = sound.read()
        assert (sound.rate, sound.channels, sound.layout) == (rate, 2, "stereo")
        assert 0 <= sound.frames - audio.span.frames < late
        assert shift(decoded, samples) == 0
        for start in (0, 1000, 77_777, 5):
            assert np.array_equal(sound.read(start, start + 3000), decoded[:, start : start + 3000])


def test_lossless_tracks_give_back_the_samples(tmp_path: Path, noise: Audio) -> None:
    sixteen = Audio.of(np.rint(noise.samples * 32767) / np.float32(32768), noise.rate)
    with open_sound(write(tmp_path / "a.m4a", sixteen, "alac")) as sound:
        assert np.array_equal(sound.read(), sixteen.samples)


def test_a_track_is_chosen_by_its_number(tmp_path: Path, noise: Audio) -> None:
    path = write(tmp_path / "a.mkv", noise, "flac", tracks=2)
    first, second = (open_sound(path, track) for track in (0, 1))
    with first, second:
        assert np.allclose(first.read(), 2 * second.read(), atol=1e-3)
    with pytest.raises(SoundFileError, match=r"a\.mkv has the tracks 0 to 1, not 2"):
        open_sound(path, 2)


def test_a_track_that_starts_late_begins_with_silence(tmp_path: Path, noise: Audio) -> None:
    with open_sound(write(tmp_path / "a.mkv", noise, "flac", delay=22050)) as sound:
        samples = sound.read()
    assert samples.shape[1] == noise.span.frames + 22050
    assert not samples[:, :22050].any()
    assert np.allclose(samples[:, 22050:], noise.samples, atol=1e-4)


def test_surround_and_tags(tmp_path: Path) -> None:
    six = Audio.of(0.1 * np.random.default_rng(0).standard_normal((6, 48000)), 48000)
    with open_sound(write(tmp_path / "a.m4a", six, "aac", layout="5.1")) as sound:
        assert (sound.layout, sound.channels, sound.format) == ("5.1", 6, "MOV/AAC")
        assert dict(sound.tags) == {"title": "Größe", "artist": "Ann"}


@pytest.mark.parametrize("channels", [1, 8, 12])
def test_any_channel_count(tmp_path: Path, channels: int) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (channels, 30_000)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples.T, 48000, subtype="FLOAT")
    with MediaReader(tmp_path / "a.wav") as sound:
        assert np.array_equal(sound.read(), samples)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.mkv", "flac")])
def test_a_truncated_film_names_the_second(tmp_path: Path, noise: Audio, name: str, codec: str) -> None:
    options = {"movflags": "faststart"} if name == "a.mp4" else {}
    path = write(tmp_path / name, noise, codec, **options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.raises(SoundFileError, match=r"truncated: it breaks off at 1\.\d\d s of 3\.\d\d s"):
        open_sound(path)


def test_what_holds_no_sound_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x18ftypM4A " + bytes(100))
    with pytest.raises(SoundFileError, match=r"a\.m4a is not a sound file that can be read"):
        open_sound(tmp_path / "a.m4a")
    with av.open(str(tmp_path / "silent.mp4"), "w") as container:
        film(container, 1)
    with pytest.raises(SoundFileError, match=r"silent\.mp4 holds no sound track"):
        open_sound(tmp_path / "silent.mp4")


def test_a_playlist_in_disguise_reads_no_other_file(tmp_path: Path, noise: Audio) -> None:
    secret = write(tmp_path / "secret.aac", noise, "aac")
    (tmp_path / "list.m4a").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:3,\n{secret}\n#EXT-X-ENDLIST\n")
    with pytest.raises(SoundFileError, match=r"list\.m4a is not a sound file"):
        open_sound(tmp_path / "list.m4a")


def test_without_pyav_the_remedy_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x18ftypM4A " + bytes(100))
    code = f"""
import sys
sys.modules["av"] = None
from midistems_graph.audio.files import open_sound
open_sound({str(tmp_path / "a.m4a")!r})
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stderr.rstrip().endswith('SoundFileError: To read a.m4a, install: pip install "midistems-graph[media]"')


def test_pyav_is_imported_only_when_it_is_needed() -> None:
    code = "import sys, midistems_graph.audio.files, midistems_graph.audio.media; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
