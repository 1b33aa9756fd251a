"""Names in scripts that Dear PyGui cannot write by itself."""

from __future__ import annotations

import pytest

from midistems_graph.editor.view.scripts import seen


@pytest.mark.parametrize("name", ["", "Вечер", "夜に駆ける", "demo (2).wav", "Crème brûlée 🎤"])
def test_what_runs_from_the_left_stays_as_it_is(name: str) -> None:
    assert seen(name) == name


def test_hebrew_is_turned_round_within_its_line() -> None:
    assert seen("שיר.wav") == "ריש.wav"
    assert seen("listening to שיר now") == "listening to ריש now"
    assert seen("שיר (live)") == "ריש (live)"


@pytest.mark.parametrize("name", ["שיר (2).wav", "(שיר) [2] x", "שיר :(", "(a) שיר (b)", "[שיר (2)] «שיר»"])
def test_brackets_enclose_what_they_enclosed(name: str) -> None:
    shown = seen(name)
    assert [shown.count(bracket) for bracket in "()[]«»"] == [name.count(bracket) for bracket in "()[]«»"]
    for opening, closing in ("()", "[]", "«»"):
        assert closing not in shown or shown.index(opening) < shown.index(closing)


def test_arabic_letters_are_joined() -> None:
    word = "ليل"  # lam, yeh, lam
    first, middle, last = (
        "\N{ARABIC LETTER LAM INITIAL FORM}",
        "\N{ARABIC LETTER YEH MEDIAL FORM}",
        "\N{ARABIC LETTER LAM FINAL FORM}",
    )
    assert seen(word) == last + middle + first
    assert seen(f"{word} 12.wav").endswith(".wav")
