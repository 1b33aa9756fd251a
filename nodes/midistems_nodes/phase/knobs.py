"""Knobs that the nodes of phase recovery share, with what each means."""

from __future__ import annotations

from typing import Annotated, Literal

from midistems_graph.node import Range

Method = Annotated[
    Literal["mix_incons_hard_mag", "mix_incons", "mag_incons_hard_mix"],
    "`mix_incons_hard_mag` wishes for the sum and for consistency and demands the magnitudes; `mix_incons` lets the "
    "magnitudes go; `mag_incons_hard_mix` demands the sum and wishes for the others.",
]
Rounds = Annotated[int, Range(1, 200), "Rounds. With rough magnitudes nearly all is gained in the first two to five."]
Weight = Annotated[
    float, Range(0, 10000), "How much consistency counts against the other wish of the method; 0 ignores it."
]
Wanted = Annotated[
    Literal["shares", "stems"],
    "Which ones are wanted: the mixture's `shares`, divided among the stems by how strong each is, as a mask does, or "
    "those of the `stems` as they are.",
]
Power = Annotated[float, Range(0.1, 10), "For `shares`: 1 divides by amplitude (ratio mask), 2 by power (Wiener mask)."]
Start = Annotated[
    Literal["mixture", "stems"],
    "Phases to begin with: those that the `stems` bring, or the `mixture`'s, for stems whose phases are worthless.",
]
