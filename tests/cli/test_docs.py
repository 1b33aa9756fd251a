"""The reference of the command line: its examples run, its tables are those of the programs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from command_line import Program, write_song

from midistems_graph.cli import codes
from midistems_graph.cli.run_graph import parser

PAGE = (Path(__file__).parents[2] / "docs" / "run-graph.md").read_text()


def test_every_example_runs(run: Program, midistems: Program, home: Path) -> None:
    graph = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert graph
    (home / "split.json").write_text(graph[1])
    write_song(home / "song.wav")
    for folder, name in (("songs", "a"), ("songs", "b"), ("true_stems", "harmonic")):
        (home / folder).mkdir(exist_ok=True)
        write_song(home / folder / f"{name}.wav", seed=len(name))
    programs = {"run-graph": run, "midistems-graph": midistems}
    lines = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    examples = [shlex.split(line) for line in lines if not line.startswith("#") and "GRAPH" not in line]
    assert len(examples) > 15
    for program, *arguments in examples:
        ended = programs[program](*arguments)
        assert ended.code == 0, (arguments, ended.err)
        assert not ended.sentences, (arguments, ended.err)


def test_the_table_of_exit_codes_is_that_of_the_program() -> None:
    assert codes.as_markdown() in PAGE
    severity = ", ".join(str(code.value) for code in codes.SEVERITY if code)
    assert f"{severity}." in PAGE
    assert codes.as_text() in parser().format_help()


@pytest.mark.parametrize("option", [o for action in parser()._actions for o in action.option_strings])
def test_every_option_is_explained(option: str) -> None:
    assert f"`{option}" in PAGE or option in ("-h", "--help", "--version", "--verbose")
