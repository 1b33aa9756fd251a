"""The draft files: no `version`, and an edge was a pair `["a.out", "b.in"]`."""

from __future__ import annotations

from typing import Any


def migrate(data: dict[str, Any]) -> dict[str, Any]:
    """Edges become `{"from": ..., "to": ...}`, in the graph and in its groups."""
    migrated = {**_edges_named(data), "version": 1}
    groups = data.get("groups")
    if isinstance(groups, dict):
        migrated["groups"] = {k: _edges_named(g) if isinstance(g, dict) else g for k, g in groups.items()}
    return migrated


def _edges_named(body: dict[str, Any]) -> dict[str, Any]:
    edges = body.get("edges")
    if not isinstance(edges, list):
        return body
    return {**body, "edges": [_edge(e) if isinstance(e, list) and len(e) == 2 else e for e in edges]}


def _edge(pair: list[Any]) -> dict[str, Any]:
    return {"from": pair[0], "to": pair[1]}
