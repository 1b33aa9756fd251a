"""Is a figure of any measure within its bounds?"""

from __future__ import annotations

from typing import Annotated, Literal

from midistems_graph.node import NodeError, Number, Range, Scores, node
from midistems_nodes.check.verdict import held

Bound = Annotated[float, Range(-1e9, 1e9)]


@node("check.figure", title="Check a figure", tags=("assert", "score", "limit", "bound"), keeps_gain=False)
def figure(
    figures: Number | Scores,
    *,
    row: str = "",
    name: str = "",
    bound: Literal["at_least", "at_most", "between"] = "at_least",
    low: Bound = 0.0,
    high: Bound = 0.0,
) -> Scores:
    """Fails the run unless what a measure found lies within bounds.

    Parameters
    ----------
    figures
        A number, or the table of a measure.
    row
        Which row of a table, such as `vocals`; empty: every row.
    name
        Which figure of a table, such as `si_sdr`; empty: the only one there is.
    bound
        `at_least`: not below `low`; `at_most`: not above `high`; `between`: both.
    low
        The lowest value allowed, in the figure's own unit.
    high
        The highest value allowed.

    Returns
    -------
    Scores
        The figures that were checked.
    """
    if isinstance(figures, Number):
        rows, units = {"": {name or "value": figures.value}}, {name or "value": figures.unit}
    else:
        rows, units = _chosen(figures, row, name), dict(figures.units)
    limits = (
        {"low": low} if bound == "at_least" else {"high": high} if bound == "at_most" else {"low": low, "high": high}
    )
    for stem, found in rows.items():
        for each, value in found.items():
            held(f"{each} of {stem}" if stem else each, value, units.get(each, ""), **limits)
    return Scores(rows, units)


def _chosen(figures: Scores, row: str, name: str) -> dict[str, dict[str, float]]:
    """The rows and figures of a table that are meant; raises NodeError where it has none of them."""
    if row and row not in figures.rows:
        raise NodeError(f"the table has no row {row!r}; it has {', '.join(figures.rows) or 'none'}")
    rows = {stem: dict(found) for stem, found in figures.rows.items() if row in ("", stem)}
    names = {each for found in rows.values() for each in found}
    if name and name not in names:
        raise NodeError(f"the table has no figure {name!r}; it has {', '.join(sorted(names)) or 'none'}")
    if not name and len(names) > 1:
        raise NodeError(f"the table has several figures; set name to one of {', '.join(sorted(names))}")
    return {stem: {e: v for e, v in found.items() if name in ("", e)} for stem, found in rows.items()}
