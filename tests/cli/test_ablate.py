"""The ablation map: what every node adds, in the table and on the picture."""

from __future__ import annotations

import csv
from pathlib import Path
from xml.etree import ElementTree

import pytest
from command_line import Program, write_graph, write_song


@pytest.fixture
def graph(home: Path) -> Path:
    write_song(home / "a.wav", seconds=1, rate=8000, channels=1)
    nodes = {"load": "io.load", "louder": ("filter.gain", {"gain": 6.0}), "softer": ("filter.gain", {"gain": -2.0}),
             "hpss": ("separate.hpss", {"n_fft": 512, "hop": 128}), "pick": ("stems.pick", {"name": "harmonic"}),
             "level": "measure.loudness", "save": "io.save"}  # fmt: skip
    return write_graph(
        home / "g.json", nodes, "load.out -> louder.signal", "louder.out -> softer.signal",
        "softer.out -> hpss.mixture", "hpss.out -> pick.stems", "pick.stem -> level.audio",
        "hpss.out -> save.stems", title="<script>alert(1)</script>",
    )  # fmt: skip


def test_every_node_is_switched_off_once_and_what_it_adds_is_told(midistems: Program, graph: Path) -> None:
    ended = midistems("ablate", graph, "a.wav", "--score", "level.peak")
    assert ended.code == 0, ended.err
    table = {row["node"]: row for row in csv.DictReader(Path("ablation/ablation.csv").read_text("utf-8").splitlines())}
    assert list(table) == ["the whole graph", "louder", "softer", "hpss", "pick"]
    assert [row["off by"] for row in table.values()] == ["", "bypassed", "bypassed", "muted", "muted"]
    assert float(table["louder"]["adds level.peak"]) == pytest.approx(6, abs=0.01)
    assert float(table["softer"]["adds level.peak"]) == pytest.approx(-2, abs=0.01)
    assert table["pick"]["adds level.peak"] == "inf"
    assert midistems("ablate", graph, "a.wav", "--score", "level.peak").err.count("5 of 5 are known already") == 1


def test_the_picture_has_a_tag_on_every_node_and_the_page_is_inert(midistems: Program, graph: Path) -> None:
    midistems("ablate", graph, "a.wav", "--score", "level.peak:min")
    picture = Path("ablation/ablation.svg").read_text()
    ElementTree.fromstring(picture)
    assert ">-6.00<" in picture and ">+2.00<" in picture
    page = Path("ablation/ablation.html").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page and ">-6.00<" in page


def test_nodes_inside_a_group_are_switched_off_in_all_its_instances(midistems: Program, home: Path) -> None:
    write_song(home / "a.wav", seconds=1, rate=8000, channels=1)
    inner = {"nodes": {"up": {"type": "filter.gain", "knobs": {"gain": 3.0}},
                       "down": {"type": "filter.gain", "knobs": {"gain": -1.0}}},
             "edges": [{"from": "up.out", "to": "down.signal"}],
             "inputs": {"in": ["up.signal"]}, "outputs": {"out": "down.out"}}  # fmt: skip
    made = write_graph(
        home / "g.json", {"load": "io.load", "one": "group:louder", "two": "group:louder", "level": "measure.loudness"},
        "load.out -> one.in", "one.out -> two.in", "two.out -> level.audio", groups={"louder": inner},
    )  # fmt: skip
    ended = midistems("ablate", made, "a.wav", "--score", "level.peak")
    assert ended.code == 0, ended.err
    table = {row["node"]: row for row in csv.DictReader(Path("ablation/ablation.csv").read_text("utf-8").splitlines())}
    adds = {node: round(float(row["adds level.peak"]), 2) for node, row in table.items() if row["off by"]}
    assert adds == {"one": 2, "two": 2, "group:louder/up": 6, "group:louder/down": -2}
    assert table["group:louder/up"]["type"] == "filter.gain"


def test_a_sweep_is_not_continued_as_a_map(midistems: Program, graph: Path) -> None:
    midistems("ablate", graph, "a.wav", "--score", "level.peak")
    assert "holds an ablation map" in midistems("bake", "ablation", "-o", "x.json").err
