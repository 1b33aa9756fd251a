"""What all checks share: a figure within its bounds, or a sentence that says by how much it is not."""

from __future__ import annotations

import math

from midistems_graph.node import CheckFailed, Number, Run


def held(what: str, value: float, unit: str, *, low: float = -math.inf, high: float = math.inf) -> Number:
    """The figure, for the table; raises CheckFailed when it lies outside of its bounds, or there is none."""
    if math.isnan(value):
        raise CheckFailed(f"there is no figure for {what}, so it cannot be said to hold")
    if not low <= value <= high:
        bound = f"at most {_figure(high, unit)}" if value > high else f"at least {_figure(low, unit)}"
        raise CheckFailed(f"{what} is {_figure(value, unit)}, allowed is {bound}")
    return Number(value, unit)


def nothing(run: Run, what: str) -> Number:
    """A check that had nothing to look at: it says so and has no figure."""
    run.warn(f"{what}, so nothing was checked")
    return Number(math.nan)


def _figure(value: float, unit: str) -> str:
    return f"{value:.4g} {unit}".rstrip() if abs(value) < 1e3 or math.isinf(value) else f"{value:g} {unit}".rstrip()
