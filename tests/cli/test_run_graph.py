"""run-graph on small songs: files, scores, second runs, batches, what is said where."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest
import soundfile
from command_line import SPLIT, SPLIT_EDGES, Program, write_graph, write_song

from midistems_graph.cli import result

SCHEMA = json.loads(Path(result.__file__).with_name("result.schema.json").read_text())
STEMS = ("harmonic", "percussive", "residual")


def test_stems_are_written_and_sum_to_the_song(run: Program, split: Path, song: Path) -> None:
    ended = run(split, song, "-o", "out")
    assert ended.code == 0
    mixture, _ = soundfile.read(song, dtype="float32")
    stems = [soundfile.read(f"out/song - {name}.wav", dtype="float32")[0] for name in STEMS]
    assert np.abs(np.sum(stems, axis=0) - mixture).max() < 1e-6


def test_results_go_to_stdout_and_progress_to_stderr(run: Program, split: Path, song: Path) -> None:
    ended = run(split, song, "-o", "out")
    assert all(f"out/song - {name}.wav" in ended.out for name in STEMS)
    assert "null" in ended.out and "dB" in ended.out
    assert "hpss: ran" in ended.err and "hpss: ran" not in ended.out


def test_a_second_run_has_nothing_to_do(run: Program, split: Path, song: Path) -> None:
    run(split, song, "-o", "out")
    ended = run(split, song, "-o", "out", "--json")
    assert "nothing to do" in ended.err
    assert {output["status"] for output in ended.json["outputs"]} == {"up to date"}
    assert {node["status"] for node in ended.json["nodes"]} == {"cached", "up to date"}


@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--set", "hpss.n_fft=0"], ["--no-such-option"]])
def test_json_keeps_its_schema(run: Program, split: Path, song: Path, more: list[str]) -> None:
    ended = run(split, song, "-o", "out", "--json", *more)
    jsonschema.validate(ended.json, SCHEMA)
    assert ended.json["exit_code"] == ended.code
    assert bool(ended.json["outputs"]) == (not more)


def test_a_changed_knob_runs_only_what_is_below_it(run: Program, split: Path, song: Path) -> None:
    run(split, song, "-o", "out")
    ended = run(split, song, "-o", "out", "--json", "--set", "hpss.harmonic_margin=2", "-v")
    statuses = {node["id"]: node["status"] for node in ended.json["nodes"]}
    assert statuses == {"load": "cached", "hpss": "ran", "null": "ran", "save": "ran"}
    assert "knob harmonic_margin: 1.0 -> 2.0" in ended.err


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("hpss.n_fft=1", "'n_fft' cannot be 1; allowed: 16 to 65536 samples"),
        ("hpss.n_fft=banana", "'banana'"),
        ("hpss.nfft=2048", "did you mean n_fft"),
        ("hps.n_fft=2048", "did you mean hpss"),
        ("hpss.masks=blurry", "one of soft, hard"),
        ("hpss", "write --set node.knob=value"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(
    run: Program, split: Path, song: Path, setting: str, words: str
) -> None:
    ended = run(split, song, "--set", setting)
    assert ended.code == 2
    assert words in ended.err and len(ended.sentences) == 1
    assert not Path("stems").exists()


def test_dry_run_writes_nothing_and_knows_what_is_there(run: Program, split: Path, song: Path) -> None:
    first = run(split, song, "-o", "out", "--dry-run", "--json").json["forecast"][0]
    assert first["cached"] == 0 and not Path("out").exists()
    run(split, song, "-o", "out")
    before = {path: path.stat().st_mtime_ns for path in Path("out").iterdir()}
    second = run(split, song, "-o", "out", "--dry-run", "--json").json["forecast"][0]
    assert all(node["cached"] == node["units"] for node in second["nodes"] if not node["writes"])
    assert before == {path: path.stat().st_mtime_ns for path in Path("out").iterdir()}


@pytest.mark.parametrize("name", ["{title}", "../{stem}"])
def test_dry_run_checks_names_too(run: Program, split: Path, song: Path, name: str) -> None:
    assert run(split, song, "-o", "out", "--dry-run", "--name", name).code == 6 and not Path("out").exists()


def test_only_a_node_writes_what_it_gives(run: Program, split: Path, song: Path) -> None:
    ended = run(split, song, "-o", "out", "--only", "load", "--json")
    assert ended.code == 0
    assert [output["stem"] for output in ended.json["outputs"]] == ["load"]
    assert {node["type"] for node in ended.json["nodes"]} == {"io.load", "io.save"}
    written, _ = soundfile.read(ended.json["outputs"][0]["path"], dtype="float32")
    assert np.array_equal(written, soundfile.read(song, dtype="float32")[0])


def test_only_a_spectrogram_is_heard_through_its_inverse(run: Program, home: Path, song: Path) -> None:
    graph = write_graph(home / "s.json", {"load": "io.load", "stft": "transform.stft"}, "load.out -> stft.audio")
    ended = run(graph, song, "-o", "out", "--only", "stft.out", "--json")
    written, _ = soundfile.read(ended.json["outputs"][0]["path"], dtype="float32")
    assert np.abs(written - soundfile.read(song, dtype="float32")[0]).max() < 1e-5


def test_only_something_unknown_is_refused_with_what_there_is(run: Program, split: Path, song: Path) -> None:
    assert "did you mean hpss?" in run(split, song, "--only", "hps").err
    assert "there are: hpss, load, null, save" in run(split, song, "--only", "zzz").err


def test_only_a_measure_prints_its_figure(run: Program, split: Path, song: Path) -> None:
    ended = run(split, song, "-o", "out", "--only", "null", "--json")
    assert ended.json["scores"][0]["value"] < -120 and not Path("out").exists()


def test_a_window_writes_just_that_stretch(run: Program, copy: Path, song: Path) -> None:
    run(copy, song, "-o", "out", "--window", "0.25:0.75")
    whole, _ = soundfile.read(song, dtype="float32")
    assert np.array_equal(soundfile.read("out/song - audio.wav", dtype="float32")[0], whole[11025:33075])


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_window_that_reaches_beyond_the_song_says_so(run: Program, copy: Path, song: Path, more: list[str]) -> None:
    ended = run(copy, song, "-o", "out", "--window", "0.25:60", *more)
    assert ended.code == 0 and "--window reaches beyond the song, which ends after 1" in ended.err


def test_a_trace_says_what_was_at_work_when(run: Program, copy: Path, song: Path) -> None:
    ended = run(copy, song, "--trace", "trace.json")
    assert ended.code == 0 and "trace.json" in ended.err
    bars = [bar for bar in json.loads(Path("trace.json").read_text())["traceEvents"] if bar["ph"] == "X"]
    assert {bar["name"] for bar in bars} == {"load", "save"} and all(bar["dur"] > 0 for bar in bars)


def test_formats_and_names_can_be_chosen(run: Program, split: Path, song: Path) -> None:
    ended = run(split, song, "-o", "out", "--format", "flac", "--name", "{song}/{stem}")
    assert ended.code == 0 and soundfile.info("out/song/harmonic.flac").subtype == "PCM_24"


def test_true_stems_give_scores_beside_the_mixtures(run: Program, split: Path, song: Path) -> None:
    true = Path("true")
    true.mkdir()
    write_song(true / "harmonic.wav", seed=1)
    write_song(true / "percussive.wav", seed=2)
    ended = run(split, song, "-o", "out", "--reference", true, "--json")
    assert ended.code == 0
    rows = {(score["node"], score["row"]) for score in ended.json["scores"] if score["name"] == "si_sdr"}
    assert rows == {(node, row) for node in ("compare_save", "compare_mixture") for row in ("harmonic", "percussive")}
    assert "SI-SDR" in run(split, song, "-o", "out", "--reference", true).out


def test_two_sets_of_equal_stem_names_each_show_their_own_scores(run: Program, home: Path, song: Path) -> None:
    (home / "true").mkdir()
    write_song(home / "true" / "harmonic.wav", seed=1)
    nodes = {
        **SPLIT,
        "soft": ("separate.hpss", {"harmonic_margin": 3.0}),
        "other": ("io.save", {"name": "soft {stem}"}),
    }
    graph = write_graph(home / "two.json", nodes, *SPLIT_EDGES, "load.out -> soft.mixture", "soft.out -> other.stems")
    out = run(graph, song, "-o", "out", "--reference", home / "true").out
    shown = [line.split()[-4] for line in out.splitlines() if line.startswith("harmonic")]
    assert len(set(shown)) == 2


def test_one_bad_song_does_not_stop_the_others(run: Program, copy: Path, home: Path) -> None:
    songs = home / "songs"
    songs.mkdir()
    write_song(songs / "a.wav", seed=1)
    (songs / "b.wav").write_bytes(b"no sound")
    write_song(songs / "c.wav", seed=2)
    ended = run(copy, songs, "-o", "out")
    assert ended.code == 9
    assert {path.name for path in Path("out").glob("*.wav")} == {"a - audio.wav", "c - audio.wav"}
    assert len(ended.sentences) == 1 and "b.wav" in ended.sentences[0]
    assert "2 of 3 songs are done, 1 failed" in ended.err


def test_songs_of_the_same_name_do_not_overwrite_each_other(run: Program, copy: Path, home: Path) -> None:
    for number in (1, 2):
        (home / str(number)).mkdir()
        write_song(home / str(number) / "song.wav", seed=number)
    ended = run(copy, "1/song.wav", "2/song.wav", "-o", "out", "--json")
    assert ended.code == 0
    written = {Path(output["path"]).read_bytes() for output in ended.json["outputs"]}
    assert len(written) == 2


def test_quiet_says_nothing_when_all_is_well(run: Program, copy: Path, song: Path) -> None:
    ended = run(copy, song, "-o", "out", "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
