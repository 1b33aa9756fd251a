"""Which presets are offered first: those that run as the program is."""

from __future__ import annotations

from pathlib import Path

import pytest

from midistems_graph.document.presets import presets
from midistems_graph.editor.program.preset_list import FIRST, preset_list
from midistems_graph.models.library import ENVIRONMENT
from midistems_graph.models.manifest import FILE_NAME
from midistems_graph.node.library import installed


def test_what_runs_comes_before_what_lacks_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    offered = preset_list(installed())
    assert {one.name for one in offered} == {one.name for one in presets()}
    assert tuple(one.name for one in offered[: len(FIRST)]) == FIRST and not offered[0].needs
    lacking = [bool(one.lacks) for one in offered]
    assert lacking == sorted(lacking) and any(lacking) and not all(lacking)
    last = offered[-1]
    assert last.needs == f"needs the model {', '.join(last.lacks)}"
    for name in last.lacks:
        (tmp_path / name).mkdir()
        (tmp_path / name / FILE_NAME).touch()
    assert not next(one for one in preset_list(installed()) if one.name == last.name).needs
