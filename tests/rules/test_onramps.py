"""Workflows of other programs: files in their formats, written for these tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.node import installed
from midistems_graph.rules.check import check
from midistems_graph.rules.onramp_draft import ALGORITHMS
from midistems_graph.rules.onramps import read_foreign

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
        "odd": {"models": ["a.onnx", "b.onnx"], "algorithm": "avg_fft", "weights": [2, 1, 1]},
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
    odd = read_foreign(path, "odd")  # the program itself falls back to equal weights
    assert odd.graph.nodes["ensemble"].knobs == {"method": "average", "n_fft": 2048, "hop": 1024}
    assert any("the weights 2, 1, 1 were left out" in line for line in odd.left_out)
    with pytest.raises(DocumentError, match=r"several presets; choose one with --preset: bright, even, odd"):
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
    save: {other: [band, "", again], Vocals: null}
  - id: dry
    model_path: C:\\\\models\\\\dereverb.ckpt
    model_type: mel_band_roformer
    input: split.Vocals
    stems: [Dry, Room]
    output_format: flac
    save: {Dry: ../../dry, Room: true}
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
    saved = {id: str(node.knobs["name"]) for id, node in graph.nodes.items() if node.type == "io.save"}
    assert {id: name for id, name in saved.items() if id != "save_dry_dry"} == {
        "save_split_other": "band/{song}_other",
        "save_split_other_2": "again/{song}_other",
        "save_dry_reverb": "dry/{song}_Room",
    }
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


def stems(*names: str) -> list[dict[str, Any]]:
    """Outputs as comfy-mss has them: after each sound the name of its stem."""
    return [{"name": f"{name} ({kind})", "type": kind.upper()} for name in names for kind in ("Audio", "String")]


def from_one_to_the_next(*ends: tuple[int, int, int, int]) -> list[list[Any]]:
    """Links by number, from 1 on: (box, output, box, input)."""
    return [[number, *end, "AUDIO"] for number, end in enumerate(ends, 1)]


def test_an_ensemble_of_comfy_mss(tmp_path: Path) -> None:
    data = {
        "nodes": [
            box(1, "pymss_load_audio", {}, ["in.wav", None], 2),
            box(2, "mss_separate", {"audio": 1, "params": 9}, ["[vocals] Big Model.ckpt", "auto"],
                outputs=0) | {"outputs": stems("vocals", "other")},
            box(3, "vr_separate", {"audio": 2}, ["[legacy_vr/vocal_extraction] 4_HP.pth"],
                outputs=0) | {"outputs": stems("Vocals", "Instrumental")},
            box(4, "pymss_audio_ensemble", {"audio_1": 3, "audio_2": 4}, ["2", "avg_fft", "2", "1", "1"]),
            box(5, "pymss_save_audio", {"audio": 5, "filename": None}, ["flac", "Default", "44100"]),
            box(6, "pymss_audio_invert_phase", {"a": 6}, []),
            box(7, "pymss_save_audio", {"audio": 7}, ["m4a"]),
        ],
        "links": from_one_to_the_next(
            (1, 0, 2, 0), (1, 0, 3, 0), (2, 0, 4, 0), (3, 0, 4, 1), (4, 0, 5, 0), (3, 2, 6, 0), (6, 0, 7, 0)
        ),
    }  # fmt: skip
    found = read_foreign(written(tmp_path, "mss.json", data))
    nodes = found.graph.nodes
    assert nodes["ensemble_stft_4"].knobs == {"method": "average", "n_fft": 2048, "hop": 1024, "weights": (2.0, 1.0)}
    assert (nodes["network_2"].knobs["model"], nodes["network_3"].knobs["model"]) == ("big-model", "4-hp")
    assert (nodes["save_5"].knobs["format"], nodes["save_7"].knobs["format"]) == ("flac", "flac")
    assert wires(found.graph) >= {
        "network_2_vocals.stem -> ensemble_stft_4.estimates[0]",
        "network_3_instrumental.stem -> gain_6.signal",
    }
    assert nodes["gain_6"].knobs == {"invert": True}
    assert any("m4a is not written" in line for line in found.left_out)
    assert faults(found.graph) == []


def test_further_files_switched_off_boxes_and_lists_of_stems(tmp_path: Path) -> None:
    ends = ((1, 0, 2, 0), (1, 0, 3, 0), (4, 0, 5, 0), (5, 0, 6, 0), (7, 0, 8, 1), (3, 0, 8, 0), (8, 1, 9, 0),
            (8, 0, 10, 0))  # fmt: skip
    by_name = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    data = {
        "nodes": [
            box(1, "LoadAudio", {}, ["song.wav"]),
            box(2, "mss_separate_list", {"audio": 1}, ["[karaoke] lead.ckpt"], 2),
            box(3, "AudioAdjustVolume", {"audio": 2}, [-6], mode=4),
            box(4, "LoadAudio", {}, ["other.wav"]),
            box(5, "AudioAdjustVolume", {"audio": 3}, [-6], mode=2),
            box(6, "SaveAudio", {"audio": 4}, [""]),
            box(7, "MelBandRoFormerModelLoader", {}, ["Mel\\Roformer_fp16.safetensors"]),
            box(8, "MelBandRoFormerSampler", {"model": 5, "audio": 6}, [], 2),
            box(9, "SaveAudio", {"audio": 7}, [""]),
            box(10, "SaveAudio", {"audio": 8}, [""], mode=4),
            box(11, "LoadAudio", {}, ["other.wav"]),
            box(12, "PreviewAudio", {"audio": 9}, []),
            box(13, "pymss_save_audio", {"audio": 10}, ["mp3"]),
        ],
        "links": [
            *(dict(zip(by_name, link, strict=True)) for link in from_one_to_the_next(*ends)),
            *({str(place): one for place, one in enumerate(link)} for link in ([9, 11, 0, 12, 0], [10, 2, 0, 13, 0])),
        ],
    }
    found = read_foreign(written(tmp_path, "more.json", data))
    assert wires(found.graph) == {
        "load_1.out -> network_2.mixture",
        "network_2.out -> save_13.stems",
        "load_1.out -> network_8.mixture",  # the box between passes on what it gets
        "network_8.out -> network_8_instrumental.stems",
        "network_8_instrumental.stem -> save_9.stems",
        "load_11.out -> save_12.stems",
    }
    assert found.graph.nodes["network_8"].knobs["model"] == "roformer-fp16"
    assert found.graph.nodes["load_11"].knobs == {"input": "input_2"}
    assert found.graph.inputs["input_2"].description == "other.wav"
    assert any("box AudioAdjustVolume (5) is switched off" in line for line in found.left_out)
    assert faults(found.graph) == []


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.json", "{", "is not JSON"),
        ("a.yaml", "a: [", "is not YAML"),
        ("a.json", "[1]", "no ensemble preset"),
        ("a.json", '{"nodes": []}', "nothing to import"),
        ("a.json", '{"1": {"class_type": "LoadAudio", "inputs": {}}}', "save the workflow itself"),
        ("a.json", '{"nodes": [{"id": 1}]}', "damaged"),
        ("a.yaml", "steps: [{id: a, model: m, input: b.c}]", "begins with b"),
        ("a.yaml", "steps: [!!python/object/apply:os.system ['true']]", "is not YAML"),
    ],
)
def test_what_is_none_is_said(name: str, text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=reason):
        read_foreign(written(tmp_path, name, text))
