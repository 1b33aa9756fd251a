"""What a song's files depend on, told without opening it: whatever changes them changes the fingerprint."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from command_line import graph_data

from midistems_graph.cli.batch.fingerprint import fingerprint, looks, with_files
from midistems_graph.cli.run_graph import parser
from midistems_graph.document.data import from_data
from midistems_graph.document.graph import Graph
from midistems_graph.node.library import installed

NODES = {"load": "io.load", "hpss": "separate.hpss", "save": "io.save"}


def graph() -> Graph:
    return from_data(graph_data(NODES, "load.out -> hpss.mixture", "hpss.out -> save.stems"))


def of(document: Graph, *arguments: str) -> str:
    return fingerprint(document, installed(), Path(), parser().parse_intermixed_args(["g", *arguments]))


def test_knobs_and_what_is_asked_for_change_it_and_what_is_only_shown_does_not() -> None:
    same = of(graph())
    assert same == of(replace(graph(), title="Another title"))
    assert same == of(graph(), "--jobs", "1", "--json", "--cache-dir", "elsewhere")
    others = [
        of(graph().with_knob("hpss", "harmonic_margin", 2.0)),
        of(graph(), "--only", "hpss"),
        of(graph(), "--window", "0:1"),
        of(graph(), "--name", "{stem}"),
    ]
    assert len({same, *others}) == 5


def test_further_files_change_it_by_their_looks(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(b"one")
    before = with_files("all", {"other": file})
    assert before == with_files("all", {"other": file}) != with_files("all", {})
    os.utime(file, (0, 4_000_000_000))
    assert before != with_files("all", {"other": file})
    folder = looks(tmp_path)
    (tmp_path / "b.wav").write_bytes(b"two")
    assert looks(tmp_path) != folder and looks(tmp_path / "gone.wav") is None
