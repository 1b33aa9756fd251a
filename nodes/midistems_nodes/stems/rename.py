"""Other names for stems."""

from __future__ import annotations

from types import SimpleNamespace

from midistems_graph.audio.stem_names import find
from midistems_graph.node import Alone, NodeError, Stems, node


def _apart(knobs: SimpleNamespace, sets: tuple[tuple[str, ...], ...]) -> dict[str, Alone]:
    """Each stem is renamed by itself, if all names are as they must be."""
    names = sets[0]
    try:
        called = _called(knobs.old, knobs.new, names)
    except NodeError:
        return {}
    return {after: Alone({"old": (name,), "new": (after,)}, (name,)) for name, after in zip(names, called, strict=True)}


@node("stems.rename", title="Rename stems", tags=("name",), derived=True, scratch=0, apart=_apart)
def rename(stems: Stems, *, old: tuple[str, ...] = (), new: tuple[str, ...] = ()) -> Stems:
    """Give stems other names.

    Parameters
    ----------
    stems
        The set.
    old
        Names to change: of stems, other common names of them, or of a branch of the tree, whose stems stay below it.
    new
        What they are called from now on, in the same order.

    Notes
    -----
    Good for making the sets of two tools agree, so that they can be blended stem by stem, or for preparing a merge.
    Nothing is changed in the sound; all names change at once, so two stems can swap theirs.
    """
    return stems.map(dict(zip(_called(old, new, tuple(stems)), stems.audio.values(), strict=True)))


def _called(old: tuple[str, ...], new: tuple[str, ...], stems: tuple[str, ...]) -> list[str]:
    """What stems are called from now on."""
    if len(old) != len(new):
        raise NodeError(f"{len(old)} old names need as many new ones, not {len(new)}")
    changed: dict[str, str] = {}
    for before, after in zip(old, new, strict=True):
        found = find(before, stems)
        if not found:
            raise NodeError(f"there is no stem {before!r}; the set has {', '.join(stems)}")
        if len(found) == 1:
            changed[found[0]] = after
        else:
            depth = before.count("/") + 1
            changed |= {name: "/".join([after, *name.split("/")[depth:]]) for name in found}
    names = [changed.get(name, name) for name in stems]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise NodeError(f"two stems would be called {twice[0]!r}; every name may occur once")
    return names
