"""What is handed to other programs lies where it lay in the song: read back by other libraries."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import rpp
import soundfile
from PIL import Image
from songs import song_of_the_demo

from midistems_graph.audio.files import open_sound
from midistems_graph.audio.media_writing import stem_box
from midistems_graph.audio.tagged import tagged
from midistems_graph.audio.timeline import Marker, Timeline
from midistems_graph.audio.writing import SoundWriter
from midistems_graph.document.graph import Graph, Node
from midistems_graph.engine.outputs import OutputFolder
from midistems_graph.engine.run import execute, prepare
from midistems_graph.node import NodeError, Span, Stems, installed
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.io.save_media import save_stem_file
from midistems_nodes.io.save_reaper import project_text, quoted

RATE = 44100
LIBRARY = installed()


def song(folder: Path, seconds: int = 3) -> Path:
    """Noise that differs everywhere, half an hour into a recording, with two markers."""
    path = folder / "song.wav"
    samples = 0.1 * np.random.default_rng(5).standard_normal((2, seconds * RATE)).astype(np.float32)
    place = Timeline(1800 * RATE, 0.0, (Marker(0), Marker(2 * RATE)), RATE)
    with SoundWriter(path, rate=RATE, channels=2, frames=samples.shape[1], timeline=place) as writer:
        writer.write(samples)
    return path


def run(writer: Node, path: Path, folder: Path, window: tuple[Fraction, Fraction] | None = None) -> list[Path]:
    """The files that a writer writes of a song."""
    port = LIBRARY[writer.type].inputs[0].name
    graph = Graph().with_node("song", Node("io.load")).with_node("out", writer).with_edge("song.out", f"out.{port}")
    plan, _ = prepare(graph, LIBRARY, {"song": path}, window=window)
    outputs = OutputFolder(folder / "out", inputs=[path]).song(plan.bindings.song_name, plan.bindings.song_digest)
    result = execute(graph, plan, LIBRARY, store=None, outputs=outputs)
    assert not result.failures
    return [output.path for output in result.outputs]


def children(element: object, tag: str) -> list[object]:
    return [one for one in element if (one[0] if isinstance(one, list) else one.tag) == tag]  # type: ignore[attr-defined]


def test_a_window_keeps_its_place_in_broadcast_wave(tmp_path: Path) -> None:
    path = song(tmp_path)
    (file,) = run(Node("io.save"), path, tmp_path, (Fraction(1), Fraction(5, 2)))
    with open_sound(file) as sound, open_sound(path) as whole:
        assert sound.timeline.origin == 1801 * RATE
        assert [marker.at for marker in sound.timeline.markers] == [RATE]
        assert np.array_equal(sound.read(), whole.read(RATE, 5 * RATE // 2))


@pytest.mark.parametrize("format", ["wav", "flac"])
def test_a_reaper_project_puts_its_items_where_the_song_has_them(format: str, tmp_path: Path) -> None:
    path = song(tmp_path)
    files = run(Node("io.save_reaper", knobs={"format": format}), path, tmp_path, (Fraction(7, 5), Fraction(2)))
    (project_file,) = (file for file in files if file.suffix == ".rpp")
    project = rpp.loads(project_file.read_text())
    assert float(children(project, "PROJOFFS")[0][1]) == 1800
    assert [float(marker[2]) for marker in children(project, "MARKER")] == [0, 2]
    (track,) = children(project, "TRACK")
    (item,) = children(track, "ITEM")
    first = round(float(children(item, "POSITION")[0][1]) * RATE)
    frames = round(float(children(item, "LENGTH")[0][1]) * RATE)
    (source,) = children(item, "SOURCE")
    sound, rate = soundfile.read(project_file.parent / children(source, "FILE")[0][1], dtype="float32")
    assert (rate, len(sound)) == (RATE, frames)
    whole = soundfile.read(path, dtype="float32")[0]
    np.testing.assert_allclose(sound, whole[first : first + frames], atol=2**-23)


def test_any_name_can_stand_in_a_project() -> None:
    for name in ('a "b"', "it's", "`x`", 'a "b" it\'s', "two\nlines", 'a "b" it\'s `c`'):
        text = project_text({name: "x.wav"}, Span.whole(RATE, RATE), Timeline())
        (track,) = children(rpp.loads(text), "TRACK")
        read = children(track, "NAME")[0][1]
        assert read == " ".join(name.split()) or "`" in name
    assert quoted("") == '""'


def four() -> Stems:
    return song_of_the_demo(3)


@pytest.mark.parametrize(("codec", "floor"), [("aac", -20), ("alac", -110)])
def test_a_stem_file_holds_five_tracks_in_step(codec: str, floor: float, tmp_path: Path) -> None:
    stems = four()
    mixture = next(iter(stems.audio.values())).with_samples(sum(a.samples for a in stems.audio.values()))
    save_stem_file(Tiles(mixture, 44100), Tiles(stems, 44100), codec=codec, run=FakeRun(folder=tmp_path))
    file = tmp_path / "stems.stem.mp4"
    assert [one["name"] for one in stem_box(file)["stems"]] == list(stems)
    with av.open(str(file)) as container:
        assert [stream.codec_context.name for stream in container.streams.audio] == [codec] * 5
    for track, audio in enumerate((mixture, *stems.audio.values())):
        with open_sound(file, track) as sound:
            assert abs(sound.frames - mixture.span.frames) <= 1024
            found = sound.read(0, mixture.span.frames - 1024)
        true = audio.samples[:, : found.shape[1]]
        assert 10 * np.log10(np.sum((found - true) ** 2) / np.sum(true**2)) < floor, track


def test_a_stem_file_has_four_stems_and_no_other_number(tmp_path: Path) -> None:
    stems = four()
    two = Stems({name: stems[name] for name in ("vocals", "drums")})
    with pytest.raises(NodeError, match="four stems, and this set has 2: vocals, drums"):
        save_stem_file(Tiles(stems["vocals"]), Tiles(two), run=FakeRun(folder=tmp_path))


def write_film(path: Path, sound: np.ndarray, codec: str) -> None:
    """Three seconds of picture, each image of its own brightness, and a sound."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream(codec, rate=RATE)
        track.layout = "stereo"
        for number in range(75):
            image = np.full((48, 64, 3), 3 * number, np.uint8)
            for packet in picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                container.mux(packet)
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="stereo")
        frame.sample_rate = RATE
        for stream, last in ((track, frame), (track, None), (picture, None)):
            for packet in stream.encode(last):
                container.mux(packet)


def pictures(path: Path) -> list[tuple[float, bytes]]:
    with av.open(str(path)) as container:
        return [
            (float(packet.pts * packet.time_base), bytes(packet))
            for packet in container.demux(video=0)
            if packet.pts is not None
        ]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("window", [None, (Fraction(1), Fraction(2))])
def test_a_film_keeps_its_picture_and_the_sound_its_place(
    suffix: str, window: tuple[Fraction, Fraction] | None, tmp_path: Path
) -> None:
    stems = four()
    path = tmp_path / f"film{suffix}"
    write_film(path, np.ascontiguousarray(stems["drums"].samples), "aac")
    (file,) = run(Node("io.save_film"), path, tmp_path, window)
    assert file.suffix == suffix
    assert [image for _, image in pictures(file)] == [image for _, image in pictures(path)]
    np.testing.assert_allclose([t for t, _ in pictures(file)], [t for t, _ in pictures(path)], atol=1e-3)
    with open_sound(path) as before, open_sound(file) as after:
        first, last = (int(edge * RATE) for edge in window or (Fraction(0), Fraction(2)))
        old, new = before.read(first, last), after.read(first, last)
        assert not window or np.abs(after.read(0, first - 2048)).max() < 1e-3
    inner = slice(2048, -2048)
    lags = [np.vdot(np.roll(new, lag, axis=1)[:, inner], old[:, inner]) for lag in range(-64, 65)]
    assert int(np.argmax(lags)) - 64 == 0


LINES = "1\n00:00:00,500 --> 00:00:01,200\nHello\n\n2\n00:00:01,500 --> 00:00:02,500\nWörld\n"


def subtitled(path: Path) -> None:
    """Three seconds of picture with two lines of text and a chapter."""
    bare, lines = path.with_name("bare.mkv"), path.with_name("lines.srt")
    lines.write_text(LINES, "utf-8")
    write_film(bare, np.zeros((2, 3 * RATE), np.float32), "aac")
    with av.open(str(bare)) as film, av.open(str(lines)) as text, av.open(str(path), "w") as out:
        copies = {one: out.add_stream_from_template(one) for one in (*film.streams, *text.streams.subtitles)}
        copies[text.streams[0]].metadata["language"] = "eng"
        chapter = {"id": 1, "start": 0, "end": 1500, "time_base": Fraction(1, 1000), "metadata": {"title": "One"}}
        out.set_chapters([chapter])
        for packet in (*text.demux(), *film.demux()):
            if packet.dts is not None:
                packet.stream = copies[packet.stream]
                out.mux(packet)


def test_a_film_keeps_its_subtitles_and_chapters(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    subtitled(path)
    (file,) = run(Node("io.save_film"), path, tmp_path)
    with av.open(str(file)) as container:
        texts = container.streams.subtitles
        assert [text.language for text in texts] == ["eng"]
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["One"]
        found = [
            (float(p.pts * p.time_base), bytes(p).decode()) for p in container.demux(texts[0]) if p.pts is not None
        ]
    assert found == [(0.5, "Hello"), (1.5, "Wörld")]


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "aiff"])
def test_a_songs_cover_tempo_and_markers_reach_its_stems(format: str, tmp_path: Path) -> None:
    raw = io.BytesIO()
    Image.new("RGB", (20, 20), (10, 200, 30)).save(raw, "JPEG")
    path, noise = tmp_path / "song.flac", np.zeros((2, 2 * RATE), np.float32)
    place = Timeline(90 * RATE, 120.0, (Marker(0, "Intro"), Marker(RATE, "Verse")), RATE)
    with SoundWriter(path, rate=RATE, channels=2, frames=2 * RATE, format="flac", timeline=place,
                     cover=raw.getvalue()) as writer:  # fmt: skip
        writer.write(noise)
    (file,) = run(Node("io.save", knobs={"format": format}), path, tmp_path, (Fraction(1, 2), Fraction(2)))
    with open_sound(file) as sound:
        found = tagged(file, sound.timeline)
    assert found.cover == raw.getvalue()
    markers = {"mp3": ()}.get(format, (Marker(RATE // 2, "Verse"),))
    assert found.timeline.markers == markers
    assert found.timeline.origin == (90 * RATE + RATE // 2 if format in ("wav", "flac") else 0)
    assert found.timeline.tempo == 120


def test_a_stem_file_has_the_cover(tmp_path: Path) -> None:
    raw = io.BytesIO()
    Image.new("RGB", (20, 20), (10, 200, 30)).save(raw, "PNG")
    stems = four()
    mixture = next(iter(stems.audio.values()))
    save_stem_file(Tiles(mixture, 44100), Tiles(stems, 44100), run=FakeRun(folder=tmp_path, cover=raw.getvalue()))
    assert tagged(tmp_path / "stems.stem.mp4", Timeline()).cover == raw.getvalue()
    assert len(stem_box(tmp_path / "stems.stem.mp4")["stems"]) == 4


def test_the_audio_points_to_its_receipt(tmp_path: Path) -> None:
    (file,) = run(Node("io.save", knobs={"format": "flac"}), song(tmp_path), tmp_path)
    with open_sound(file) as sound:
        assert "receipt midistems.json" in sound.tags["software"]
