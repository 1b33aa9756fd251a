from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from midistems_graph.editor.model.settings import Settings
from midistems_graph.editor.model.views import LARGEST, SMALLEST, Views, choices


def test_choices_are_remembered(tmp_path: Path) -> None:
    chosen = Settings(views=Views("mel", "side", "spectrogram", -20, 60, 300))
    assert chosen.save(tmp_path) and Settings.load(tmp_path) == (chosen, [])


def test_what_cannot_be_used_is_said_and_left_out() -> None:
    views, said = Views.from_data({"scale": "bark", "range": 60, "height": True, "colour": "red", "channel": ["mid"]})
    assert views == Views(range=60)
    assert len(said) == 3 and "'bark'" in said[0]


def test_each_choice_comes_round_again() -> None:
    for name in ("scale", "channel", "shows", "range"):
        views, seen = Views(), set()
        for _ in choices(name):
            views = views.next(name)
            seen.add(getattr(views, name))
        assert views == Views() and len(seen) == len(choices(name))


def test_brighter_and_darker_end_at_the_ends() -> None:
    assert Views().brighter(1) == replace(Views(), ceiling=-20)
    assert Views().brighter(-9).ceiling == 0 and Views().brighter(99).ceiling == -40
    assert (Views.bounded(3), Views.bounded(1e6)) == (SMALLEST, LARGEST)
