"""The output folder: nothing half, nobody's work overwritten, nothing multiplies, nothing beyond the folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from midistems_graph.engine.outputs import OnExist, Output, OutputFolder, OutputRefused, SongOutputs
from midistems_graph.engine.receipt import RECEIPT
from midistems_graph.engine.receipt_book import read_receipt
from small_outputs import files, save


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def run(out: Path, content: str, on_exist: OnExist = "auto", digest: str = "d1") -> Output:
    """A run of the program that saves one stem of one song."""
    return save(OutputFolder(out, on_exist=on_exist).song("Demo", digest), content)


def finish(song: SongOutputs, graph_hash: str = "g") -> None:
    song.finish(graph={"nodes": {}}, graph_hash=graph_hash, inputs={"song": "i"}, scores={}, libraries={})


# What becomes of a file that is already there


def test_a_new_file_is_written_and_found_current(out: Path) -> None:
    output = run(out, "one")
    assert (output.status, output.path) == ("written", out / "Demo - vocals.wav")
    assert files(out) == {"Demo - vocals.wav": "one"}
    song = OutputFolder(out).song("Demo", "d1")
    assert song.current("save", "k") == [Output("Demo", "save", "vocals", output.path, "up to date", output.digest)]
    assert song.current("save", "another key") is None
    assert song.current("other node", "k") is None
    assert OutputFolder(out).song("Demo", "d2").current("save", "k") is None
    assert OutputFolder(out).song("Another name", "d1").current("save", "k") is None
    assert OutputFolder(out, template="{stem}").song("Demo", "d1").current("save", "k") is None


def test_figures_are_told_again_when_the_file_is_current(out: Path) -> None:
    song = OutputFolder(out).song("Demo", "d1")
    writer = song.writer("save", "k")
    with writer.output("vocals", "wav") as file:
        file.figures.update(peak=-1.5, lufs=float("-inf"))
    writer.done()
    assert song.outputs[0].figures == {"peak": -1.5, "lufs": float("-inf")}
    assert '"figures": {"peak": -1.5, "lufs": "-inf"}' in (out / RECEIPT).read_text()
    current = OutputFolder(out).song("Demo", "d1").current("save", "k") or []
    assert [output.figures for output in current] == [song.outputs[0].figures]


def test_equal_content_is_left_untouched(out: Path) -> None:
    before = run(out, "one").path.stat()
    assert run(out, "one").status == "up to date"
    after = (out / "Demo - vocals.wav").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_ours_unchanged_is_replaced(out: Path) -> None:
    run(out, "one")
    assert run(out, "two").status == "replaced"
    assert files(out) == {"Demo - vocals.wav": "two"}


def test_what_was_edited_is_kept_and_the_next_runs_find_the_numbered_one(out: Path) -> None:
    run(out, "one").path.write_text("mix")
    assert run(out, "two").status == "numbered"
    assert run(out, "two").status == "up to date"
    assert run(out, "three").status == "replaced"
    assert files(out) == {"Demo - vocals.wav": "mix", "Demo - vocals (2).wav": "three"}
    assert OutputFolder(out).song("Demo", "d1").current("save", "k") is not None


def test_a_strangers_file_is_kept(out: Path) -> None:
    out.mkdir()
    (out / "Demo - vocals.wav").write_text("theirs")
    song = OutputFolder(out).song("Demo", "d1")
    assert save(song, "ours").status == "numbered"
    assert "Demo - vocals (2).wav" in song.problems[0]
    assert files(out) == {"Demo - vocals.wav": "theirs", "Demo - vocals (2).wav": "ours"}


def test_another_song_of_the_same_name_is_kept(out: Path) -> None:
    run(out, "one", digest="d1")
    assert run(out, "two", digest="d2").status == "numbered"
    assert run(out, "one", digest="d1").status == "up to date"
    assert run(out, "three", digest="d2").status == "replaced"
    assert files(out) == {"Demo - vocals.wav": "one", "Demo - vocals (2).wav": "three"}


@pytest.mark.parametrize(
    ("on_exist", "status", "expected"),
    [
        ("keep", "kept", {"Demo - vocals.wav": "one"}),
        ("number", "numbered", {"Demo - vocals.wav": "one", "Demo - vocals (2).wav": "two"}),
        ("replace", "replaced", {"Demo - vocals.wav": "two"}),
    ],
)
@pytest.mark.parametrize("edited", [False, True])
def test_policies(out: Path, on_exist: OnExist, status: str, expected: dict[str, str], edited: bool) -> None:
    run(out, "zero" if edited else "one").path.write_text("one")
    assert run(out, "one", on_exist).status == "up to date"
    if edited:  # the equal content made it ours again
        run(out, "zero").path.write_text("one")
    assert run(out, "two", on_exist).status == status
    assert files(out) == expected
    again = run(out, "two", on_exist).status
    assert again == ("kept" if on_exist == "keep" else "up to date")
    assert files(out) == expected


def test_fail_refuses_and_leaves_all_as_it_was(out: Path) -> None:
    run(out, "one")
    assert run(out, "one", "fail").status == "up to date"
    with pytest.raises(OutputRefused, match=r"Demo - vocals\.wav exists"):
        run(out, "two", "fail")
    assert files(out) == {"Demo - vocals.wav": "one"}


def test_kept_tells_the_content_that_is_there_and_is_not_current(out: Path) -> None:
    first = run(out, "one")
    song = OutputFolder(out, on_exist="keep").song("Demo", "d1")
    assert save(song, "two", key="k2").digest == first.digest
    assert song.problems and song.current("save", "k2") is None


def test_a_folder_or_a_link_of_that_name_stays(out: Path, tmp_path: Path) -> None:
    (out / "Demo - vocals.wav").mkdir(parents=True)
    outside = tmp_path / "outside.wav"
    outside.write_text("outside")
    (out / "Demo - vocals (2).wav").symlink_to(outside)
    (out / "Demo - vocals (3).wav").symlink_to("Demo - vocals (3).wav")
    for on_exist in ("auto", "replace", "keep", "number"):
        assert run(out, "ours", on_exist).path.name == "Demo - vocals (4).wav"
    assert outside.read_text() == "outside"


# Outputs that share a name in one run


def test_outputs_of_one_run_never_share_a_file_and_find_theirs_again(out: Path) -> None:
    def one_run(order: list[int], on_exist: OnExist) -> dict[tuple[str, str, str], str]:
        folder = OutputFolder(out, on_exist=on_exist)
        songs = {digest: folder.song("Demo", digest) for digest in ("d1", "d2")}
        jobs = [
            ("d1", "save", "vocals"),
            ("d2", "save", "vocals"),
            ("d1", "save again", "vocals"),
            ("d1", "save", "VOCALS"),
            ("d1", "save", "vocals?"),
            ("d1", "save", "vocals*"),
        ]
        return {jobs[i]: save(songs[jobs[i][0]], f"{jobs[i]}", jobs[i][2], jobs[i][1]).path.name for i in order}

    first = one_run([0, 1, 2, 3, 4, 5], "auto")
    assert len({name.casefold() for name in first.values()}) == 6
    assert first["d1", "save", "VOCALS"] == "Demo - VOCALS (4).wav"
    for on_exist in ("auto", "replace", "number"):
        assert one_run([5, 3, 1, 4, 2, 0], on_exist) == first
    assert len(files(out)) == 6


def test_equal_content_under_one_name_stays_two_files(out: Path) -> None:
    folder = OutputFolder(out)
    assert save(folder.song("Demo", "d1"), "silence").status == "written"
    assert save(folder.song("Demo", "d2"), "silence").status == "numbered"


def test_what_is_current_is_not_given_to_another_song(out: Path) -> None:
    run(out, "one", digest="d1")
    folder = OutputFolder(out, on_exist="replace")
    assert folder.song("Demo", "d1").current("save", "k")
    assert save(folder.song("Demo", "d2"), "two").status == "numbered"
    assert files(out)["Demo - vocals.wav"] == "one"


def test_threads_never_share_a_file(out: Path) -> None:
    folder = OutputFolder(out, template="{song}/{stem}")
    songs = [folder.song("Demo", f"d{i}") for i in range(12)]
    threads = [threading.Thread(target=save, args=(song, song.digest)) for song in songs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(files(out).values()) == sorted(song.digest for song in songs)
    assert all(song.outputs[0].path.read_text() == song.digest for song in songs)


def test_the_receipt_is_not_an_outputs_name(out: Path) -> None:
    folder = OutputFolder(out, template="{stem}", on_exist="replace")
    writer = folder.song("Demo", "d1").writer("save", "k")
    with writer.output("Midistems", "json") as file:
        file.path.write_text("{}")
    assert {path.name for path in out.iterdir()} == {"Midistems (2).json", RECEIPT}


# Nothing half


def test_a_writer_that_was_not_done_is_not_current(out: Path) -> None:
    song = OutputFolder(out).song("Demo", "d1")
    writer = song.writer("save", "k")
    with writer.output("vocals", "wav") as file:
        file.path.write_text("one")
    finish(song)
    song = OutputFolder(out).song("Demo", "d1")
    assert song.current("save", "k") is None
    assert save(song, "two").status == "replaced", "though the writer was stopped, the file is known as ours"


def test_one_missing_or_changed_file_is_not_current(out: Path) -> None:
    song = OutputFolder(out).song("Demo", "d1")
    writer = song.writer("save", "k")
    for stem in ("vocals", "drums/kick"):
        with writer.output(stem, "wav") as file:
            file.path.write_text(stem)
    writer.done()
    again = OutputFolder(out).song("Demo", "d1")
    assert [output.stem for output in again.current("save", "k") or []] == ["drums/kick", "vocals"]
    kick = out / "Demo - drums - kick.wav"
    kick.write_text("drums/KICK")
    assert again.current("save", "k") is None
    kick.unlink()
    assert again.current("save", "k") is None


def test_two_processes_write_one_folder(out: Path) -> None:
    code = """
import sys
from pathlib import Path
from midistems_graph.engine.outputs import OutputFolder
folder = OutputFolder(Path(sys.argv[1]))
for i in range(10):
    song = folder.song("Demo", f"{sys.argv[2]}{i}")
    writer = song.writer("save", "k", "{song}/{stem}")
    with writer.output("vocals", "wav") as file:
        file.path.write_text(song.digest)
    writer.done()
    song.finish(graph={}, graph_hash=sys.argv[2], inputs={}, scores={}, libraries={})
"""
    runs = [subprocess.Popen([sys.executable, "-c", code, str(out), name]) for name in ("a", "b")]
    assert [run.wait(60) for run in runs] == [0, 0]
    expected = {f"{name}{i}" for name in "ab" for i in range(10)}
    receipt, _ = read_receipt(out)
    assert set(receipt.songs) == {entry.song for entry in receipt.outputs.values()} == expected
    assert set(files(out).values()) == expected and len(files(out)) == 20
    assert all(files(out)[path] == entry.song for path, entry in receipt.outputs.items())


# Trust


def test_an_output_is_never_an_input(out: Path, tmp_path: Path) -> None:
    out.mkdir()
    song = out / "Demo - vocals.wav"
    song.write_text("song")
    for make in (lambda link: link.symlink_to(song), lambda link: os.link(song, link), None):
        bound = tmp_path / "bound.wav" if make else song
        if make:
            make(bound)
        writer = OutputFolder(out, on_exist="replace", inputs=[bound]).song("Demo", "d1").writer("save", "k")
        with pytest.raises(OutputRefused, match="is an input of this run"), writer.output("vocals", "wav"):
            pytest.fail("the writer must not begin")
        if make:
            bound.unlink()
    assert files(out) == {"Demo - vocals.wav": "song"}


def test_a_number_does_not_lead_onto_an_input(out: Path) -> None:
    run(out, "zero").path.write_text("edited")
    bound = run(out, "song").path
    assert bound.name == "Demo - vocals (2).wav"
    folder = OutputFolder(out, inputs=[bound])
    assert save(folder.song("Demo", "d1"), "new").path.name == "Demo - vocals (3).wav"
    assert bound.read_text() == "song"


def test_an_input_folder_is_not_written(tmp_path: Path) -> None:
    stems = tmp_path / "out/stems"
    stems.mkdir(parents=True)
    with pytest.raises(OutputRefused, match="is an input of this run, or in one"):
        OutputFolder(stems / "new", inputs=[stems])
    writer = OutputFolder(tmp_path / "out", inputs=[stems]).song("Demo", "d1").writer("save", "k", "stems/{stem}")
    with pytest.raises(OutputRefused), writer.output("vocals", "wav"):
        pytest.fail("the writer must not begin")


def test_a_link_that_leads_out_is_refused(out: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    out.mkdir()
    (out / "Demo").symlink_to(outside)
    writer = OutputFolder(out).song("Demo", "d1").writer("save", "k", "{song}/deep/{stem}")
    with pytest.raises(OutputRefused, match="through a link"), writer.output("vocals", "wav"):
        pytest.fail("the writer must not begin")
    assert not any(outside.iterdir())


def test_the_output_folder_itself_may_be_a_link(out: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    out.symlink_to(tmp_path / "disk")
    assert run(out, "one").path == out / "Demo - vocals.wav"


def test_a_save_node_that_was_renamed_takes_over_its_files(out: Path) -> None:
    assert run(out, "one").status == "written"
    renamed = OutputFolder(out).song("Demo", "d1", nodes=("stems",))
    assert save(renamed, "two", node="stems").status == "replaced"
    assert [path.name for path in out.glob("*.wav")] == ["Demo - vocals.wav"]
    beside = OutputFolder(out).song("Demo", "d1", nodes=("save", "stems"))
    assert save(beside, "three").status == "numbered"
    assert (out / "Demo - vocals.wav").read_text() == "two"


def test_the_template_of_the_command_line_wins_and_both_are_checked(out: Path) -> None:
    with pytest.raises(OutputRefused):
        OutputFolder(out, template="../{stem}")
    song = OutputFolder(out).song("Demo", "d1")
    with pytest.raises(OutputRefused), song.writer("save", "k", "/{stem}").output("vocals", "wav"):
        pytest.fail("the writer must not begin")
    song = OutputFolder(out, template="{stem} 07").song("Demo", "d1")
    with song.writer("save", "k", "{stem}").output("vocals", "wav"):
        pass
    assert song.outputs[0].path.name == "vocals 07.wav"
    assert not any(path.name.startswith(".") for path in out.iterdir())


# The receipt


def test_the_receipt_tells_what_was_made_from_what(out: Path) -> None:
    song = OutputFolder(out).song("Demo", "d1")
    output = save(song, "one")
    song.finish(
        graph={"nodes": {"save": {}}},
        graph_hash="g1",
        inputs={"song": "i1"},
        scores={"vocals": {"si_sdr": 7.5}},
        libraries={"numpy": "2"},
    )
    text = (out / RECEIPT).read_text()
    data = json.loads(text)
    made = data["songs"]["d1"].pop("made")
    assert made.endswith("+00:00")
    assert data == {
        "format": "midistems-receipt",
        "version": 1,
        "graphs": {"g1": {"nodes": {"save": {}}}},
        "songs": {
            "d1": {
                "name": "Demo",
                "graph": "g1",
                "inputs": {"song": "i1"},
                "scores": {"vocals": {"si_sdr": 7.5}},
                "libraries": {"numpy": "2"},
            }
        },
        "outputs": {
            "Demo - vocals.wav": {
                "song": "d1",
                "song_name": "Demo",
                "node": "save",
                "stem": "vocals",
                "digest": output.digest,
                "bytes": 3,
                "key": "k",
                "graph": "g1",
            }
        },
    }
    assert str(out) not in text


def test_a_run_that_changes_nothing_leaves_the_receipt_untouched(out: Path) -> None:
    def one_run() -> int:
        song = OutputFolder(out).song("Demo", "d1")
        if song.current("save", "k") is None:
            save(song, "one")
        finish(song)
        return (out / RECEIPT).stat().st_ino

    assert one_run() == one_run()


def test_a_damaged_receipt_is_reported_and_its_files_are_kept(out: Path) -> None:
    run(out, "one")
    (out / RECEIPT).write_text('{"outputs": ')
    song = OutputFolder(out).song("Demo", "d1")
    assert song.current("save", "k") is None
    assert save(song, "two").status == "numbered"
    assert "midistems.json.damaged" in song.problems[0]
    assert files(out)["Demo - vocals.wav"] == "one"


def test_a_receipt_that_lies_about_a_link_is_not_current(out: Path, tmp_path: Path) -> None:
    run(out, "secret").path.rename(tmp_path / "secret.wav")
    (out / "Demo - vocals.wav").symlink_to(tmp_path / "secret.wav")
    assert OutputFolder(out).song("Demo", "d1").current("save", "k") is None


def test_without_a_receipt_nothing_is_left_beside_the_files_and_nothing_is_replaced(tmp_path: Path) -> None:
    for content, status in ((b"one", "written"), (b"one", "up to date"), (b"two", "numbered")):
        song = OutputFolder(tmp_path / "out", receipt=False).song("Demo", "digest")
        assert song.current("save", "key") is None
        writer = song.writer("save", "key")
        with writer.output("vocals", "wav") as file:
            assert file.receipt == ""
            file.path.write_bytes(content)
        writer.done()
        assert song.outputs[0].status == status
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Demo - vocals (2).wav", "Demo - vocals.wav"]


def test_one_song_in_two_folders_has_its_files_in_both(out: Path) -> None:
    for place in ("Album", "Best of"):
        folder = OutputFolder(out, template="{folder}/{stem}")
        assert folder.song("Demo", "d1", (), place).current("save", "k") is None
        output = save(folder.song("Demo", "d1", (), place), "one")
        assert (output.status, output.path) == ("written", out / place / "vocals.wav")
    found = OutputFolder(out, template="{folder}/{stem}").song("Demo", "d1", (), "Best of").current("save", "k") or []
    assert [output.path for output in found] == [out / "Best of/vocals.wav"]


def test_a_file_that_another_process_of_the_run_wrote_is_claimed(out: Path) -> None:
    run(out, "one")
    folder = OutputFolder(out, on_exist="replace")
    folder.claim(["Demo - vocals.wav"])
    assert save(folder.song("Demo", "d2"), "two").path == out / "Demo - vocals (2).wav"
    assert files(out) == {"Demo - vocals.wav": "one", "Demo - vocals (2).wav": "two"}
