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
from pathlib import Path
from typing import Any

from midistems_graph.audio.stem_names import canonical
from midistems_graph.document.encoding import MAX_BYTES
from midistems_graph.document.graph import DocumentError
from midistems_graph.rules.onramp_comfyui import from_comfyui
from midistems_graph.rules.onramp_draft import FORMATS, Draft, Imported


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
    if isinstance(data, dict) and any(isinstance(one, Mapping) and "class_type" in one for one in data.values()):
        raise DocumentError(f"{path} is a prompt for ComfyUI's server; save the workflow itself, not for the API")
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


def from_audio_separator(data: Mapping[str, Any], preset: str) -> Imported:
    """An ensemble preset: every model on the song, and one result of all. Raises DocumentError."""
    presets: Mapping[str, Mapping[str, Any]] = data["presets"]
    if not preset and len(presets) == 1:
        preset = next(iter(presets))
    if preset not in presets:
        wanted = f"there is no preset {preset!r}" if preset else "the file holds several presets"
        raise DocumentError(f"{wanted}; choose one with --preset: {', '.join(presets)}")
    chosen = presets[preset]
    draft = Draft()
    song = draft.add("song", "io.load")
    models = [str(model) for model in chosen["models"]]
    made = [draft.network(f"model_{number}", model) for number, model in enumerate(models, 1)]
    weights = [float(weight) for weight in chosen.get("weights") or ()]
    type, knobs = draft.weighed(str(chosen.get("algorithm") or "avg_wave"), weights, len(models))
    join = draft.add("ensemble", type, **knobs)
    for place, model in enumerate(made):
        draft.wire(f"{song}.out", f"{model}.mixture")
        draft.wire(f"{model}.out", f"{join}.estimates[{place}]")
    draft.wire(f"{join}.out", f"{draft.add('save', 'io.save')}.stems")
    draft.lacks("the models have to give stems of the same names; put stems.rename behind those that do not")
    return draft.done(str(chosen.get("name") or preset), str(chosen.get("description") or ""), "audio-separator")


def from_pymss(data: Mapping[str, Any], name: str) -> Imported:
    """A workflow of steps, each a model on the song or on a stem of an earlier step."""
    draft = Draft()
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
                draft.lacks(f"step {id}: the setting {setting} = {value} was left out; see segment and overlap")
        source, _, stem = str(step.get("input", "input")).partition(".")
        if source != "input" and source not in steps:
            raise DocumentError(f"step {id} begins with {source}, which is no step above it")
        draft.wire(f"{song}.out" if source == "input" else stem_of(source, stem), f"{steps[id]}.mixture")
        format = str(step.get("output_format") or defaults.get("output_format") or "wav").lower()
        if format not in FORMATS:
            draft.lacks(f"step {id}: {format} is not written by io.save; flac is in its place")
        for saved, wanted in (step.get("save") or {}).items():
            for place in _folders(id, str(saved), wanted):
                written: dict[str, Any] = {"format": FORMATS.get(format, "flac"), "stem": canonical(str(saved))}
                template = f"{_literal(place)}/{{song}}_{_literal(str(saved))}"
                writer = draft.add(f"save_{id}_{canonical(str(saved))}", "io.save", name=template, **written)
                draft.wire(stem_of(id, str(saved)), f"{writer}.stems")
    return draft.done(name, "", "pymss")


def _folders(step: str, stem: str, wanted: object) -> list[str]:
    """The folders that a stem of a step is saved to: one, several, the step's own, or none."""
    match wanted:
        case True:
            return [step]
        case list():
            return [str(one) for one in wanted if str(one).strip("/. ")]
        case dict():
            return _folders(step, stem, wanted.get("dir") or wanted.get("output_dir") or stem)
        case str() if wanted.strip():
            return [wanted if wanted.strip("/. ") else stem]
    return []


def _literal(text: str) -> str:
    """A text inside a name template, as one part of it."""
    return re.sub(r"[/\\]+", " ", text).replace("{", "{{").replace("}", "}}").strip() or "stem"
