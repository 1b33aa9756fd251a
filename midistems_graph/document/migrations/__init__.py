"""Files of older versions, brought up to date in memory: v0 -> v1 -> ... on plain data.

One module per step, with a file before and after it among the tests' fixtures. A step sees data that
is plain but otherwise unchecked, so it changes what it recognises and leaves the rest for the reader
to complain about. It returns new data and never changes what it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from midistems_graph import __version__
from midistems_graph.document.graph import DocumentError
from midistems_graph.document.migrations import v0_to_v1

FORMAT = "midistems-graph"
STEPS: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (v0_to_v1.migrate,)
"""`STEPS[n]` takes version n to version n + 1."""

VERSION = len(STEPS)
"""The version that is written."""


def migrate(data: dict[str, Any]) -> dict[str, Any]:
    """Plain data of any known version as data of the current one.

    Raises DocumentError where this is no graph, or one that a newer midistems-graph wrote.
    """
    if data.get("format") != FORMAT:
        raise DocumentError(
            f"format: this is not a midistems graph, it has {data.get('format')!r:.60} here; "
            f"a graph file says {FORMAT!r}"
        )
    version = data.get("version", 0)
    if isinstance(version, bool) or not isinstance(version, int | float) or version != int(version) or version < 0:
        raise DocumentError(f"version: {version!r:.60} is not a version of the graph format; write {VERSION}")
    if version > VERSION:
        raise DocumentError(
            f"version: this graph was written in version {int(version)} of the graph format, but midistems-graph "
            f"{__version__} reads versions up to {VERSION}; update midistems-graph to open it"
        )
    for step in STEPS[int(version) :]:
        data = step(data)
    return data
