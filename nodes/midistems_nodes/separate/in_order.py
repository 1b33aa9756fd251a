"""Which source to take out first: every order of extraction is tried and scored."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from midistems_graph.audio.stem_names import find
from midistems_graph.node import WHOLE, Audio, NodeError, Run, Scores, Separator, Stems, node
from midistems_nodes.ports import Deciding, TrueIfNeeded
from midistems_nodes.signals import total


class Ordered(NamedTuple):
    stems: Stems
    scores: Scores


@node(
    "separate.in_order",
    title="Order search",
    tags=("cascade", "hierarchical", "sequence", "permutation", "extract"),
    context=WHOLE,
    keeps_gain=False,  # the scorer decides
    scratch=2.5,
)
def in_order(
    scorer: Deciding,
    mixture: Audio,
    first: Separator,
    second: Separator,
    third: Separator | None = None,
    references: TrueIfNeeded | None = None,
    *,
    stems: tuple[str, ...] = ("vocals", "drums", "bass"),
    rest: str = "other",
    run: Run,
) -> Ordered:
    """Take sources out of a song one after the other, in the order that a scorer likes best.

    Parameters
    ----------
    mixture
        The song.
    first
        A separator that finds the first of `stems`.
    second
        A separator that finds the second one.
    third
        A separator that finds the third one, if there are three.
    stems
        What is taken from each separator, by name; each hears what those before it left of the song.
    rest
        What the remainder is called.

    Returns
    -------
    Ordered
        stems, of the best order, with what is left as the last one; scores, a row per order.

    Notes
    -----
    Good for a cascade of separators that each know one source: drums first clears the way for a voice, or the other way
    round. Two separators have 2 orders and 4 calls, three have 6 and 15. Holds the song in memory.

    References
    ----------
    argmax of R over all permutations; of equals the first.
    """
    separators = [one for one in (first, second, third) if one is not None]
    if len(stems) < len(separators):
        raise NodeError(f"stems names {len(stems)} stems for {len(separators)} separators; name one for each")
    chosen = dict(zip(stems, separators, strict=False))
    if len(chosen) < len(separators) or rest in chosen:
        raise NodeError("two stems have the same name; stems and rest need names of their own")
    found: dict[str, float] = {}
    best, made = -math.inf, None
    orders = math.factorial(len(chosen))
    for done, parts in enumerate(_orders(mixture, chosen, run)):
        order = tuple(parts)
        run.progress(done / orders)
        left = mixture.with_samples(mixture.samples - total(list(parts.values())))
        whole = Stems({**{name: parts[name] for name in chosen}, rest: left}, complete=True)
        score = run.score(scorer, mixture, whole, references)
        found[", ".join(order)] = score
        if made is None or score > best:
            best, made = score, whole
    assert made is not None
    return Ordered(made, Scores({order: {"score": score} for order, score in found.items()}))


def _orders(left: Audio, chosen: Mapping[str, Separator], run: Run) -> Iterator[dict[str, Audio]]:
    """The stems of every order, in that order; orders that begin alike share their calls."""
    for name, separator in chosen.items():
        run.check()
        stems = run.separate(separator, left)
        names = find(name, stems)
        if not names:
            raise NodeError(
                f"the separator for {name} gives {', '.join(stems)}; put the name of one of them into stems"
            )
        stem = left.with_samples(total([stems[one] for one in names]))
        others = {other: function for other, function in chosen.items() if other != name}
        if not others:
            yield {name: stem}
            continue
        for further in _orders(left.with_samples(left.samples - stem.samples), others, run):
            yield {name: stem, **further}
