"""How far a batch is: what is shown of it, and how long it will still take."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from midistems_graph.cli.batch import progress as batch_progress
from midistems_graph.cli.batch.progress import Pace, shown


def test_the_time_left_follows_from_what_is_done_and_no_clock_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(batch_progress.time, "monotonic", lambda: now[0])
    pace = Pace()
    pace.expect(4, 400.0)
    assert pace.left is None
    pace.begin()
    now[0] += 10.0
    pace.end(0, 100.0)
    assert pace.left == pytest.approx(30.0) and pace.words == "1 of 4, about 30 s left"
    pace.move(1, 100.0)
    assert pace.left == pytest.approx(10.0)
    pace.expect(-1, -100.0)  # done earlier: it never counted
    assert pace.left == pytest.approx(5.0)
    pace.end(1, 100.0)
    pace.end(0, 100.0)
    assert pace.left is None and pace.words == "3 of 3"


def test_a_terminal_shows_the_batch_and_the_songs_at_work() -> None:
    screen = io.StringIO()
    with shown(Console(file=screen, force_terminal=True, width=100, height=20), quiet=False) as display:
        display.expect(3, 300.0)
        display.begin(0, "\x1b[31m" + "x" * 60 + "/first")
        display.begin(1, "second")
        display.move(0, 0.5, "hpss", 100.0)
        display.begin(2, "third")
        display.end(2, "third", "done in 1 s", 100.0)
    said = screen.getvalue()
    assert all(words in said for words in ("all songs", "second", "hpss", "x/first", "…x", "━"))
    assert "1 of 3" in said and "\x1b[31mx" not in said


def test_elsewhere_there_is_a_line_for_every_song_that_is_over() -> None:
    screen = io.StringIO()
    with shown(Console(file=screen, width=100), quiet=False) as display:
        display.expect(2, 2.0)
        display.begin(0, "a")
        display.move(0, 0.5, "hpss", 1.0)
        display.pause(0, "a", "no memory; it is tried again later")
        display.begin(0, "b")
        display.end(0, "b", "failed", 1.0)
    assert screen.getvalue().splitlines() == ["a: no memory; it is tried again later", "1 of 2  b: failed"]
