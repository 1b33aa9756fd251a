"""Separation programs of other makers, in their own environments."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated

from midistems_graph.models.external import separate
from midistems_graph.models.library import Model, ModelLibrary, ModelMissing
from midistems_graph.node import WHOLE, ModelName, NodeError, Run, Stems, node
from midistems_nodes.ports import Song


def _stems(knobs: SimpleNamespace) -> tuple[str, ...]:
    """Those that the program was registered with; raises ModelMissing."""
    return ModelLibrary.default().find(knobs.tool).manifest.stems


@node(
    "separate.external",
    version="1.0.0",
    title="External program",
    tags=("demucs", "uvr", "audio-separator", "command", "tool"),
    stems=_stems,
    context=WHOLE,
    keeps_gain=False,
)
def external(mixture: Song, *, tool: Annotated[str, ModelName()] = "", run: Run) -> Stems:
    """Have another program split the song.

    For networks that have no ONNX form: any program that reads a sound file and writes one file per stem can take part.
    You register it once, with `midistems-graph models register-tool`; a graph holds its name alone and can never bring
    a command of its own. It runs in its own environment, on the whole song; its stems are kept, and made again only
    when the song, the command or the version that you gave changes.

    Parameters
    ----------
    tool
        The name under which the program was registered.

    Returns
    -------
    Stems
        Those that the program was registered with.
    """
    try:
        return separate(Model.open(run.file("tool")), mixture, run)
    except ModelMissing as error:
        raise NodeError(str(error)) from None
