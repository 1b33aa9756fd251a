"""Workflows of other programs: files in their formats, written for these tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.node import installed
from midistems_graph.rules.check import check
from midistems_graph.rules.onramps import ALGORITHMS, read_foreign

LIBRARY = installed()


def wires(graph: Graph) -> set[str]:
    return set(map(str, graph.edges))


def faults(graph: Graph) -> list[str]:
    """What is wrong apart from models that are not on this machine."""
    return [problem.message for problem in check(graph, LIBRARY) if "model" not in problem.message]


def written(folder: Path, name: str, data: Any) -> Path:
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


PRESETS = {
    "version": 1,
    "presets": {
        "bright": {
            "name": "Bright voices",
            "description": "Two families, the louder bin wins.",
            "models": ["first_roformer_v2.ckpt", "UVR-MDX-NET-Voc_FT.onnx"],
            "algorithm": "uvr_max_spec",
            "weights": None,
        },
        "even": {"models": ["a.onnx", "b.onnx", "c.onnx"], "algorithm": "avg_wave", "weights": [2, 1, 1]},
    },
}


def test_an_ensemble_preset_of_audio_separator(tmp_path: Path) -> None:
    found = read_foreign(written(tmp_path, "presets.json", PRESETS), "bright")
    assert found.graph.title == "Bright voices"
    assert found.graph.nodes["model_2"].knobs["model"] == "uvr-mdx-net-voc-ft"
    assert found.graph.nodes["ensemble"].type == "blend.ensemble_stft"
    assert found.graph.nodes["ensemble"].knobs == {"method": "max", "n_fft": 2048, "hop": 1024}
    assert wires(found.graph) >= {"song.out -> model_1.mixture", "model_2.out -> ensemble.estimates[1]"}
    assert faults(found.graph) == []
    assert any("first_roformer_v2.ckpt has to be in the library" in line for line in found.left_out)


def test_weights_are_kept_where_they_count_and_a_preset_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "presets.json", PRESETS)
    assert read_foreign(path, "even").graph.nodes["ensemble"].knobs["weights"] == (2.0, 1.0, 1.0)
    with pytest.raises(DocumentError, match=r"several presets; choose one with --preset: bright, even"):
        read_foreign(path)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_all_algorithms_are_nodes(name: str) -> None:
    type, knobs = ALGORITHMS[name]
    assert LIBRARY[type].settings(knobs)


WORKFLOW = """
version: 1
defaults: {output_format: m4a, inference_params: {normalize: false}}
steps:
  - id: split
    model: some_roformer
    stems: [Vocals, other]
    inference_params: {overlap_size: 4000, enable_tta: true}
    save: {other: band}
  - id: dry
    model_path: C:\\\\models\\\\dereverb.ckpt
    model_type: mel_band_roformer
    input: split.Vocals
    stems: [Dry]
    output_format: flac
    save: {Dry: ../../dry}
"""


def test_a_workflow_of_pymss(tmp_path: Path) -> None:
    found = read_foreign(written(tmp_path, "flow.yaml", WORKFLOW))
    graph = found.graph
    assert graph.nodes["split"].knobs == {"model": "some-roformer", "swap": True, "polarity": True}
    assert graph.nodes["dry"].knobs["model"] == "dereverb"
    assert wires(graph) >= {
        "split.out -> split_vocals.stems",
        "split_vocals.stem -> dry.mixture",
        "split_other.stem -> save_split_other.stems",
    }
    assert faults(graph) == []
    assert any("overlap_size = 4000" in line for line in found.left_out)
    assert any("m4a is not written" in line for line in found.left_out)
    assert "/" in str(graph.nodes["save_dry_dry"].knobs["name"]) and "../" not in str(graph.nodes["save_dry_dry"].knobs)


def box(
    id: int, type: str, inputs: dict[str, int], widgets: list[Any], outputs: int = 1, **more: Any
) -> dict[str, Any]:
    return {
        "id": id,
        "type": type,
        "pos": [100 * id, 50],
        "inputs": [{"name": name, "type": "AUDIO", "link": link} for name, link in inputs.items()],
        "outputs": [{"name": f"vocals{n} (Audio)", "type": "AUDIO"} for n in range(outputs)],
        "widgets_values": widgets,
        **more,
    }


COMFY = {
    "version": 0.4,
    "nodes": [
        box(1, "LoadAudio", {}, ["song.mp3"]),
        box(2, "AudioCrop", {"audio": 10}, ["0:00", "1:00"]),
        box(3, "AudioSeparation", {"audio": 11}, ["half_sine", 16, 0.1], 4),
        box(4, "AudioCombine", {"audio_1": 12, "audio_2": 13}, ["add"]),
        box(5, "SaveAudio", {"audio": 14}, ["audio/band"], title="Band"),
        box(6, "AudioMerge", {"audio1": 15, "audio2": 16}, ["subtract"]),
        box(7, "PreviewAudio", {"audio": 17}, []),
        box(8, "KSampler", {}, []),
    ],
    "links": [
        [10, 1, 0, 2, 0, "AUDIO"], [11, 2, 0, 3, 0, "AUDIO"], [12, 3, 0, 4, 0, "AUDIO"], [13, 3, 1, 4, 1, "AUDIO"],
        [14, 4, 0, 5, 0, "AUDIO"], [15, 1, 0, 6, 0, "AUDIO"], [16, 3, 3, 6, 1, "AUDIO"], [17, 6, 0, 7, 0, "AUDIO"],
    ],
}  # fmt: skip


def test_a_workflow_of_comfyui(tmp_path: Path) -> None:
    found = read_foreign(written(tmp_path, "comfy.json", COMFY))
    graph = found.graph
    assert wires(graph) >= {
        "load_1.out -> network_3.mixture",  # what was between them has no counterpart
        "network_3_bass.stem -> mix_4.signals[0]",
        "network_3_drums.stem -> mix_4.signals[1]",
        "load_1.out -> residual_6.mixture",
        "network_3_vocals.stem -> residual_6.parts[0]",
        "residual_6.out -> save_7.stems",
    }
    assert graph.nodes["save_5"].knobs == {"stem": "Band", "format": "flac"}
    assert graph.view.nodes["load_1"] == (100, 50)
    assert faults(graph) == []
    told = " ".join(found.left_out)
    assert "AudioCrop (2)" in told and "KSampler (8)" in told and "htdemucs is in its place" in told


def test_an_ensemble_of_comfy_mss(tmp_path: Path) -> None:
    data = {
        "nodes": [
            box(1, "pymss_load_audio", {}, ["in.wav"], 2),
            box(2, "mss_separate", {"audio": 1}, ["Big Model.ckpt"], 2),
            box(3, "mss_separate", {"audio": 2}, ["other.ckpt"], 2),
            box(4, "pymss_audio_ensemble", {"audio_1": 3, "audio_2": 4}, ["2", "min_fft", "1", "1"]),
            box(5, "pymss_save_audio", {"audio": 5}, ["wav"]),
        ],
        "links": [
            [1, 1, 0, 2, 0, ""],
            [2, 1, 0, 3, 0, ""],
            [3, 2, 0, 4, 0, ""],
            [4, 3, 0, 4, 1, ""],
            [5, 4, 0, 5, 0, ""],
        ],
    }
    found = read_foreign(written(tmp_path, "mss.json", data))
    assert found.graph.nodes["ensemble_stft_4"].knobs == {"method": "min"}
    assert found.graph.nodes["network_2"].knobs["model"] == "big-model"
    assert faults(found.graph) == []


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.json", "{", "is not JSON"),
        ("a.yaml", "a: [", "is not YAML"),
        ("a.json", "[1]", "no ensemble preset"),
        ("a.json", '{"nodes": []}', "nothing to import"),
        ("a.json", '{"nodes": [{"id": 1}]}', "damaged"),
        ("a.yaml", "steps: [{id: a, model: m, input: b.c}]", "begins with b"),
        ("a.yaml", "steps: [!!python/object/apply:os.system ['true']]", "is not YAML"),
    ],
)
def test_what_is_none_is_said(name: str, text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=reason):
        read_foreign(written(tmp_path, name, text))
