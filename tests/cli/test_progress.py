"""What is shown while a graph runs: a bar per node on a terminal, a line per node elsewhere."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from command_line import Program
from rich.console import Console

from midistems_graph.cli import plain_text, presets, tables
from midistems_graph.cli.progress import _Tally
from midistems_graph.document.presets import Preset
from midistems_graph.engine.plan import Unit


def test_a_terminal_gets_bars_and_the_words_of_each_node(
    run: Program, split: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(tables, "stderr", lambda: Console(file=screen, force_terminal=True, width=100, height=40))
    assert run(split, song, "-o", "out").code == 0
    shown = screen.getvalue()
    assert all(node in shown for node in ("load", "hpss", "save", "null")) and "━" in shown and "ran" in shown


def test_elsewhere_there_is_one_line_per_node(run: Program, split: Path, song: Path) -> None:
    lines = run(split, song, "-o", "out").err.splitlines()
    assert sorted(line.split(":")[0].strip() for line in lines if line.startswith("  ")) == [
        "hpss", "load", "null", "save"]  # fmt: skip


def test_a_bar_is_as_long_as_all_units_have_come_together() -> None:
    units = [Unit("hpss", tile) for tile in range(3)]
    tally = _Tally(SimpleNamespace(units=units, nodes={"hpss": None}))
    tally.progress(units[0], 0.25)
    tally.progress(units[0], 0.5)
    tally.progress(units[1], 7.0)
    assert tally.done("hpss") == 1.5
    tally.finish(units[0], "ran", 1.0)
    tally.finish(units[2], "cached", 0.0)
    assert tally.done("hpss") == 3 and not tally.is_over("hpss")
    tally.finish(units[1], "ran", 1.0)
    assert tally.done("hpss") == 3 and tally.is_over("hpss") and tally.words("hpss") == "ran 2.0 s"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain Größe 日本 🎵", "plain Größe 日本 🎵"), ("a\nb\tc", r"a\x0ab\x09c"), ("\x1b[31m", r"\x1b[31m"),
     ("\u202eabc", r"\u202eabc"), ("\udcff", r"\udcff"), ("[red]x[/red]", "[red]x[/red]")],
)  # fmt: skip
def test_text_from_files_cannot_steer_a_terminal(text: str, shown: str) -> None:
    assert plain_text.clean(text) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (59.6, "1:00 min"), (3723, "1:02:03 h")]
)
def test_times_are_short(seconds: float, shown: str) -> None:
    assert plain_text.in_seconds(seconds) == shown


def test_presets_are_listed_by_name_and_run_by_it(
    run: Program, copy: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presets, "presets", lambda: [Preset("just_copy", "Copies", copy)])
    assert run("just_copy", song, "-o", "out").code == 0
    ended = run("just_cpy", song)
    assert ended.code == 2 and "did you mean just_copy" in ended.err and "(Copies)" in ended.err


def test_what_to_try_next_can_be_typed_as_it_stands(
    run: Program, copy: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(home))
    programs = Path(sys.executable).parent
    monkeypatch.setattr(sys, "argv", [str(programs / "run-graph")])
    said = run(copy, "demo", "-o", "out").err
    assert f"{programs / 'midistems-graph'} graph show" in said and f"{programs / 'run-graph'} {copy} song.flac" in said


def test_the_list_has_every_preset_with_its_title(run: Program) -> None:
    ended = run("--list")
    assert ended.code == 0
    assert [line.split()[0] for line in ended.out.splitlines()] == [preset.name for preset in presets.presets()]
