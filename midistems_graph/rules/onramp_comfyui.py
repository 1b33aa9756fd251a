"""Workflows of ComfyUI: the boxes that load, separate, combine, change the level of, and save sound.

Boxes are told by their types: those of ComfyUI itself, and of the packs for separation by Christian Byrne, pymss and
Kijai. What is saved or previewed is followed back through the links; a box between that has no counterpart hands on
what it gets, as ComfyUI does with one that is bypassed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from midistems_graph.audio.stem_names import canonical
from midistems_graph.document.graph import DocumentError
from midistems_graph.rules.onramp_draft import ALGORITHMS, FORMATS, Draft, Imported

Box = Mapping[str, Any]

_NEVER, _BYPASSED = 2, 4
"""Modes of a box that takes no part, or passes on what it gets."""

_LOADERS = ("LoadAudio", "pymss_load_audio", "pymss_load_audio_batch", "VHS_LoadAudio", "VHS_LoadAudioUpload")
_PYMSS = ("mss_separate", "vr_separate", "custom_mss_separate")
_LISTS = tuple(f"{type}_list" for type in _PYMSS)
_COMBINERS = ("AudioCombine", "AudioMerge", "pymss_audio_ensemble")
_SAVERS = {"SaveAudio": "flac", "SaveAudioMP3": "mp3", "SaveAudioOpus": "opus", "PreviewAudio": "wav"}
_SOUND = frozenset({
    *_LOADERS, *_PYMSS, *_LISTS, *_COMBINERS, *_SAVERS, "pymss_save_audio", "AudioSeparation", "AudioAdjustVolume",
    "pymss_audio_invert_phase", "pymss_audio_normalize", "MelBandRoFormerSampler", "MelBandRoFormerModelLoader",
    "AudioCrop", "TrimAudioDuration",
})  # fmt: skip
"""Boxes that are looked at where something saved needs them."""

_DEMUCS = ("bass", "drums", "other", "vocals")  # the outputs of AudioSeparation, in its order
_MEL_BAND = ("vocals", "instrumental")


def from_comfyui(data: Mapping[str, Any], name: str) -> Imported:
    """The graph of everything that a workflow saves or previews. Raises DocumentError if that is nothing."""
    return _Workflow(data).imported(name)


class _Workflow:
    """The boxes and links of one workflow, and the nodes that were made of them."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.boxes: dict[int, Box] = {int(box["id"]): box for box in data["nodes"]}
        self.links = dict(filter(None, map(_link, data.get("links") or ())))
        self.draft = Draft()
        self.outputs: dict[tuple[int, int], str] = {}
        self.ids: dict[int, str] = {}
        self.songs: dict[str, str] = {}

    def imported(self, name: str) -> Imported:
        for box in self.boxes.values():
            type = str(box["type"])
            if type in _SAVERS or type == "pymss_save_audio":
                self._saved(box, type)
            elif type not in _SOUND:
                self.draft.lacks(f"the box {type} ({box['id']}) has nothing to do with sound, or no counterpart")
        if not self.draft.nodes:
            raise DocumentError("the workflow saves and previews no sound, so there is nothing to import")
        return self.draft.done(name, "", "ComfyUI")

    def _saved(self, box: Box, type: str) -> None:
        source = "" if box.get("mode") in (_NEVER, _BYPASSED) else self._source(box, "audio")
        if not source:
            return
        wanted = _SAVERS.get(type) or str(_widget(box, 0, "wav")).lower()
        if wanted not in FORMATS:
            self.draft.lacks(f"the box {type} ({box['id']}): {wanted} is not written by io.save; flac is in its place")
        title = str(box.get("title") or "") or source.partition(".")[0]
        writer = self._added(box, "io.save", stem=title[:60], format=FORMATS.get(wanted, "flac"))
        self.draft.wire(source, f"{writer}.stems")

    def _source(self, box: Box, wanted: str) -> str:
        """The port of ours that feeds an input of a box, or nothing."""
        for one in box.get("inputs") or ():
            if one.get("name") == wanted and one.get("link") in self.links:
                return self._output(*self.links[one["link"]])
        return ""

    def _output(self, id: int, slot: int) -> str:
        if (id, slot) not in self.outputs:
            self.outputs[id, slot] = ""  # a circle, or a box that gives no sound
            self.outputs[id, slot] = self._made(self.boxes[id], slot)
        return self.outputs[id, slot]

    def _made(self, box: Box, slot: int) -> str:
        """The port of ours that gives what an output of a box gives."""
        type = str(box["type"])
        if box.get("mode") == _NEVER:
            self.draft.lacks(f"the box {type} ({box['id']}) is switched off, and so is what it feeds")
            return ""
        if box.get("mode") == _BYPASSED:
            return self._handed_on(box)
        if type in _LOADERS:
            return self._loaded(box) if slot == 0 else ""
        if type in ("AudioSeparation", "MelBandRoFormerSampler", *_PYMSS, *_LISTS):
            return self._separated(box, type, slot)
        if type in _COMBINERS:
            return self._combined(box, type)
        if type == "AudioAdjustVolume":
            return self._through(box, "audio", "filter.gain", gain=float(_widget(box, 0, 0)))
        if type == "pymss_audio_invert_phase":
            return self._through(box, "a", "filter.gain", invert=True)
        self.draft.lacks(f"the box {type} ({box['id']}) has no counterpart; what it gets is handed on unchanged")
        return self._handed_on(box)

    def _handed_on(self, box: Box) -> str:
        names = (str(one.get("name")) for one in box.get("inputs") or ())
        return next((port for name in names if (port := self._source(box, name))), "")

    def _loaded(self, box: Box) -> str:
        """The first file is the song, any other one a further input; the same file is the same input."""
        file = str(_widget(box, 0, ""))
        if file not in self.songs:
            name = self.songs[file] = f"input_{len(self.songs) + 1}" if self.songs else "song"
            if name != "song":
                self.draft.inputs.setdefault("song", {"description": next(iter(self.songs))[:200]})
                self.draft.inputs[name] = {"description": file[:200]}
                self.draft.lacks(f"{file} is another input than the song; bind it with --input {name}=FILE")
        knobs = {} if self.songs[file] == "song" else {"input": self.songs[file]}
        return f"{self._added(box, 'io.load', file[:80], **knobs)}.out"

    def _through(self, box: Box, wanted: str, type: str, **knobs: Any) -> str:
        """A node with one input and one output."""
        fresh = int(box["id"]) not in self.ids
        node = self._added(box, type, **knobs)
        if fresh and (source := self._source(box, wanted)):
            self.draft.wire(source, f"{node}.signal")
        return f"{node}.out"

    def _separated(self, box: Box, type: str, slot: int) -> str:
        """A stem of a network, or its whole set where the box gives a list."""
        number, names = int(box["id"]), [str(one.get("name", "")) for one in box.get("outputs") or ()]
        fresh = number not in self.ids
        if fresh and type == "AudioSeparation":
            self._added(box, "separate.network", "HTDemucs", model="htdemucs")
            self.draft.lacks("AudioSeparation runs Hybrid Demucs of torchaudio; htdemucs is in its place")
        elif fresh:
            self.ids[number] = self.draft.network(f"network_{number}", self._model(box, type))
            self._place(box)
        node = self.ids[number]
        if fresh and (source := self._source(box, "audio")):
            self.draft.wire(source, f"{node}.mixture")
        if type in _LISTS:
            return f"{node}.out" if slot == 0 else ""
        named = {"AudioSeparation": _DEMUCS, "MelBandRoFormerSampler": _MEL_BAND}.get(type)
        stem = named[slot] if named else canonical(re.sub(r"\s*\([^)]*\)\Z", "", names[slot]))
        pick = self.draft.add(f"{node}_{stem}", "stems.pick", name=stem)
        self.draft.wire(f"{node}.out", f"{pick}.stems")
        return f"{pick}.stem"

    def _model(self, box: Box, type: str) -> str:
        """The file of a separator's model: its own, or that of the loader before it."""
        if type != "MelBandRoFormerSampler":
            return str(_widget(box, 0, None) or "model")
        wired = (one["link"] for one in box.get("inputs") or () if one.get("name") == "model")
        loaders = (self.links[link][0] for link in wired if link in self.links)
        return next((str(_widget(self.boxes[loader], 0, None) or "model") for loader in loaders), "model")

    def _combined(self, box: Box, type: str) -> str:
        number = int(box["id"])
        if number in self.ids:
            return f"{self.ids[number]}.out"
        names = (str(one.get("name")) for one in box.get("inputs") or ())
        sources = [source for name in names if name.startswith("audio") and (source := self._source(box, name))]
        if type == "pymss_audio_ensemble":
            weights = [float(_widget(box, 2 + place, 1) or 1) for place in range(len(sources))]
            kind, knobs = self.draft.weighed(str(_widget(box, 1, "avg_wave")), weights, len(sources))
            return self._joined(box, kind, "estimates", sources, **knobs)
        method = str(_widget(box, 0, "add"))
        if method == "subtract" and len(sources) == 2:
            node = self._added(box, "blend.residual")
            self.draft.wire(sources[0], f"{node}.mixture")
            self.draft.wire(sources[1], f"{node}.parts[0]")
            return f"{node}.out"
        if method == "mean":
            kind, knobs = ALGORITHMS["avg_wave"][0], dict(ALGORITHMS["avg_wave"][1])
            return self._joined(box, kind, "estimates", sources, **knobs)
        if method != "add":
            self.draft.lacks(f"the box {type} ({number}) combines by {method}, which has no counterpart; it adds")
        return self._joined(box, "blend.mix", "signals", sources)

    def _joined(self, box: Box, kind: str, port: str, sources: list[str], **knobs: Any) -> str:
        node = self._added(box, kind, **knobs)
        for place, source in enumerate(sources):
            self.draft.wire(source, f"{node}.{port}[{place}]")
        return f"{node}.out"

    def _added(self, box: Box, type: str, label: str = "", **knobs: Any) -> str:
        """The node of a box, at its place."""
        number = int(box["id"])
        if number not in self.ids:
            self.ids[number] = self.draft.add(f"{type.partition('.')[2]}_{number}", type, label, **knobs)
            self._place(box)
        return self.ids[number]

    def _place(self, box: Box) -> None:
        place = box.get("pos")
        if isinstance(place, Mapping):
            place = [place.get("0", 0), place.get("1", 0)]
        if isinstance(place, list) and len(place) == 2:
            self.draft.places[self.ids[int(box["id"])]] = [float(one) for one in place]


def _link(link: Any) -> tuple[int, tuple[int, int]] | None:
    """A link's number and where it begins; a list, or an object by number or by name, as versions of ComfyUI differ."""
    if isinstance(link, Mapping) and "origin_id" in link:
        return int(link["id"]), (int(link["origin_id"]), int(link["origin_slot"]))
    if isinstance(link, Mapping):
        link = [link.get(str(place)) for place in range(3)]
    return (int(link[0]), (int(link[1]), int(link[2]))) if isinstance(link, list) else None


def _widget(box: Box, place: int, usual: Any) -> Any:
    values = box.get("widgets_values")
    return values[place] if isinstance(values, list) and place < len(values) else usual
