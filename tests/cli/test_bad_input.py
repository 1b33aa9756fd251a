"""Whatever is wrong gets one sentence on stderr and its exit code, never a traceback."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
import soundfile
from command_line import SPLIT, SPLIT_EDGES, Program, graph_data, write_graph, write_song

from midistems_graph.engine.store import default_store_folder

# Songs


@pytest.mark.parametrize("words", [["closed"], ["song.wav", "--reference", "closed"]])
def test_a_folder_that_may_not_be_read_is_one_sentence(
    run: Program, split: Path, song: Path, home: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "closed").mkdir()
    iterdir = Path.iterdir

    def listed(folder: Path) -> Iterator[Path]:
        if folder.name == "closed":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        return iterdir(folder)

    monkeypatch.setattr(Path, "iterdir", listed)
    ended = run(split, *words, "-o", "out")
    assert ended.code == 4 and len(ended.sentences) == 1
    assert "closed" in ended.sentences[0] and "cannot be read: Permission denied" in ended.sentences[0]


def _missing(path: Path) -> None: ...


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _no_sound(path: Path) -> None:
    path.write_bytes(b"This is a letter, not a sound. " * 50)


def _headless(path: Path) -> None:
    path.write_bytes(write_song(path).read_bytes()[:30])


def _no_samples(path: Path) -> None:
    soundfile.write(path, np.zeros((0, 2), np.float32), 44100, subtype="FLOAT")


def _nan(path: Path) -> None:
    samples = np.zeros((4410, 2), np.float32)
    samples[1000, 1] = np.nan
    soundfile.write(path, samples, 44100, subtype="FLOAT")


@pytest.mark.parametrize("make", [_missing, _empty, _no_sound, _headless, _no_samples, _nan])
def test_a_song_that_cannot_be_read(run: Program, copy: Path, home: Path, make: Callable[[Path], None]) -> None:
    make(home / "bad.wav")
    ended = run(copy, "bad.wav", "-o", "out")
    assert ended.code == 4
    assert len(ended.sentences) == 1 and "bad.wav" in ended.sentences[0]
    assert not list(home.glob("out/*.wav"))


def test_a_song_that_breaks_off_is_refused_or_read_as_far_as_it_says(run: Program, copy: Path, home: Path) -> None:
    path = home / "bad.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, (44100, 2)), 44100, format="FLAC")
    path.write_bytes(path.read_bytes()[:60_000])
    ended = run(copy, path, "-o", "out")
    assert ended.code == 4 and len(ended.sentences) == 1


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 32])
@pytest.mark.parametrize("rate", [8000, 44100, 192000])
def test_any_rate_and_number_of_channels_passes_through(
    run: Program, copy: Path, home: Path, rate: int, channels: int
) -> None:
    song = write_song(home / "song.wav", seconds=0.2, rate=rate, channels=channels)
    assert run(copy, song, "-o", "out").code == 0
    written, its_rate = soundfile.read("out/song - audio.wav", dtype="float32", always_2d=True)
    assert its_rate == rate and np.array_equal(written, soundfile.read(song, dtype="float32", always_2d=True)[0])


def test_a_song_of_one_sample_has_stems_of_one_sample(run: Program, split: Path, home: Path) -> None:
    soundfile.write(home / "one.wav", np.array([[0.5, -0.5]], np.float32), 44100, subtype="FLOAT")
    assert run(split, "one.wav", "-o", "out").code == 0
    assert soundfile.info("out/one - harmonic.wav").frames == 1


@pytest.mark.parametrize("name", ["[red]x[green]", "Größe 日本 🎵", "a b  c", "x" * 240, "-o", "{song}", "%s"])
def test_any_name_of_a_song_is_kept_and_shown_as_it_is(run: Program, copy: Path, home: Path, name: str) -> None:
    song = write_song(home / "song.wav", seconds=0.1).rename(home / f"{name}.wav")
    ended = run(copy, f"./{song.name}", "-o", "out", "--json")
    assert ended.code == 0 and ended.json["outputs"][0]["song"] == name
    table = run(copy, f"./{song.name}", "-o", "out").out
    assert name[:80] in table


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every name is text")
def test_a_name_that_is_no_text_is_read_and_its_stems_have_names_that_are(run: Program, copy: Path, home: Path) -> None:
    song = write_song(home / "song.wav", seconds=0.1)
    song.rename(os.fsdecode(b"caf\xe9.wav"))
    ended = run(copy, os.fsdecode(b"caf\xe9.wav"), "-o", "out", "--json")
    assert ended.code == 0 and ended.json["outputs"][0]["path"] == "out/caf_ - audio.wav"


def test_characters_that_steer_a_terminal_are_shown_as_text(run: Program, copy: Path, home: Path) -> None:
    song = write_song(home / "song.wav", seconds=0.1).rename(home / "a\x1b[31mb.wav")
    ended = run(copy, song, song.with_name("no\x1b[2Jsuch.wav"), "-o", "out", "-v")
    assert "\x1b" not in ended.out + ended.err and r"\x1b[2J" in ended.err


# Graphs


def _graph(*edges: str, **nodes: Any) -> dict[str, Any]:
    return graph_data({"load": "io.load", "save": "io.save", **nodes}, "load.out -> save.stems", *edges)


BAD_GRAPHS: dict[str, tuple[Any, str]] = {
    "no JSON": (b"{not json", "bad.json"),
    "empty": (b"", "empty"),
    "a number": (b"3", "bad.json"),
    "deep nesting": (b"[" * (10 << 20), "bad.json"),
    "a later version": ({**_graph(), "version": 99}, "99"),
    "no graph": ({"format": "something else"}, "bad.json"),
    "a dangling edge": (_graph("nothing.out -> save.stems"), "nothing"),
    "no such port": (_graph(hpss="separate.hpss", s2="io.save") | {
        "edges": [{"from": "load.out", "to": "hpss.mixture"}, {"from": "hpss.nope", "to": "s2.stems"}]}, "nope"),
    "kinds that do not fit": (_graph("load.out -> istft.spectrogram", "istft.out -> s2.stems", istft="transform.istft",
                                     s2="io.save"), "spectrogram"),
    "a circle": (_graph("a.out -> b.signal", "b.out -> a.signal", "a.out -> s2.stems", a="filter.gain",
                        b="filter.gain", s2="io.save"), "a"),
    "a knob out of range": (_graph("load.out -> g.signal", "g.out -> s2.stems", g=("filter.gain", {"gain": 1e9}),
                                   s2="io.save"), "gain"),
    "a knob of another type": (_graph("load.out -> g.signal", "g.out -> s2.stems", s2="io.save",
                                      g=("filter.gain", {"gain": "loud"})), "loud"),
    "an unknown type that is needed": (_graph("load.out -> x.in", "x.out -> s2.stems", x="vendor.magic",
                                              s2="io.save"), "vendor.magic"),
    "an input that is not connected": (_graph(s2="io.save"), "s2"),
    "nothing to write": (graph_data({"load": "io.load"}), "io.save"),
    "2^30 repeats": (graph_data({"loop": ("group:g", {"repeat": 1 << 30}), "load": "io.load", "save": "io.save"},
                                "load.out -> loop.a", "loop.b -> save.stems",
                                groups={"g": {"nodes": {"x": {"type": "filter.gain"}}, "inputs": {"a": ["x.signal"]},
                                              "outputs": {"b": "x.out"}, "carry": {"a": "b"}}}), "loop"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_GRAPHS)
def test_a_graph_that_is_not_sound(run: Program, home: Path, song: Path, case: str) -> None:
    import json

    content, words = BAD_GRAPHS[case]
    path = home / "bad.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    ended = run(path, song, "-o", "out")
    assert ended.code == 3
    assert ended.sentences and words in ended.err
    assert not (home / "out").exists()


@pytest.mark.parametrize("content", [b"", b"\xc1", msgpack.packb({"format": "x"}), b"\x91" * 1_000_000])
def test_a_damaged_mgraph(run: Program, home: Path, song: Path, content: bytes) -> None:
    (home / "bad.mgraph").write_bytes(content)
    ended = run("bad.mgraph", song)
    assert ended.code == 3 and len(ended.sentences) == 1 and "bad.mgraph" in ended.err


def test_the_same_id_twice_is_refused(run: Program, home: Path, song: Path) -> None:
    (home / "bad.json").write_text(
        '{"format": "midistems-graph", "version": 1, "nodes": {"a": {"type": "io.load"}, "a": {"type": "io.save"}}}'
    )
    ended = run("bad.json", song)
    assert ended.code == 3 and "'a'" in ended.err


def test_an_unknown_type_that_nothing_depends_on_is_only_noted(run: Program, home: Path, song: Path) -> None:
    graph = write_graph(home / "g.json", {"load": "io.load", "save": "io.save", "x": "vendor.magic"},
                        "load.out -> save.stems", "load.out -> x.in")  # fmt: skip
    ended = run(graph, song, "-o", "out")
    assert ended.code == 0 and "vendor.magic" in ended.err


@pytest.mark.parametrize("name", ["../escape", "/etc/escape", "a/../../escape", "C:\\escape", "{song.__class__}"])
def test_a_graph_cannot_write_outside_the_output_folder(run: Program, home: Path, song: Path, name: str) -> None:
    graph = write_graph(home / "g.json", {"load": "io.load", "save": ("io.save", {"name": name})},
                        "load.out -> save.stems")  # fmt: skip
    ended = run(graph, song, "-o", "out")
    assert ended.code == 6 and len(ended.sentences) == 1
    assert not list(home.parent.rglob("*escape*"))


@pytest.mark.parametrize(
    "file", ["../secret.wav", "/etc/passwd", "/dev/zero", "nothing.wav", "a\0b", "out.wav", "device.wav", "circle.wav"]
)
def test_a_graph_cannot_read_outside_its_folder(run: Program, home: Path, song: Path, file: str) -> None:
    write_song(home.parent / "secret.wav")
    for link, target in {"out.wav": "../secret.wav", "device.wav": "/dev/zero", "circle.wav": "circle.wav"}.items():
        (home / link).symlink_to(target)
    graph = write_graph(home / "g.json", {"load": ("io.load_file", {"file": file}), "save": "io.save"},
                        "load.out -> save.stems")  # fmt: skip
    ended = run(graph, song, "-o", "out")
    assert ended.code == 4 and len(ended.sentences) == 1


# Command lines


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["split.json"],
        ["nosuch.json", "song.wav"],
        ["nosuchpreset", "song.wav"],
        ["split.json", "song.wav", "--window", "3:2:1"],
        ["split.json", "song.wav", "--window", "2:1"],
        ["split.json", "song.wav", "--window", "50:60"],
        ["split.json", "song.wav", "--jobs", "0"],
        ["split.json", "song.wav", "--memory", "lots"],
        ["split.json", "song.wav", "--only", "nothing"],
        ["split.json", "song.wav", "--only", "hpss.nothing"],
        ["split.json", "song.wav", "--format", "8track"],
        ["split.json", "song.wav", "--input", "song"],
        ["split.json", "song.wav", "--input", "vocals=song.wav"],
        ["split.json", "song.wav", "--frobnicate"],
    ],
)
def test_a_wrong_command_line(run: Program, split: Path, song: Path, arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.code == 2 and len(ended.sentences) == 1


def test_a_folder_without_songs(run: Program, copy: Path, home: Path) -> None:
    (home / "songs").mkdir()
    assert run(copy, "songs").code == 4
    assert run(copy, "nothing*.wav").code == 4


# Output folders


def test_a_file_in_place_of_the_output_folder(run: Program, copy: Path, song: Path) -> None:
    Path("out").write_text("mine")
    ended = run(copy, song, "-o", "out")
    assert ended.code == 6 and len(ended.sentences) == 1
    assert Path("out").read_text() == "mine"


def test_stems_do_not_go_among_the_songs_that_the_next_run_would_take(run: Program, copy: Path, home: Path) -> None:
    (home / "songs").mkdir()
    write_song(home / "songs" / "a.wav")
    ended = run(copy, "songs", "-o", "songs")
    assert ended.code == 6 and len(ended.sentences) == 1 and "songs/stems" in ended.err
    assert run(copy, "songs", "-o", "songs/stems").code == 0


def test_an_output_that_would_be_the_input(run: Program, home: Path, song: Path) -> None:
    graph = write_graph(home / "g.json", {"load": "io.load", "save": ("io.save", {"name": "{song}"})},
                        "load.out -> save.stems")  # fmt: skip
    before = song.read_bytes()
    ended = run(graph, song, "-o", ".", "--on-exist", "replace")
    assert ended.code == 6 and len(ended.sentences) == 1
    assert song.read_bytes() == before


def test_a_file_of_someone_else_stays(run: Program, copy: Path, song: Path) -> None:
    Path("out").mkdir()
    Path("out/song - audio.wav").write_text("mine")
    assert run(copy, song, "-o", "out", "--on-exist", "fail").code == 6
    assert run(copy, song, "-o", "out").code == 0
    assert Path("out/song - audio.wav").read_text() == "mine"
    assert Path("out/song - audio (2).wav").exists()


@pytest.fixture
def tiny_disk(home: Path) -> Iterator[Path]:
    """A disk of 256 kB; skips where none can be mounted."""
    folder = home / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if os.name != "posix" or os.geteuid() != 0 or mount is None:
        pytest.skip("only root can mount a small disk")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk(run: Program, copy: Path, song: Path, tiny_disk: Path) -> None:
    ended = run(copy, song, "-o", tiny_disk)
    assert ended.code == 6 and len(ended.sentences) == 1 and "full" in ended.err
    assert not list(tiny_disk.glob("*.wav"))


def test_a_full_disk_where_the_demo_song_would_be(
    run: Program, copy: Path, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tiny_disk))
    ended = run(copy, "demo", "-o", "out")
    assert ended.code == 6 and len(ended.sentences) == 1 and "full" in ended.err
    assert not list(tiny_disk.rglob("*.wav"))


# The store


def test_damaged_deleted_and_half_entries_are_computed_again(run: Program, split: Path, song: Path) -> None:
    run(split, song, "-o", "out")
    values = sorted(path for path in (default_store_folder() / "values").rglob("*") if path.is_file())
    values[0].unlink()
    values[1].write_bytes(values[1].read_bytes()[:100])
    values[2].write_bytes(b"")
    shutil.rmtree("out")
    ended = run(split, song, "-o", "out", "--json")
    assert ended.code == 0 and len(ended.json["outputs"]) == 3


@pytest.mark.parametrize("in_place", ["file", "other files"])
def test_a_store_that_cannot_be_used_does_not_stop_a_run(
    run: Program, copy: Path, song: Path, home: Path, in_place: str
) -> None:
    place = home / "place"
    if in_place == "file":
        place.write_text("mine")
    else:
        place.mkdir()
        (place / "letter.txt").write_text("mine")
    ended = run(copy, song, "-o", "out", "--cache-dir", place)
    assert ended.code == 0 and len(ended.sentences) == 1 and str(place) in ended.err
    assert (place if in_place == "file" else place / "letter.txt").read_text() == "mine"


def test_a_disk_without_locks_has_no_store_and_does_not_stop_a_run(
    run: Program, copy: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lock(handle: int, *, wait: bool) -> bool:
        return not os.path.samestat(os.fstat(handle), Path("store/midistems-store.json").stat())

    monkeypatch.setattr("midistems_graph.engine.store.folder.lock", lock)
    ended = run(copy, song, "-o", "out", "--cache-dir", "store")
    assert ended.code == 0 and len(ended.sentences) == 1 and "keeps nothing for the next one" in ended.err
    monkeypatch.setattr("midistems_graph.engine.store.folder.lock", lambda _, *, wait: False)  # nor has a temporary one
    ended = run(copy, song, "-o", "out", "--cache-dir", "store")
    assert ended.code == 6 and "--cache-dir" in ended.sentences[-1]


def test_no_cache_leaves_no_store(run: Program, copy: Path, song: Path, home: Path) -> None:
    assert run(copy, song, "-o", "out", "--no-cache").code == 0
    assert not default_store_folder().exists()


def test_clearing_a_folder_that_is_no_store_touches_nothing(midistems: Program, home: Path) -> None:
    (home / "photos").mkdir()
    (home / "photos" / "cat.jpg").write_text("mine")
    ended = midistems("cache", "--cache-dir", "photos", "clear")
    assert ended.code == 2 and len(ended.sentences) == 1
    assert [path.name for path in (home / "photos").iterdir()] == ["cat.jpg"]


def test_split_is_a_sound_graph(midistems: Program, home: Path) -> None:
    graph = write_graph(home / "g.json", SPLIT, *SPLIT_EDGES)
    assert midistems("graph", "check", graph).code == 0
