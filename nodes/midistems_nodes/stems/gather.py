"""Stem sets from single signals and from other sets, and their sum."""

from __future__ import annotations

from midistems_graph.node import Alone, Audio, NodeError, Stems, node
from midistems_nodes.signals import require_match, require_some, total


@node("stems.gather", title="Gather stems", tags=("set", "name"), derived=True, scratch=0, stems=lambda k: k.names)
def gather(
    parts: tuple[Audio, ...], *, names: tuple[str, ...] = ("vocals", "instrumental"), complete: bool = False
) -> Stems:
    """Make a stem set of single signals.

    Parameters
    ----------
    parts
        The stems, in the order of the names.
    names
        One name per stem, each once; `drums/kick` makes a branch of a tree.
    complete
        Tick it if these stems together are all there was in the mixture.

    Notes
    -----
    Good for going on with results of different models as one set. Nothing is changed in the sound.
    """
    require_some("parts", parts)
    if len(names) != len(parts) or len(set(names)) != len(names):
        raise NodeError(f"{len(parts)} stems need {len(parts)} different names, not: {', '.join(names) or 'none'}")
    require_match(*parts)
    return Stems(dict(zip(names, parts, strict=True)), complete)


def _apart(knobs: object, sets: tuple[tuple[str, ...], ...]) -> dict[str, Alone]:
    """Each stem comes of the one set that has it; nothing where names of a set are not known, or occur twice."""
    names = [name for each in sets for name in each]
    if not all(sets) or len(set(names)) < len(names):
        return {}
    return {name: Alone(takes=tuple(name if name in each else None for each in sets)) for name in names}


@node(
    "stems.merge",
    title="Merge stem sets",
    tags=("union",),
    derived=True,
    scratch=0,
    complete=lambda k: k.complete,
    apart=_apart,
)
def merge(sets: tuple[Stems, ...], *, complete: bool = False) -> Stems:
    """Make one stem set of several, with all their stems.

    Parameters
    ----------
    sets
        The sets; no name may occur in two of them.
    complete
        Tick it if all stems together are all there was in the mixture.

    Notes
    -----
    Good for cascades: the stems of a first model with the finer stems that a second one made of its rest. Nothing
    is changed in the sound; stems keep the order of the sets.
    """
    require_some("sets", sets)
    require_match(*sets)
    merged: dict[str, Audio] = {}
    for stems in sets:
        twice = [name for name in stems if name in merged]
        if twice:
            raise NodeError(f"two sets have a stem {twice[0]!r}; put a stems.rename node before one of them")
        merged.update(stems.audio)
    return Stems(merged, complete)


@node("stems.mixdown", tags=("sum", "mix"), derived=True, scratch=0.5)
def mixdown(stems: Stems) -> Audio:
    """Add all stems of a set up.

    Parameters
    ----------
    stems
        The set.

    Notes
    -----
    Good for hearing what a set sounds like as a whole, and for comparing it with the mixture.

    References
    ----------
    y = sum_k s_k, in the order of the set. Nothing is clipped.
    """
    parts = list(stems.audio.values())
    return parts[0].with_samples(total(parts))
