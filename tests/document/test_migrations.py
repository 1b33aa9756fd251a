from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from midistems_graph.document.files import dumps, load
from midistems_graph.document.graph import DocumentError
from midistems_graph.document.migrations import STEPS, VERSION, migrate

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.mark.parametrize("version", range(VERSION))
def test_a_file_of_every_older_version_becomes_the_one_beside_it(version: int) -> None:
    before, after = (FIXTURES / f"v{version}_to_v{version + 1}.{when}.json" for when in ("before", "after"))
    assert dumps(load(before)) == after.read_bytes()


@pytest.mark.parametrize("version", range(VERSION))
def test_a_step_leaves_what_it_is_given_alone(version: int) -> None:
    data = json.loads((FIXTURES / f"v{version}_to_v{version + 1}.before.json").read_text())
    kept = copy.deepcopy(data)
    assert STEPS[version](data)["version"] == version + 1
    assert data == kept


def test_a_newer_file_says_which_version_wrote_it() -> None:
    with pytest.raises(DocumentError, match=r"version 7 of the graph format.*up to 1; update midistems-graph"):
        migrate({"format": "midistems-graph", "version": 7})


@pytest.mark.parametrize("data", [{}, {"format": "other"}, {"nodes": {}}, {"format": ["midistems-graph"]}])
def test_another_file_is_no_graph(data: dict[str, object]) -> None:
    with pytest.raises(DocumentError, match="not a midistems graph"):
        migrate(data)


@pytest.mark.parametrize("version", ["1", True, 1.5, -1, None, []])
def test_a_strange_version_is_refused(version: object) -> None:
    with pytest.raises(DocumentError, match="is not a version"):
        migrate({"format": "midistems-graph", "version": version})
