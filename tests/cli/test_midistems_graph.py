"""midistems-graph: node types, graph files, the store, the installation."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from command_line import SPLIT, SPLIT_EDGES, Program, write_graph, write_song

from midistems_graph.node import installed


def test_all_node_types_are_listed(midistems: Program) -> None:
    listed = [line.split()[0] for line in midistems("nodes").out.splitlines()]
    assert listed == list(installed().types)
    assert [one["id"] for one in json.loads(midistems("nodes", "--json").out)] == listed


def test_a_node_types_page_has_its_knobs_with_what_is_allowed(midistems: Program) -> None:
    page = midistems("nodes", "separate.hpss").out
    assert "n_fft = 2048  (16 to 65536 samples)" in page and "mixture: audio" in page


def test_an_unknown_node_type_is_refused_with_the_nearest(midistems: Program) -> None:
    ended = midistems("nodes", "separate.hps")
    assert ended.code == 2 and "separate.hpss" in ended.err


def test_check_tells_errors_from_hints(midistems: Program, split: Path, home: Path) -> None:
    assert midistems("graph", "check", split).out.splitlines()[-1] == "the graph is sound"
    bad = write_graph(home / "bad.json", SPLIT, *SPLIT_EDGES[1:])
    ended = midistems("graph", "check", bad)
    assert ended.code == 3 and "error: " in ended.out


def test_converting_there_and_back_changes_nothing(midistems: Program, split: Path, home: Path) -> None:
    assert midistems("graph", "convert", split, "g.mgraph").code == 0
    assert midistems("graph", "convert", "g.mgraph", "back.json").code == 0
    ended = midistems("graph", "diff", split, "back.json")
    assert (ended.code, ended.out) == (0, "")


def test_diff_says_what_changed(midistems: Program, split: Path, home: Path) -> None:
    other = write_graph(home / "other.json", SPLIT | {"hpss": ("separate.hpss", {"n_fft": 4096, "hop": 256})},
                        *SPLIT_EDGES, title="Split")  # fmt: skip
    assert midistems("graph", "diff", split, other).out == "knob hpss.n_fft: 1024 -> 4096\n"


@pytest.mark.parametrize(("format", "begins"), [("svg", "<svg"), ("dot", "digraph"), ("mermaid", "flowchart"),
                                                ("text", "Split")])  # fmt: skip
def test_a_graph_is_drawn(midistems: Program, split: Path, format: str, begins: str) -> None:
    assert midistems("graph", "show", split, "--format", format).out.startswith(begins)


def test_a_graph_as_text_has_values_and_places_as_they_are_typed(midistems: Program, home: Path) -> None:
    graph = write_graph(home / "g.json", {"load": "io.load", "set": ("stems.gather", {"names": ["a", "b"],
        "complete": True}), "save": "io.save"}, "load.out -> set.parts[0]", "load.out -> set.parts[1]",
        "set.out -> save.stems")  # fmt: skip
    shown = midistems("graph", "show", graph).out
    assert "names = a,b" in shown and "complete = true" in shown and "parts[1] <- load.out" in shown


def test_a_drawing_goes_into_a_file(midistems: Program, split: Path, home: Path) -> None:
    assert midistems("graph", "show", split, "--format", "svg", "-o", "g.svg").code == 0
    ElementTree.parse(home / "g.svg")
    assert midistems("graph", "show", split, "--format", "svg", "-o", "no/g.svg").code == 6


def test_the_store_is_measured_and_cleared_by_song(
    run: Program, midistems: Program, copy: Path, song: Path, home: Path
) -> None:
    assert "no store" in midistems("cache").out
    other = write_song(home / "other.wav", seed=3)
    run(copy, song, other, "-o", "out")
    assert len(re.findall("song ", midistems("cache").out)) == 2
    midistems("cache", "clear", "--song", other)
    assert len(re.findall("song ", midistems("cache").out)) == 1
    assert midistems("cache", "clear").code == 0
    assert "song " not in midistems("cache").out


def test_the_limit_of_the_store_is_set_once_for_all_runs(
    run: Program, midistems: Program, copy: Path, song: Path
) -> None:
    assert "of at most 1.0 MB" in midistems("cache", "limit", "1000k").out
    assert run(copy, song, "-o", "out").code == 0
    told = re.search(r"store: (.*) of at most 1.0 MB", midistems("cache").out)
    assert told and (told[1].endswith("kB") or told[1] == "1.0 MB")


def test_the_store_can_be_named_before_and_after_the_verb(
    run: Program, midistems: Program, copy: Path, song: Path
) -> None:
    assert run(copy, song, "--cache-dir", "mine").code == 0
    for words in (["--cache-dir", "mine", "verify"], ["verify", "--cache-dir", "mine"], ["--cache-dir", "mine"],
                  ["size", "--cache-dir", "mine"], ["why", "load", "--cache-dir", "mine"]):  # fmt: skip
        ended = midistems("cache", *words)
        assert ended.code == 0 and ended.out and "no store" not in ended.out


def test_why_a_node_ran_last(run: Program, midistems: Program, split: Path, song: Path) -> None:
    run(split, song, "-o", "out")
    assert "not been computed before" in midistems("cache", "why", "hpss").out
    run(split, song, "-o", "out", "--set", "hpss.harmonic_margin=2")
    assert "knob harmonic_margin: 1.0 -> 2.0" in midistems("cache", "why", "hpss").out
    assert midistems("cache", "why", "nothing").code == 2


def test_the_doctor_names_versions_and_places(midistems: Program) -> None:
    ended = midistems("doctor")
    assert ended.code == 0
    assert all(word in ended.out for word in ("python", "numpy", "libsndfile", "store", "log file"))


def facts(midistems: Program) -> dict[str, str]:
    return dict(re.split(r": +", line, maxsplit=1) for line in midistems("doctor").out.splitlines())


def test_the_doctor_says_what_works_and_what_does_not(
    midistems: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDISTEMS_MODELS", str(home / "models"))
    monkeypatch.delenv("DISPLAY", raising=False)
    found = facts(midistems)
    assert found["networks run on"].startswith("cpu")
    assert found["models"] == f"0 in {home / 'models'}"
    assert found["display"].startswith("no window: ")
    assert found["sound"]
    (home / "models" / "broken").mkdir(parents=True)
    (home / "models" / "broken" / "model.toml").write_text("nonsense")
    assert "1 in" in facts(midistems)["models"] and "no TOML" in facts(midistems)["models"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_the_doctor_finds_a_store_that_cannot_be_written(
    midistems: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.chmod(0o500)
    monkeypatch.setenv("MIDISTEMS_STORE", str(home / "store"))
    assert "cannot be written" in facts(midistems)["store"]


def test_a_graph_goes_through_python_and_back(midistems: Program, run: Program, home: Path, split: Path) -> None:
    assert midistems("graph", "export", split, "--python", "-o", "split.py").code == 0
    assert midistems("graph", "convert", "split.py", "back.json").code == 0
    assert midistems("graph", "diff", split, "back.json").out == ""
    assert midistems("graph", "export", "four_stems", "--python").out.startswith("#!/usr/bin/env python3")
    song = write_song(home / "song.wav")
    assert run("split.py", song, "-o", "out").code == 0
    assert list((home / "out").glob("*.wav"))


def test_an_output_gives_its_graph_back(midistems: Program, run: Program, home: Path, split: Path) -> None:
    assert run(split, write_song(home / "song.wav"), "-o", "out").code == 0
    first, *_ = sorted((home / "out").glob("*.wav"))
    assert midistems("graph", "from", str(first), "-o", "again.json").code == 0
    assert midistems("graph", "diff", split, "again.json").out == ""
    renamed = first.rename(home / "out" / "my vocals.wav")
    assert '"format": "midistems-graph"' in midistems("graph", "from", str(renamed)).out
    alone = renamed.rename(home / "alone.wav")
    ended = midistems("graph", "from", str(alone))
    assert ended.code == 4 and "no receipt" in ended.err


def test_a_foreign_workflow_becomes_a_graph_with_a_list_of_what_it_lacks(midistems: Program, home: Path) -> None:
    (home / "flow.yaml").write_text("steps: [{id: a, model: m.ckpt, stems: [vocals], save: {vocals: out}}]")
    ended = midistems("graph", "import", "flow.yaml", "-o", "flow.json")
    assert ended.code == 0 and "note: the model m.ckpt has to be in the library as m" in ended.out
    assert "separate.network" in (home / "flow.json").read_text()
    assert midistems("graph", "import", "flow.json", "-o", "again.json").code == 3
