"""Which letters can be read, and one font made of several."""

from __future__ import annotations

from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

from midistems_graph.editor.view import fonts
from midistems_graph.editor.view.font_making import combine
from midistems_graph.editor.view.fonts import font_files, scripts_of, shows


def test_fonts_that_are_named_exist() -> None:
    assert all(font.is_file() for font in font_files())


def dejavu() -> Path:
    font = next((file for file in font_files() if file.name == "DejaVuSans.ttf"), None)
    if font is None:
        pytest.skip("needs DejaVu Sans")
    return font


def test_a_font_says_which_scripts_it_can_show() -> None:
    font = dejavu()
    assert scripts_of(font)[:5] == ("Latin", "Greek", "Cyrillic", "Hebrew", "Arabic")
    assert shows(font, "Песня No 1 – é") and not shows(font, "夜に駆ける")


def test_what_the_text_font_lacks_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "font_files", lambda: [])
    assert "none was found" in fonts.font_sentence() and "apt install" in fonts.font_sentence()


def test_letters_that_nobody_can_read_are_said_by_their_script(monkeypatch: pytest.MonkeyPatch) -> None:
    font = dejavu()
    monkeypatch.setattr(fonts, "parts_of_font", lambda: (font,))
    assert fonts.unreadable("Café – Песня, مرحبا") == ""
    said = fonts.unreadable("夜に駆ける 🎤\u200d")
    assert said.startswith("Cjk, Hiragana, emoji") and "apt install" in said


def test_a_font_gets_the_letters_that_it_lacks_from_another(tmp_path: Path) -> None:
    base, made = tmp_path / "base.ttf", tmp_path / "made.ttf"
    pen = TTGlyphPen(None)
    for at, draw in (((0, 0), pen.moveTo), ((0, 500), pen.lineTo), ((400, 500), pen.lineTo)):
        draw(at)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "A"])
    builder.setupCharacterMap({ord("A"): "A"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "A": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "A": (450, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupOS2()
    builder.setupPost()
    builder.setupNameTable({"familyName": "Base", "styleName": "Regular"})
    builder.save(base)
    assert not shows(base, "ж")
    assert combine(made, base, [dejavu()], {ord("A"), ord("ж"), ord("é")}) == 2
    assert shows(made, "Aжé") and not shows(made, "ю")
    with TTFont(base) as own, TTFont(made) as given, TTFont(dejavu()) as donor:
        assert own["glyf"]["A"] == given["glyf"][given.getBestCmap()[ord("A")]]
        width = given["hmtx"][given.getBestCmap()[ord("ж")]][0]
        assert width == round(donor["hmtx"][donor.getBestCmap()[ord("ж")]][0] * 1000 / 2048)
    assert sorted(tmp_path.iterdir()) == [base, made]
