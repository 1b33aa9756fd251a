"""Input ports that many nodes have alike, each with what a node's help says of it.

A node whose port means something more says so in its docstring, which then counts. Streams and optional ports are
written around them: `Stream[Mixture]`, `TrueIfNeeded | None`.
"""

from __future__ import annotations

from typing import Annotated

from midistems_graph.node import Audio, Features, Scorer, Separator, Stems
from midistems_nodes.signals import Signal

Song = Annotated[Audio, "The sound to split."]
Mixture = Annotated[Audio, "The sound that was separated."]
AllStems = Annotated[Stems, "All stems of the mixture. A set that lacks one needs a residual stem first."]
Judged = Annotated[Stems, "What is judged."]
Estimate = Annotated[Audio, "What a separation made."]
Estimates = Annotated[Stems, "What a separation made."]
TrueSource = Annotated[Audio, "The true source."]
TrueStems = Annotated[
    Stems, "The true stems. A stem is found by its name, by another common name of it, or as a branch of the tree."
]
TrueIfNeeded = Annotated[Stems, "The true stems, where the scorer needs them."]
Asked = Annotated[Separator, "What is asked, from the `separator` output of a node or group."]
Deciding = Annotated[Scorer, "What decides, from the `scorer` output of a node."]
Condition = Annotated[Features, "What a conditioned network is told beside the sound; others take none."]
Alike = Annotated[Signal, "Audio, or every stem of a set alike."]
Member = Annotated[
    Signal, "Any number of audio signals, or of stem sets with the same names, which are taken stem by stem."
]
