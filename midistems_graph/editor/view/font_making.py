"""One font out of several, for Dear PyGui writes with a single file: a base, and from others the letters it lacks.

    python -m midistems_graph.editor.view.font_making OUT BASE OTHER...

Outlines are drawn anew on the base's grid (cubic ones as quadratic ones, within a thousandth of its height); hints and
ligatures of the others are left out. A letter takes a millisecond, so it is done once, beside the editor.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont, TTLibError

MOST_GLYPHS = 65_000
LETTERS = ((0x00A0, 0xDFFF), (0xF900, 0xFFEF), (0x1F000, 0x1FAFF))
"""What is taken: all common scripts, symbols and emoji; no private letters and none of old texts."""

UNUSED = ("GSUB", "GPOS", "GDEF", "kern", "DSIG", "hdmx", "VDMX", "LTSH", "FFTM", "BASE", "JSTF")


def combine(out: Path, base: Path, others: Sequence[Path], letters: Collection[int] | None = None) -> int:
    """Write a font with the letters of all, those of the base first; how many were added.

    `letters` are the only ones that are taken (all by default). The base has to have TrueType outlines. Raises OSError
    and TTLibError for files that are no such fonts.
    """
    with TTFont(base, fontNumber=0) as font:
        known: dict[int, str] = dict(font.getBestCmap())
        before = len(known)
        for path in others:
            with TTFont(path, fontNumber=0, lazy=True) as other:
                _add(font, known, other, letters)
        builder = FontBuilder(font=font)
        builder.setupCharacterMap(known)
        builder.setupPost(keepGlyphNames=False)
        for table in UNUSED:
            if table in font:
                del font[table]
        _save(font, out)
    return len(known) - before


def _save(font: TTFont, out: Path) -> None:
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(4)}.tmp")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        font.save(temporary)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


def _add(font: TTFont, known: dict[int, str], other: TTFont, letters: Collection[int] | None) -> None:
    """Put letters of another font that are not known into a font."""
    scale = font["head"].unitsPerEm / other["head"].unitsPerEm
    glyphs, glyf, metrics = other.getGlyphSet(), font["glyf"], font["hmtx"].metrics
    drawn: dict[str, str] = {}
    for letter, name in sorted(other.getBestCmap().items()):
        wanted = any(low <= letter <= high for low, high in LETTERS) if letters is None else letter in letters
        if letter in known or not wanted or len(glyf.glyphOrder) >= MOST_GLYPHS:
            continue
        if name not in drawn:
            drawn[name] = f"added{len(glyf.glyphOrder)}"
            outline = DecomposingRecordingPen(glyphs)
            glyphs[name].draw(outline)
            pen = TTGlyphPen(None)
            outline.replay(TransformPen(Cu2QuPen(pen, font["head"].unitsPerEm / 1000), (scale, 0, 0, scale, 0, 0)))
            glyph = pen.glyph()
            glyf[drawn[name]] = glyph
            metrics[drawn[name]] = round(glyphs[name].width * scale), getattr(glyph, "xMin", 0)
        known[letter] = drawn[name]


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(15)
    try:
        combine(Path(sys.argv[1]), Path(sys.argv[2]), [Path(word) for word in sys.argv[3:]])
    except (OSError, TTLibError) as problem:
        sys.exit(f"no font was made of these: {problem}")
