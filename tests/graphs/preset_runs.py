"""Running presets: on a song, in a window, with true stems to compare with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

from midistems_graph.audio.files import is_sound
from midistems_graph.document.files import load
from midistems_graph.document.graph import Address, Graph, InputSlot, Node
from midistems_graph.engine.costs import Costs
from midistems_graph.engine.forecast import Forecast, forecast
from midistems_graph.engine.outputs import OutputFolder
from midistems_graph.engine.run import RunResult, execute, prepare
from midistems_graph.engine.store import DiskStore, MemoryStore
from midistems_graph.node import installed

LIBRARY = installed()
FOLDER = Path(__file__).parents[2] / "graphs"
ALL = sorted(path.stem for path in FOLDER.glob("*.json"))

WRITTEN = {
    "four_stems": {"save": ("vocals", "drums", "bass", "other")},
    "vocal_and_backing": {"save": ("vocals", "instrumental")},
    "misi_refine": dict.fromkeys(("save_before", "save_after"), ("vocals", "drums", "bass", "other")),
    "ensemble": dict.fromkeys(("save_average", "save_median"), ("vocals", "instrumental")),
    "two_stage_residual": {"save": ("vocals", "drums", "bass", "other")},
    "wiener_voice": {"save": ("vocals", "instrumental")},
    "mop_then_pop": {"save": ("vocals", "instrumental")},
    "sung_pitch": {"save": ("vocals", "instrumental")},
    "order_search": {"save": ("vocals", "drums", "other")},
    "learned_sources": {"save": ("bass", "drums", "other", "vocals")},
    "fitted_mask": {"save": ("vocals", "instrumental")},
    "drum_kit": {"save": ("drums", "drums/kick", "drums/snare", "drums/hats", "other")},
    "vocals": {"save": ("vocals", "instrumental")},
    "vocals_asked_again": {"save": ("vocals", "instrumental")},
    "vocals_bright": {"save": ("vocals", "instrumental")},
    "blend_loop": {"save": ("vocals", "instrumental")},
    "refine_loop": {"save": ("vocals", "instrumental")},
    "snowball": {"save": ("vocals", "instrumental")},
    "four_stems_spleeter": {"save": ("vocals", "drums", "bass", "other")},
    "htdemucs_4": {"save": ("drums", "bass", "other", "vocals")},
    "mdx_ensemble": {"save": ("vocals", "instrumental")},
    "mvsep_mdx23": {"save": ("vocals", "drums", "bass", "other")},
    "unmix_wiener": {"save": ("vocals", "drums", "bass", "other")},
    "roformer_vocals": {"save": ("vocals", "instrumental")},
    "flow_consistent": {"save": ("vocals", "instrumental")},
    "diffusion_refine": {"save": ("vocals", "instrumental")},
    "vocal_chain": {"save": ("vocals", "vocals/dry", "vocals/reverb", "instrumental")},
    "lead_and_backing": {"save": ("vocals", "vocals/lead_vocals", "vocals/backing_vocals", "instrumental")},
    "instrument_tree": {
        "save": ("other", "drums", "bass", "vocals", "other/guitar", "other/piano", "other/keys"),
    },
    "speech_music_noise": {"save": ("speech", "instrumental", "noise")},
    "coarse_to_fine": {"save": ("vocals", "instrumental")},
    "chosen_by_score": {"save": ("vocals", "instrumental")},
    "loop_where_needed": {"save": ("vocals", "instrumental")},
    "beam_and_network": {"save": ("vocals", "instrumental")},
    "partial_phase": {"save": ("vocals", "instrumental")},
    "polished_voice": {"save": ("vocals", "instrumental")},
    "second_opinion": {"save": ("vocals", "instrumental")},
    "fitted_mixer": {"save": ("vocals", "instrumental")},
    "clean_voice": {"save": ("vocals", "noise")},
    "shared_encoder": {"save": ("vocals", "instrumental")},
    "two_flows": {"save": ("vocals", "instrumental")},
    "bridge": {"save": ("vocals", "instrumental")},
    "phase_classes": {"save": ("vocals", "instrumental")},
    "magnitude_alone": {"save": ("vocals", "instrumental")},
    "vocal_chain_networks": {
        "save": (
            "vocals",
            "vocals/lead_vocals",
            "vocals/lead_vocals/dry",
            "vocals/lead_vocals/reverb",
            "vocals/backing_vocals",
            "instrumental",
        ),
    },
    "drum_kit_networks": {
        "save": ("drums", "other", "drums/kick", "drums/snare", "drums/toms", "drums/hats", "drums/cymbals"),
    },
}
"""The stems that each writer of a preset writes."""

FURTHER = {
    "learned_sources": {stem: f"{stem}.ogg" for stem in ("drums", "bass", "other", "vocals")},
    "fitted_mask": {"like": "vocals.ogg"},
    "fitted_mixer": {"true_stems": "."},
}
"""Files beside the demo song that further inputs of a preset are bound to."""

WITH_SPLEETER = ("vocals", "vocals_asked_again", "vocals_bright", "four_stems_spleeter")
"""Presets whose one network is Spleeter, and that have a floor with its real weights."""

AROUND_SPLEETER = ("vocal_chain", "lead_and_backing", "chosen_by_score", "loop_where_needed", "beam_and_network")
"""Others whose one network is Spleeter."""

MODELS = {
    **dict.fromkeys((*WITH_SPLEETER, *AROUND_SPLEETER), ("spleeter-2stems",)),
    "instrument_tree": ("htdemucs-6s",),
    "vocal_chain_networks": ("kim-vocal-2", "uvr-mdx-karaoke", "reverb-hq-foxjoy"),
    "drum_kit_networks": ("htdemucs", "drum-kit"),
    "coarse_to_fine": ("spleeter-2stems", "htdemucs"),
    "shared_encoder": ("shared-encoder", "decoder-vocals", "decoder-instrumental"),
    "two_flows": ("flow-encoder", "flow-semantic", "flow-acoustic", "flow-decoder"),
    "bridge": ("bridge-stems",),
    "phase_classes": ("spleeter-2stems", "phasenet-vocals"),
    "htdemucs_4": ("htdemucs",),
    "mdx_ensemble": ("uvr-mdx-voc-ft", "kim-vocal-2", "uvr-mdx-inst-hq-3"),
    "mvsep_mdx23": ("kim-vocal-1", "kim-inst", "htdemucs-ft", "htdemucs", "htdemucs-6s", "hdemucs-mmi"),
    "unmix_wiener": ("open-unmix",),
    "roformer_vocals": ("bs-roformer-vocals",),
    "flow_consistent": ("flow-stems",),
    "diffusion_refine": ("spleeter-2stems", "sgmse-vocals"),
}
"""Presets that need trained networks, and which; the tests give them stand-ins."""


@dataclass(frozen=True)
class Made:
    """What a run gave: the samples that each writer wrote for each stem, [samples, channels]; and what was foretold of
    it on a machine that never ran anything."""

    foretold: Forecast
    result: RunResult
    stems: Mapping[tuple[str, str], np.ndarray]


def preset(name: str) -> Graph:
    return load(FOLDER / f"{name}.json")


def run_preset(
    name: str,
    song: Path,
    folder: Path,
    *,
    inputs: Mapping[str, Path] | None = None,
    window: tuple[Fraction, Fraction] | None = None,
    jobs: int = 0,
    store: DiskStore | None = None,
) -> Made:
    """Run a preset and read back the files that it wrote; `inputs` are those besides the song. By default with an
    empty store."""
    graph = preset(name)
    beside = {slot: song.parent / file for slot, file in FURTHER.get(name, {}).items()}
    plan, _ = prepare(graph, LIBRARY, {"song": song, **beside, **(inputs or {})}, folder=FOLDER, window=window)
    outputs = OutputFolder(folder / "out", inputs=[song]).song(plan.bindings.song_name, plan.bindings.song_digest)
    store = store or DiskStore(folder / "store", 2 << 30)
    foretold = forecast(plan, MemoryStore(), costs=Costs({}))
    result = execute(graph, plan, LIBRARY, store=store, outputs=outputs, jobs=jobs)
    assert result.failures == ()
    files = {(output.node, output.stem): output.path for output in result.outputs if is_sound(output.path)}
    return Made(
        foretold, result, {key: soundfile.read(path, dtype="float32", always_2d=True)[0] for key, path in files.items()}
    )


def si_sdr(
    graph: Graph, sets: Collection[str], song: Path, true: Path, store: DiskStore
) -> dict[tuple[str, str], float]:
    """SI-SDR by (set, stem) of output ports (`exact.out`) that give stem sets, against the stems in a folder."""
    graph = replace(graph, inputs={"song": InputSlot(), "true": InputSlot()})
    graph = graph.with_node("true", Node("io.load_stems", knobs={"folder": "true"}))
    wanted = {f"compare{number}": port for number, port in enumerate(sets)}
    for name, port in wanted.items():
        graph = graph.with_node(name, Node("measure.compare"))
        graph = graph.with_edge(port, f"{name}.estimates").with_edge("true.out", f"{name}.references")
    inputs = {"song": song, "true": true}
    plan, _ = prepare(graph, LIBRARY, inputs, folder=FOLDER, outputs=[Address(name, "out") for name in wanted])
    result = execute(graph, plan, LIBRARY, store=store)
    assert result.failures == ()
    return {(wanted[score.node], score.row): score.value for score in result.scores if score.name == "si_sdr"}
