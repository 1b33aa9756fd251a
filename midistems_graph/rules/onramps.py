"""Graphs of other programs as graphs of ours, as far as nodes correspond, with a list of what did not.

    found = read_foreign(Path("ensemble_presets.json"), preset="vocal_balanced")
    found.graph, found.left_out

Read are presets of audio-separator (JSON: models and an algorithm), workflows of pymss (YAML: steps of models), and
workflows of ComfyUI with nodes for audio separation (JSON: boxes and links). Only data is read. Nothing is guessed in
silence: every box, setting and model that has no counterpart is in the list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from midistems_graph.audio.stem_names import canonical
from midistems_graph.document.data import from_data
from midistems_graph.document.encoding import MAX_BYTES
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.document.migrations import FORMAT, VERSION

ALGORITHMS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "avg_wave": ("blend.ensemble", {"method": "average"}),
    "median_wave": ("blend.ensemble", {"method": "median"}),
    "min_wave": ("blend.ensemble", {"method": "min"}),
    "max_wave": ("blend.ensemble", {"method": "max"}),
    "avg_fft": ("blend.ensemble_stft", {"method": "average"}),
    "median_fft": ("blend.ensemble_stft", {"method": "median"}),
    "min_fft": ("blend.ensemble_stft", {"method": "min"}),
    "max_fft": ("blend.ensemble_stft", {"method": "max"}),
    "uvr_min_spec": ("blend.ensemble_stft", {"method": "min", "n_fft": 2048, "hop": 1024}),
    "uvr_max_spec": ("blend.ensemble_stft", {"method": "max", "n_fft": 2048, "hop": 1024}),
    "ensemble_wav": ("blend.quietest", {}),
}
"""Ensembles by the names that audio-separator, MSST and pymss give them."""

_DEMUCS = ("bass", "drums", "other", "vocals")  # the outputs of ComfyUI's AudioSeparation, in its order
_FORMATS = {"wav": "wav", "flac": "flac", "mp3": "mp3", "opus": "opus"}


@dataclass(frozen=True)
class Imported:
    """A graph that was made of a foreign one, and sentences about what it lacks."""

    graph: Graph
    left_out: tuple[str, ...]


def read_foreign(path: Path, preset: str = "") -> Imported:
    """The graph in a file of another program. `preset` chooses among several. Raises DocumentError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise DocumentError(f"{path} is too big for a workflow")
    data = _parsed(path, raw)
    known: list[tuple[str, Callable[[Any], bool], Callable[[Mapping[str, Any], str], Imported]]] = [
        ("presets", lambda found: isinstance(found, Mapping), from_audio_separator),
        ("steps", lambda found: isinstance(found, list), lambda whole, _: from_pymss(whole, path.stem)),
        ("nodes", lambda found: isinstance(found, list), lambda whole, _: from_comfyui(whole, path.stem)),
    ]
    for field_name, fits, read in known:
        if isinstance(data, dict) and fits(data.get(field_name)):
            try:
                return read(data, preset)
            except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
                if isinstance(error, DocumentError):
                    raise DocumentError(f"{path}: {error}") from error
                raise DocumentError(f"{path} is damaged, or of a version that is not known here") from error
    raise DocumentError(f"{path} is no ensemble preset of audio-separator and no workflow of pymss or ComfyUI")


def _parsed(path: Path, raw: bytes) -> Any:
    try:
        if path.suffix.lower() in (".yaml", ".yml"):
            import yaml

            try:
                return yaml.safe_load(raw)
            except yaml.YAMLError as error:
                raise DocumentError(f"{path} is not YAML: {' '.join(str(error).split())[:200]}") from None
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError(f"{path} is not JSON: {str(error)[:200]}") from None


@dataclass
class _Draft:
    """A graph in the making: nodes and edges as a file has them."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: list[dict[str, str]] = field(default_factory=list)
    places: dict[str, list[float]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def add(self, wanted: str, type: str, label: str = "", **knobs: Any) -> str:
        """A node under the wanted id, or that with a number; its id."""
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", wanted).strip("_-")[:56] or "node"
        plain = plain if plain[0].isalpha() or plain[0] == "_" else "n_" + plain
        number, id = 2, plain
        while id in self.nodes:
            number, id = number + 1, f"{plain}_{number}"
        given = {"knobs": knobs} if knobs else {}
        self.nodes[id] = {"type": type, **given, **({"label": label} if label else {})}
        return id

    def wire(self, source: str, target: str) -> None:
        self.edges.append({"from": source, "to": target})

    def network(self, id: str, file: str, **knobs: Any) -> str:
        """A trained network by the file that another program names."""
        stem = PurePosixPath(file.replace("\\", "/")).name
        stem = re.sub(r"\.(onnx|ckpt|pth|th|yaml)\Z", "", stem, flags=re.IGNORECASE)
        model = re.sub(r"[^a-z0-9.]+", "-", stem.casefold()).strip("-.") or "model"
        text = f"the model {file} has to be in the library as {model}: midistems-graph models add FILE --name {model}"
        if text not in self.left_out:
            self.left_out.append(text)
        return self.add(id, "separate.network", label=stem, model=model, **knobs)

    def done(self, title: str, description: str, origin: str) -> Imported:
        data = {
            "format": FORMAT,
            "version": VERSION,
            "title": title,
            "description": f"{description.strip()} Imported from {origin}.".strip(),
            "nodes": self.nodes,
            "edges": self.edges,
            "view": {"nodes": {id: place for id, place in self.places.items() if id in self.nodes}},
        }
        return Imported(from_data(data), tuple(self.left_out))


def from_audio_separator(data: Mapping[str, Any], preset: str) -> Imported:
    """An ensemble preset: every model on the song, and one result of all. Raises DocumentError."""
    presets: Mapping[str, Mapping[str, Any]] = data["presets"]
    if not preset and len(presets) == 1:
        preset = next(iter(presets))
    if preset not in presets:
        wanted = f"there is no preset {preset!r}" if preset else "the file holds several presets"
        raise DocumentError(f"{wanted}; choose one with --preset: {', '.join(presets)}")
    chosen = presets[preset]
    draft = _Draft()
    song = draft.add("song", "io.load")
    models = [str(model) for model in chosen["models"]]
    made = [draft.network(f"model_{number}", model) for number, model in enumerate(models, 1)]
    algorithm = str(chosen.get("algorithm") or "avg_wave")
    if algorithm not in ALGORITHMS:
        draft.left_out.append(f"the algorithm {algorithm} is not known here; the average of waveforms is in its place")
    type, knobs = ALGORITHMS.get(algorithm, ALGORITHMS["avg_wave"])
    weights = [float(weight) for weight in chosen.get("weights") or ()]
    if weights and knobs.get("method") == "average":
        knobs = {**knobs, "weights": weights}
    elif weights:
        draft.left_out.append(f"weights say nothing to the algorithm {algorithm}, and were left out")
    join = draft.add("ensemble", type, **knobs)
    for place, model in enumerate(made):
        draft.wire(f"{song}.out", f"{model}.mixture")
        draft.wire(f"{model}.out", f"{join}.estimates[{place}]")
    draft.wire(f"{join}.out", f"{draft.add('save', 'io.save')}.stems")
    draft.left_out.append("the models have to give stems of the same names; put stems.rename behind those that do not")
    return draft.done(str(chosen.get("name") or preset), str(chosen.get("description") or ""), "audio-separator")


def from_pymss(data: Mapping[str, Any], name: str) -> Imported:
    """A workflow of steps, each a model on the song or on a stem of an earlier step."""
    draft = _Draft()
    song = draft.add("song", "io.load")
    defaults: Mapping[str, Any] = data.get("defaults") or {}
    steps: dict[str, str] = {}
    picked: dict[tuple[str, str], str] = {}

    def stem_of(step: str, stem: str) -> str:
        if (step, stem) not in picked:
            picked[step, stem] = draft.add(f"{step}_{canonical(stem)}", "stems.pick", name=canonical(stem))
            draft.wire(f"{steps[step]}.out", f"{picked[step, stem]}.stems")
        return f"{picked[step, stem]}.stem"

    for step in data["steps"]:
        id = str(step["id"])
        settings = {**(defaults.get("inference_params") or {}), **(step.get("inference_params") or {})}
        augmented = bool(settings.pop("enable_tta", step.get("use_tta", defaults.get("use_tta", False))))
        knobs = {"swap": True, "polarity": True} if augmented else {}
        steps[id] = draft.network(id, str(step.get("model") or step["model_path"]), **knobs)
        for setting, value in settings.items():
            if value not in (None, False, "Default"):
                draft.left_out.append(
                    f"step {id}: the setting {setting} = {value} was left out; see segment and overlap"
                )
        source, _, stem = str(step.get("input", "input")).partition(".")
        if source != "input" and source not in steps:
            raise DocumentError(f"step {id} begins with {source}, which is no step above it")
        draft.wire(f"{song}.out" if source == "input" else stem_of(source, stem), f"{steps[id]}.mixture")
        format = str(step.get("output_format") or defaults.get("output_format") or "wav").lower()
        if format not in _FORMATS:
            draft.left_out.append(f"step {id}: {format} is not written by io.save; flac is in its place")
        for saved, folder in (step.get("save") or {}).items():
            place = folder if isinstance(folder, str) and folder.strip("/.") else str(saved)
            written: dict[str, Any] = {"format": _FORMATS.get(format, "flac"), "stem": canonical(str(saved))}
            template = f"{_literal(place)}/{{song}}_{_literal(str(saved))}"
            writer = draft.add(f"save_{id}_{canonical(str(saved))}", "io.save", name=template, **written)
            draft.wire(stem_of(id, str(saved)), f"{writer}.stems")
    return draft.done(name, "", "pymss")


def from_comfyui(data: Mapping[str, Any], name: str) -> Imported:
    """A workflow of boxes and links: those that load, separate, combine, change the level of, and save sound."""
    draft = _Draft()
    links = {int(link[0]): (int(link[1]), int(link[2])) for link in data.get("links", ()) if isinstance(link, list)}
    boxes = {int(box["id"]): box for box in data["nodes"]}
    outputs: dict[tuple[int, int], str] = {}

    def source_of(box: Mapping[str, Any], wanted: str) -> str:
        """The port that feeds an input of a box, or nothing."""
        for one in box.get("inputs") or ():
            if one.get("name") == wanted and one.get("link") in links:
                return output_of(*links[one["link"]])
        return ""

    def output_of(id: int, slot: int) -> str:
        if (id, slot) not in outputs:
            outputs[id, slot] = ""  # a circle, or a box that gives no sound
            outputs[id, slot] = made(boxes[id], slot)
        return outputs[id, slot]

    ids: dict[int, str] = {}

    def added(box: Mapping[str, Any], type: str, label: str = "", **knobs: Any) -> str:
        number = int(box["id"])
        if number not in ids:
            ids[number] = draft.add(f"{type.partition('.')[2]}_{number}", type, label, **knobs)
            place = box.get("pos")
            if isinstance(place, Mapping):
                place = [place.get("0", 0), place.get("1", 0)]
            if isinstance(place, list) and len(place) == 2:
                draft.places[ids[number]] = [float(one) for one in place]
        return ids[number]

    def widget(box: Mapping[str, Any], place: int, usual: Any) -> Any:
        values = box.get("widgets_values")
        return values[place] if isinstance(values, list) and place < len(values) else usual

    def made(box: Mapping[str, Any], slot: int) -> str:
        """The port of ours that gives what an output of a box gives."""
        type = str(box["type"])
        if type in ("LoadAudio", "pymss_load_audio", "VHS_LoadAudio", "VHS_LoadAudioUpload"):
            return f"{added(box, 'io.load', str(widget(box, 0, ''))[:80])}.out" if slot == 0 else ""
        if type in ("AudioSeparation", "mss_separate", "vr_separate", "custom_mss_separate"):
            return separated(box, type, slot)
        if type in ("AudioCombine", "AudioMerge", "pymss_audio_ensemble"):
            return combined(box, type)
        if type == "AudioAdjustVolume":
            fresh = int(box["id"]) not in ids
            node = added(box, "filter.gain", gain=float(widget(box, 0, 0)))
            if fresh and (source := source_of(box, "audio")):
                draft.wire(source, f"{node}.signal")
            return f"{node}.out"
        draft.left_out.append(f"the box {type} ({box['id']}) has no counterpart; what it gets is handed on unchanged")
        return next((port for one in box.get("inputs") or () if (port := source_of(box, str(one.get("name"))))), "")

    def separated(box: Mapping[str, Any], type: str, slot: int) -> str:
        names = [str(one.get("name", "")) for one in box.get("outputs") or ()]
        fresh = int(box["id"]) not in ids
        if type == "AudioSeparation":
            node = added(box, "separate.network", "HTDemucs", model="htdemucs")
            stem = _DEMUCS[slot]
            if fresh:
                draft.left_out.append("AudioSeparation runs Hybrid Demucs of torchaudio; htdemucs is in its place")
        else:
            stem = canonical(re.sub(r"\s*\([^)]*\)\Z", "", names[slot]))
            if fresh:
                ids[int(box["id"])] = draft.network(f"network_{box['id']}", str(widget(box, 0, "model")))
            node = ids[int(box["id"])]
        if fresh and (source := source_of(box, "audio")):
            draft.wire(source, f"{node}.mixture")
        pick = draft.add(f"{node}_{stem}", "stems.pick", name=stem)
        draft.wire(f"{node}.out", f"{pick}.stems")
        return f"{pick}.stem"

    def combined(box: Mapping[str, Any], type: str) -> str:
        if int(box["id"]) in ids:
            return f"{ids[int(box['id'])]}.out"
        found = [str(one.get("name")) for one in box.get("inputs") or () if str(one.get("name")).startswith("audio")]
        sources = [source for one in found if (source := source_of(box, one))]
        ensemble = type == "pymss_audio_ensemble"
        method = str(widget(box, 1 if ensemble else 0, "avg_wave" if ensemble else "add"))
        if not ensemble and method == "subtract" and len(sources) == 2:
            node = added(box, "blend.residual")
            draft.wire(sources[0], f"{node}.mixture")
            draft.wire(sources[1], f"{node}.parts[0]")
            return f"{node}.out"
        kinds = ALGORITHMS if ensemble else {"add": ("blend.mix", {}), "mean": ALGORITHMS["avg_wave"]}
        if method not in kinds:
            draft.left_out.append(
                f"the box {type} ({box['id']}) combines by {method}, which has no counterpart; it adds"
            )
        kind, knobs = kinds.get(method, ("blend.mix", {}))
        node = added(box, kind, **knobs)
        port = "signals" if kind == "blend.mix" else "estimates"
        for place, source in enumerate(sources):
            draft.wire(source, f"{node}.{port}[{place}]")
        return f"{node}.out"

    for box in boxes.values():
        type = str(box["type"])
        if type in ("SaveAudio", "SaveAudioMP3", "SaveAudioOpus", "pymss_save_audio", "PreviewAudio"):
            source = source_of(box, "audio")
            if not source:
                continue
            format = {"SaveAudioMP3": "mp3", "SaveAudioOpus": "opus", "SaveAudio": "flac"}.get(type, "wav")
            title = str(box.get("title") or "") or f"{source.partition('.')[0]}"
            writer = added(box, "io.save", stem=title[:60], format=format)
            draft.wire(source, f"{writer}.stems")
        elif type not in _SOUND:
            draft.left_out.append(f"the box {type} ({box['id']}) has nothing to do with sound, or no counterpart")
    if not draft.nodes:
        raise DocumentError("the workflow saves and previews no sound, so there is nothing to import")
    return draft.done(name, "", "ComfyUI")


_SOUND = frozenset({
    "LoadAudio", "pymss_load_audio", "VHS_LoadAudio", "VHS_LoadAudioUpload", "AudioSeparation", "mss_separate",
    "vr_separate", "custom_mss_separate", "AudioCombine", "AudioMerge", "pymss_audio_ensemble", "AudioAdjustVolume",
    "AudioCrop", "TrimAudioDuration",
})  # fmt: skip
"""Boxes that are looked at where something saved needs them."""


def _literal(text: str) -> str:
    """A text inside a name template, as one part of it."""
    return re.sub(r"[/\\]+", " ", text).replace("{", "{{").replace("}", "}}").strip() or "stem"
