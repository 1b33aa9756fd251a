"""What node types cost here: added up, faded, found by kind, and kept beside other runs."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from midistems_graph.engine.costs import FADES, Cost, Costs, Kind, remember

HPSS, LOAD = Kind("separate.hpss", "a1"), Kind("io.load", "b2")


def test_runs_add_up_and_older_ones_fade(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    remember([(HPSS, Cost(FADES, 100.0, 8.0)), (LOAD, Cost(10.0, 1.0, 40.0))], file)
    remember([(HPSS, Cost(FADES, 300.0, 8.0))], file)
    known = Costs.read(file).known
    assert known[HPSS] == Cost(1.5 * FADES, 350.0, 12.0)
    assert known[HPSS].samples < 2 * FADES
    assert known[LOAD].for_samples(30.0) == Cost(30.0, 3.0, 120.0)


def test_loading_a_network_is_a_part_that_does_not_grow_with_the_song() -> None:
    runs = [(HPSS, Cost(10.0, 4.0, 0.0, starts=1.0, starting=6.0)), (HPSS, Cost(10.0, 4.0, 0.0))]
    cost = Costs({}).with_more(runs).known[HPSS]
    assert cost.start == pytest.approx(6.0)  # the second one found it loaded
    assert cost.for_samples(100.0).seconds == pytest.approx(40.0)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 2, "costs": [["a", "b", "x", 1, 1]]}', '{"format": 9}'])
def test_a_file_that_is_damaged_or_not_ours_is_no_knowledge(tmp_path: Path, text: str) -> None:
    file = tmp_path / "costs.json"
    file.write_text(text)
    assert not Costs.read(file).known
    remember([(LOAD, Cost(1.0, 1.0, 1.0))], file)
    assert Costs.read(file).known == {LOAD: Cost(1.0, 1.0, 1.0)}


def test_a_state_that_cannot_be_written_stops_no_run(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    remember([(LOAD, Cost(1.0, 1.0, 1.0))], tmp_path / "state" / "costs.json")


def _remember_often(file: Path, program: str) -> None:
    for number in range(20):
        remember([(Kind(program, str(number)), Cost(1.0, 1.0, 1.0))], file)


def test_several_programs_lose_nothing_of_each_other(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    context = multiprocessing.get_context("spawn")
    programs = [context.Process(target=_remember_often, args=(file, name)) for name in "ab"]
    for program in programs:
        program.start()
    _remember_often(file, "c")
    for program in programs:
        program.join(60)
    assert len(Costs.read(file).known) == 60


def test_a_long_run_outweighs_a_short_one_that_was_slow() -> None:
    slow = Costs({HPSS: Cost(1000.0, 1000.0, 0.0)})
    assert slow.with_more([(HPSS, Cost(100_000.0, 10.0, 0.0))]).known[HPSS].seconds == pytest.approx(10.0)
