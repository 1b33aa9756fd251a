"""Where nodes went that an edit gave other addresses: into a group, out of one, under another id."""

from __future__ import annotations

from midistems_graph.document.flatten import Flat


def moved(before: Flat, after: Flat) -> dict[str, str]:
    """Old address -> new one, of nodes that are gone from their place and stand unchanged at a new one.

    Of several that fit, the one whose own id stayed comes first. What was deleted is not among them.
    """
    gone = [address for address in before.nodes if address not in after.nodes]
    fresh = [address for address in after.nodes if address not in before.nodes] if gone else []
    found: dict[str, str] = {}
    for keeps_id in (True, False):
        for old in gone:
            fits = (
                new for new in fresh if (_id(new) == _id(old)) == keeps_id and before.nodes[old] == after.nodes[new]
            )
            new = next(fits, None) if old not in found else None
            if new is not None:
                found[old] = new
                fresh.remove(new)
    return found


def _id(address: str) -> str:
    """The node's own id, without the groups around it."""
    return address.rpartition("/")[2]
