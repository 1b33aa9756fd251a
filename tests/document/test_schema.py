from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from midistems_graph.document.data import from_data, to_data
from midistems_graph.document.graph import DocumentError, Graph
from strategies import damaged, graphs, some

SCHEMA = json.loads(files("midistems_graph.document").joinpath("schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
PRESETS = sorted((Path(__file__).parents[2] / "graphs").glob("*.json"))
BEYOND_A_SCHEMA = ("does not exist", "must exist", "is already there as")


def accepted(data: dict[str, Any]) -> bool:
    try:
        from_data(data)
    except DocumentError as error:
        if any(words in str(error) for words in BEYOND_A_SCHEMA):
            assume(False)
        return False
    return True


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@some
@given(graphs())
def test_what_is_written_fits_the_schema(graph: Graph) -> None:
    VALIDATOR.validate(to_data(graph))


@some
@given(st.data())
def test_the_schema_accepts_exactly_what_is_read(data: st.DataObject) -> None:
    damage = data.draw(damaged(to_data(data.draw(graphs()))))
    assume(isinstance(damage, dict) and damage.get("version") == 1)
    assert VALIDATOR.is_valid(damage) == accepted(damage)


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_presets_fit_the_schema(path: Path) -> None:
    VALIDATOR.validate(json.loads(path.read_text("utf-8")))
