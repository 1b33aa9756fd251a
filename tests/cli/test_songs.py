"""Which songs a command line means: folders below a pattern, shards, tables of knobs, a watched folder."""

from __future__ import annotations

import itertools
import unicodedata
from pathlib import Path

import pytest
from command_line import Program, write_song
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.cli.batch import watching
from midistems_graph.cli.batch.knob_table import knobs_of_songs
from midistems_graph.cli.batch.watching import Watched
from midistems_graph.cli.codes import Refused
from midistems_graph.cli.presets import graph_of
from midistems_graph.cli.songs import Song, find_songs, part_of, shard_of
from midistems_graph.node.library import installed


def touched(*paths: str) -> None:
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a song")


def test_a_song_knows_its_folder_below_the_one_that_was_searched(home: Path) -> None:
    touched("Music/A/B/1.wav", "Music/2.flac", "Music/A/stems/3.wav", "Album/4.wav", "Music/A/notes.txt")
    songs = find_songs(
        ["Music/**/*", "Album", "Album/4.wav", str(home / "Music" / "*" / "B" / "*.wav")], {}, Path("Music/A/stems")
    )
    assert [(str(song.path), song.folder) for song in songs] == [
        ("Music/2.flac", ""), ("Music/A/B/1.wav", "A/B"), ("Album/4.wav", "")]  # fmt: skip
    assert find_songs(["Album/4.wav"], {})[0].folder == "Album"


def test_a_name_with_brackets_that_is_there_is_meant_as_it_stands(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touched("Album [Deluxe]/1.wav", "Album [Deluxe]/[Live]/2.wav", "Album D/3.wav")
    assert [(song.name, song.folder) for song in find_songs(["Album [Deluxe]/**/*"], {})] == [
        ("1", ""), ("2", "[Live]")]  # fmt: skip
    monkeypatch.setenv("HOME", str(home))
    assert [song.name for song in find_songs(["~/Album [D-F]/*"], {})] == ["3"]
    with pytest.raises(Refused, match=r"write \[\[\] for a bracket"):
        find_songs(["*/[Dead]/*"], {})


def test_what_earlier_runs_wrote_below_is_no_song_unless_its_folder_is_named(run: Program, copy: Path) -> None:
    write_song(Path("a.wav"), seconds=0.1)
    assert run(copy, "a.wav", "-o", "stems").code == 0
    touched("stems/mine.wav")
    said: list[str] = []
    assert [song.name for song in find_songs(["**/*.wav"], {}, say=said.append)] == ["a", "mine"]
    assert said == ["**/*.wav: what earlier runs wrote is passed over (files: 1); to run that, write 'stems/*'"]
    assert [song.name for song in find_songs(["stems/*.wav"], {})] == ["a - audio", "mine"]


def test_hidden_files_are_no_songs_and_folders_below_are_spoken_of(home: Path) -> None:
    touched("Album/1.wav", "Album/._1.wav", "Album/scans/cover.jpg")
    said: list[str] = []
    assert [song.name for song in find_songs(["Album"], {}, say=said.append)] == ["1"] and not said
    touched("Album/CD 2/2.wav")
    find_songs(["Album"], {}, say=said.append)
    assert said == ["Album: sound files in the folders below are not taken; for those as well write 'Album/**/*'"]


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, unique=True), st.integers(1, 9))
def test_shards_are_disjoint_cover_all_and_do_not_hang_on_where_the_library_lies(names: list[str], count: int) -> None:
    for name in names:
        near, far = Song(Path("/near") / f"x{name}", folder="A"), Song(Path("/far/away") / f"x{name}", folder="A")
        assert 1 <= shard_of(near, count) <= count
        assert shard_of(near, count) == shard_of(far, count)


@pytest.mark.parametrize("part", ["0/4", "5/4", "1", "a/b", "1/0"])
def test_a_shard_that_cannot_be_is_refused(run: Program, copy: Path, part: str) -> None:
    ended = run(copy, "demo", "--shard", part)
    assert ended.code == 2 and "is no part; write 1/8 to 8/8" in ended.err


def test_a_shard_runs_its_songs_alone(run: Program, copy: Path, home: Path) -> None:
    touched(*(f"songs/{number}.wav" for number in range(4)))
    parts = [[song.name for song in part_of(find_songs(["songs"], {}), (part, 3))] for part in (1, 2, 3)]
    assert sorted(itertools.chain(*parts)) == list("0123") and part_of(find_songs(["songs"], {}), None)[3:]
    ran = run(copy, "songs", "--shard", "1/3", "--dry-run", "--json").json["batch"]
    assert [row["song"] for row in ran] == parts[0]


# Knobs of single songs


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("song,hpss.n_fft\nsong,banana\n", "line 2: hpss.n_fft=banana"),
        ("song,hpss.n_fft\n\nsong,1\n", "'n_fft' cannot be 1; allowed: 16 to 65536"),
        ("song,hpss.nfft\nsong,4096\n", "did you mean n_fft"),
        ("song,hpss.n_fft\nsnog,4096\n", "line 2: no song is called 'snog'"),
        ("song,hpss.n_fft\nsong,4096\nsong.wav,2048\n", "line 3: 'song.wav' has a row already, in line 2"),
        ("song,hpss.n_fft\nsong,4096,2\n", "line 2: '2' stands in a column without a name"),
        ("song,hpss.nfft\nsong,\n", "line 1: column 2: the node 'hpss' has no knob 'nfft'"),
        ("hpss.n_fft,song\n4096,song\n", "line 1: column 2: 'song' is no knob; write node.knob (the first column"),
        ("song,hpss.hop,hpss.hop\nsong,512,256\n", "line 1: two columns are called hpss.hop"),
        (f'song,hpss.hop\n"{"x" * 140_000}\n', "line 2: it cannot be read as cells"),
        ("song,hpss.n_fft\nsong,4096\xff\n", "save it as CSV UTF-8"),
        ("song,hpss.n_fft\n,4096\n", "line 2: its first cell names no song"),
        ("song\nsong\n", "line 1: write a line of names first"),
        ("", "line 1: write a line of names first"),
        ("song,hpss.n_fft\nB/song.wav,4096\nsong,2048\n", "line 2: no song is called 'B/song.wav'"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(run: Program, split: Path, song: Path, table: str, words: str) -> None:
    Path("songs.csv").write_text(table, encoding="latin-1")
    ended = run(split, song, "-o", "out", "--knobs", "songs.csv")
    assert ended.code == 2 and len(ended.sentences) == 1 and "--knobs songs.csv" in ended.err
    assert words in ended.err and not Path("out").exists()


def test_a_name_that_two_songs_have_asks_for_a_path(run: Program, split: Path, home: Path) -> None:
    touched("A/song.wav", "B/song.wav")
    Path("songs.csv").write_text("song,hpss.n_fft\nsong,4096\n")
    assert "'song' may be A/song.wav and B/song.wav; write a path" in run(split, "A", "B", "--knobs", "songs.csv").err


@pytest.mark.parametrize(
    "table",
    [
        "song;hpss.n_fft;hpss.hop\nCafé;;512\n",
        "\ufeffsong\thpss.hop\n./Café.wav\t512\n",
        "song,hpss.hop,,\nCafé,512,,,\n,,,,\n",
    ],
)
def test_a_table_names_songs_as_people_type_them(home: Path, split: Path, table: str) -> None:
    """macOS may have written the accent apart from its letter."""
    Path("songs.csv").write_text(table, encoding="utf-8")
    touched(unicodedata.normalize("NFD", "Café.wav"))
    songs, library = find_songs(["*.wav"], {}), installed()
    assert knobs_of_songs(Path("songs.csv"), songs, graph_of(split), library)(songs[0]) == ("hpss.hop=512",)


def test_of_rows_that_mean_a_song_to_come_the_most_exact_counts(home: Path, split: Path) -> None:
    rows = (f"{i},256\n{i}.wav,512\n./{i}.wav,1024\n" for i in range(9))
    Path("songs.csv").write_text("song,hpss.hop\n" + "".join(rows))
    knobs = knobs_of_songs(Path("songs.csv"), [], graph_of(split), installed(), all_there=False)
    assert {knobs(Song(Path(f"{i}.wav"))) for i in range(9)} == {("hpss.hop=1024",)}
    assert {knobs(Song(Path(f"in/{i}.wav"))) for i in range(9)} == {("hpss.hop=512",)}
    assert {knobs(Song(Path(f"in/{i}.flac"))) for i in range(9)} == {("hpss.hop=256",)}


def test_a_table_sets_what_set_would(run: Program, split: Path, song: Path) -> None:
    Path("songs.csv").write_text("song,hpss.hop\nsong,512\n")
    run(split, song, "-o", "out", "--set", "hpss.hop=512")
    ended = run(split, song, "-o", "out", "--knobs", "songs.csv", "--json")
    assert {node["status"] for node in ended.json["nodes"]} == {"cached", "up to date"}


# A watched folder


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the watch takes for the time."""
    now = [0.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    return now


def test_a_new_file_is_taken_once_it_has_stopped_growing(home: Path, clock: list[float]) -> None:
    touched("inbox/old.wav")
    watched = Watched("inbox", Path("out"), find_songs(["inbox"], {}))

    def look() -> list[str]:
        clock[0] += watching.STILL
        return [song.name for song in watched()]

    assert look() == [] and watched() == []
    touched("inbox/new.wav")
    assert look() == []
    Path("inbox/new.wav").write_bytes(b"a song that grows")
    assert look() == []
    assert look() == ["new"]
    assert look() == []
    Path("inbox/new.wav").write_bytes(b"another take")
    assert (look(), look(), look()) == ([], ["new"], [])


def test_a_shard_of_a_watched_folder_takes_its_songs_alone(home: Path, clock: list[float]) -> None:
    Path("inbox").mkdir()
    parts = [Watched("inbox", Path("out"), shard=(part, 3)) for part in (1, 2, 3)]
    touched(*(f"inbox/{number}.wav" for number in range(6)))
    for watched in parts:
        watched()
    clock[0] += watching.STILL
    taken = [[song.name for song in watched()] for watched in parts]
    assert sorted(itertools.chain(*taken)) == list("012345") and all(len(part) < 6 for part in taken)


def test_a_folder_that_cannot_be_watched_is_refused(home: Path) -> None:
    with pytest.raises(Refused, match="there is no such folder"):
        Watched("nowhere", Path("out"))
    Path("inbox").mkdir()
    with pytest.raises(Refused, match="stems would be taken for songs"):
        Watched("inbox", Path("inbox"))
