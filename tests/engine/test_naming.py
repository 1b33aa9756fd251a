"""Names that every system takes, from titles and templates that come from anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.engine.naming import (
    OutputRefused,
    folded,
    is_leftover,
    number_of,
    numbered,
    path_for,
    temporary_name,
)


def named(template: str = "", extension: str = "wav", **fields: str) -> str:
    return str(path_for(template, {"song": "Demo", "stem": "vocals", "node": "save", **fields}, extension))


@pytest.mark.parametrize(
    ("template", "fields", "expected"),
    [
        ("", {}, "Demo - vocals.wav"),
        ("{song}/{song} - {stem}", {}, "Demo/Demo - vocals.wav"),
        ("{node} {stem}", {"node": "loop[2]/save"}, "loop[2] - save vocals.wav"),
        ("{stem}.wav", {}, "vocals.wav"),
        ("{stem}.WAV", {"stem": "a.wav"}, "a.wav.wav"),
        ("{stem}.flac", {}, "vocals.flac.wav"),
        ("{{{stem}}}", {}, "{vocals}.wav"),
        ("{stem}", {"stem": "drums/kick"}, "drums - kick.wav"),
        ("{stem}", {"stem": "../../etc/passwd"}, "etc - passwd.wav"),
        ("{stem}", {"stem": "C:\\new\nline"}, "C__new_line.wav"),
        ("{stem}", {"stem": " ...What? *."}, "What_ _.wav"),
        ("{stem}", {"stem": ""}, "unnamed.wav"),
        ("{stem}", {"stem": "nul"}, "_nul.wav"),
        ("{stem}", {"stem": "Con.1"}, "_Con.1.wav"),
        ("{stem}/x", {"stem": "LPT1"}, "_LPT1/x.wav"),
        ("{stem}", {"stem": "Bjo\u0308rk"}, "Bj\u00f6rk.wav"),
        ("{stem}", {"stem": "\u202evaw\udc80"}, "_vaw_.wav"),
        ("{song}: {stem}", {}, "Demo_ vocals.wav"),
    ],
)
def test_names(template: str, fields: dict[str, str], expected: str) -> None:
    assert named(template, **fields) == expected


@pytest.mark.parametrize(
    "template",
    [
        *("/tmp/{stem}", "C:/{stem}", "c:{stem}", "../{stem}", "a/../{stem}", "./{stem}", "~/{stem}", "~root/{stem}"),
        *("{song}\\{stem}", "a//{stem}", "{stem}/", " ", "NUL", "com1.{stem}", "a/b/c/d/e/f/g/h/{stem}"),
        *("{stem", "stem}", "{}", "{0}", "{stem.__class__}", "{stem!r}", "{stem:>9}", "{stem:{song}}", "{title}"),
    ],
)
def test_a_template_that_could_lead_elsewhere_is_refused_in_a_sentence(template: str) -> None:
    with pytest.raises(OutputRefused, match=r"^The name template .*\.$"):
        named(template)


def test_an_unknown_field_is_answered_with_those_that_exist() -> None:
    allowed = r"\{song\}, \{stem\}, \{node\}, \{folder\}\."
    with pytest.raises(OutputRefused, match=rf"unknown field \{{title\}}; allowed are {allowed}"):
        named("{title}")


@pytest.mark.parametrize(
    ("template", "folder", "expected"),
    [
        ("{folder}/{song} - {stem}", "Artist/Album", "Artist/Album/Demo - vocals.wav"),
        ("{folder}/{song}/{stem}", "", "Demo/vocals.wav"),
        ("{stem}/{folder}/{song}", "../a//.b", "vocals/a/b/Demo.wav"),
        ("{folder}", "", "unnamed.wav"),
        ("{folder}/{stem}", "NUL", "_NUL/vocals.wav"),
    ],
)
def test_the_songs_folder_is_mirrored_below_the_output(template: str, folder: str, expected: str) -> None:
    assert named(template, folder=folder) == expected


@pytest.mark.parametrize("extension", ["", ".", "../wav", "wav/", "w v", "wav:x", "a" * 40])
def test_an_extension_is_letters_and_digits(extension: str) -> None:
    with pytest.raises(OutputRefused, match="extension"):
        named(extension=extension)


@given(song=st.text(), stem=st.text(), template=st.sampled_from(["", "{song}/{stem}", "{stem}.{song}/ {song} /{stem}"]))
def test_any_title_gives_a_portable_path(song: str, stem: str, template: str) -> None:
    path = path_for(template, {"song": song, "stem": stem}, "flac")
    assert len(path.parts) == max(template.count("/"), 0) + 1
    assert path.name.endswith(".flac")
    for part in path.parts:
        assert part == unicodedata.normalize("NFC", part)
        assert not set(part) & set('<>:"|?*\\/') and not any(unicodedata.category(c) in ("Cc", "Cs") for c in part)
        assert part == part.strip() and part[0] != "." and part[-1] != "."
        assert len(part.encode()) <= 255 - 32 and part.split(".")[0].upper() not in ("CON", "NUL", "COM1")


@given(st.text("aé漢🎵\u0301", min_size=60, max_size=400))
def test_a_long_title_keeps_its_stem_and_stays_apart_from_others(song: str) -> None:
    one, two, other = (named(song=title, stem=stem) for title, stem in [(song, "a"), (song, "b"), (song + "x", "a")])
    assert len({one, two, other}) == 3
    assert one.endswith(" - a.wav") and two.endswith(" - b.wav")
    assert len(one.encode()) <= 255 - 32


def test_a_shortened_name_breaks_no_letter() -> None:
    name = named("{stem}", stem="a" + "e\u0323\u0302\u0330" * 200)
    head, _, tail = name.removesuffix(".wav").split("~")
    assert head[-1] == "\u0330" or not unicodedata.combining(head[-1])
    assert not unicodedata.combining(tail[0])


def test_numbers() -> None:
    wanted = PurePosixPath("Demo/a (2).b.wav")
    names = [path for path, _ in zip(numbered(wanted, "wav"), range(3), strict=False)]
    assert [path.name for path in names] == ["a (2).b.wav", "a (2).b (2).wav", "a (2).b (3).wav"]
    assert [number_of(path, wanted, ".wav") for path in names] == [1, 2, 3]
    assert number_of(PurePosixPath("a (2).b.wav"), wanted, "wav") == 0
    assert number_of(PurePosixPath("Demo/a (2)xb.wav"), wanted, "wav") == 0


def test_names_that_some_file_system_takes_for_one() -> None:
    assert folded(PurePosixPath("Stem \u00c9.wav")) == folded(PurePosixPath("stem e\u0301.wav"))


def test_a_leftover_is_what_a_dead_process_began(tmp_path: Path) -> None:
    code = "from midistems_graph.engine.naming import temporary_name; print(temporary_name('wav'))"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    living = temporary_name(".wav")
    assert living.startswith(".") and living.endswith(".part.wav")
    host, pid, process = living.split("-")[1:4]

    def leftover(name: str, age: float = 0) -> bool:
        path = tmp_path / name
        path.touch()
        now = path.stat().st_mtime
        os.utime(path, (now, now - age))
        return is_leftover(path, now)

    assert leftover(dead) and leftover(f".{dead}.part-0a1b2c3d")
    assert not leftover(living)
    assert leftover(living.replace(process, "0" * 8)), "the same process number in another container's life"
    assert not leftover(living.replace(f"-{pid}-", f"-{os.getppid()}-"))
    assert not leftover(dead.replace(host, "0" * 8)) and leftover(dead.replace(host, "0" * 8), age=90_000)
    assert not leftover(dead[1:]) and not leftover(".song.part.wav") and not leftover("midistems.json")
