from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from canvas import graph

from midistems_graph.document.files import load, save
from midistems_graph.editor.model.journal import (
    EVERY,
    Journal,
    autosave_of,
    discard,
    is_open_elsewhere,
    recover,
    recover_unsaved,
    set_aside,
)
from midistems_graph.editor.model.settings_file import write_json

FIRST, SECOND = graph("a=io.load"), graph("a=io.load; b=io.save")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "songs" / "cascade.json"
    path.parent.mkdir()
    save(FIRST, path)
    return path


def journal(file: Path | None, tmp_path: Path) -> Journal:
    made = Journal(file, tmp_path / "state")
    made.open()
    return made


def test_unsaved_work_is_kept_beside_the_file_and_offered_again(file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    assert journal(file, tmp_path).keep(SECOND, 100.0)
    assert file.read_bytes() == before
    found = recover(file, load(file))
    assert found is not None and found.graph == SECOND and found.file == file
    discard(found)
    assert recover(file) is None


def test_work_is_kept_every_few_seconds_and_when_it_changed(file: Path, tmp_path: Path) -> None:
    kept = journal(file, tmp_path)
    assert kept.keep(FIRST, 0.0) and not kept.keep(FIRST, 2 * EVERY)
    assert kept.keep(SECOND, 3 * EVERY) and not kept.keep(FIRST, 3 * EVERY + 1)
    assert kept.keep(FIRST, 3 * EVERY + 1, at_once=True)


def test_saving_and_closing_leave_nothing_behind(file: Path, tmp_path: Path) -> None:
    kept = journal(file, tmp_path)
    kept.keep(SECOND, 0.0)
    save(SECOND, file)
    kept.saved(file)
    assert recover(file) is None and kept.changed_outside() == ""
    kept.close()
    assert sorted(p.name for p in file.parent.iterdir()) == ["cascade.json", "cascade.json.bak1"]


def test_an_autosave_that_says_what_the_file_says_is_not_offered(file: Path, tmp_path: Path) -> None:
    journal(file, tmp_path).keep(FIRST, 0.0)
    assert recover(file, load(file)) is None


def test_a_damaged_autosave_is_left_where_it_is(file: Path) -> None:
    autosave_of(file).write_text("{")
    assert recover(file) is None and autosave_of(file).exists()


def test_a_document_without_a_file_survives_the_death_of_its_window(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from midistems_graph.editor.model.journal import Journal\n"
        "from midistems_graph.document.graph import Graph, Node\n"
        "Journal(None, Path(sys.argv[1])).keep(Graph(nodes={'a': Node('io.load')}), 0.0)\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    (found,) = recover_unsaved(tmp_path)
    assert set(found.graph.nodes) == {"a"} and found.file is None
    living = Journal(None, tmp_path)
    living.keep(SECOND, 0.0)
    assert len(recover_unsaved(tmp_path)) == 1


def test_two_windows_on_one_file_notice_each_other(file: Path, tmp_path: Path) -> None:
    one, two = Journal(file, tmp_path), Journal(file, tmp_path)
    assert one.open() == "" and one.noticed() == ""
    assert f"another window too (process {os.getpid()})" in two.open()
    assert "another window too" in one.noticed() and one.noticed() == ""
    two.close()
    assert "another window too" in Journal(file, tmp_path).open()


def test_a_second_window_that_closes_leaves_the_autosave_of_the_first(file: Path, tmp_path: Path) -> None:
    one, two = journal(file, tmp_path), journal(file, tmp_path)
    one.keep(SECOND, 0.0)
    two.close()
    found = recover(file)
    assert found is not None and found.graph == SECOND


def test_windows_of_dead_processes_are_forgotten(file: Path, tmp_path: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    lock = file.with_name(".cascade.json.lock")
    write_json(lock, {"windows": [{"pid": int(gone.stdout), "token": "x"}, {"pid": "y"}, 3]})
    kept = Journal(file, tmp_path)
    assert kept.open() == ""
    kept.close()
    assert not lock.exists()


def test_a_folder_is_open_elsewhere_while_another_process_has_a_file_of_it(file: Path, tmp_path: Path) -> None:
    here = Journal(file, tmp_path)
    here.open()
    assert not is_open_elsewhere(file.parent)
    write_json(file.with_name(".other.json.lock"), {"windows": [{"pid": os.getppid(), "token": "theirs"}]})
    assert is_open_elsewhere(file.parent)


def test_what_a_crash_left_is_set_aside_and_no_autosave_lies_over_it(file: Path, tmp_path: Path) -> None:
    third = graph("c=io.load")
    journal(file, tmp_path).keep(SECOND, 0.0)
    found = recover(file, FIRST)
    assert found is not None
    aside = set_aside(found)
    later = journal(file, tmp_path)
    later.keep(third, 0.0)
    later.close()
    again = recover(file, FIRST)
    assert again is not None and again.graph == SECOND and again.autosave == aside.autosave
    discard(again)
    assert recover(file, FIRST) is None


def test_a_file_that_another_program_changed_is_told_once(file: Path, tmp_path: Path) -> None:
    kept = journal(file, tmp_path)
    assert kept.changed_outside() == ""
    save(SECOND, file)
    os.utime(file, ns=(1, 1))
    assert "changed by another program" in kept.changed_outside()
    assert kept.changed_outside() == ""
    file.unlink()
    assert "gone" in kept.changed_outside()


def test_a_folder_that_may_not_be_written_stops_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    assert not Journal(None, blocked).keep(FIRST, 0.0)
