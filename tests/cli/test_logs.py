"""The log file stays small however much is logged, and a disk that refuses it is no fault."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from midistems_graph.cli.logs import KEPT, MAX_BYTES, log_file, logged


def test_a_full_log_file_makes_way_and_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with logged():
        for number in range((KEPT + 2) * 11):
            logging.getLogger("test").warning("%d %s", number, "x" * (MAX_BYTES // 10))
    found = sorted(log_file().parent.iterdir())
    assert len(found) == KEPT + 1 and all(path.stat().st_size <= MAX_BYTES for path in found)
    assert " test WARNING " in log_file().read_text()


def test_a_state_folder_that_refuses_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with logged():
        logging.getLogger("test").warning("nobody hears this")
    assert (tmp_path / "file").read_text() == ""
