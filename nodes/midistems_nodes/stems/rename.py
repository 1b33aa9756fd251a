"""Other names for stems."""

from __future__ import annotations

from midistems_graph.audio.stem_names import find
from midistems_graph.node import NodeError, Stems, node


@node("stems.rename", title="Rename stems", tags=("name",), derived=True, scratch=0)
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
    return stems.map(dict(zip(names, stems.audio.values(), strict=True)))
