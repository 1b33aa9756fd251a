"""The text font: one file with the letters of as many scripts as the fonts of this system have together.

Dear PyGui writes with one file and its own covers Latin-1 only. Where no single font has every script, one is made of
several (`font_making`), once, beside the running editor; until it is there the font with the widest coverage is used.
Icons are drawn, not typed. Letters stand side by side from left to right; what has to be joined or turned round is
before (`scripts.seen`).
"""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import blake3
import platformdirs

from midistems_graph.editor.view.scripts import seen

if TYPE_CHECKING:
    from PIL import ImageFont

_LINUX = (
    "opentype/noto/NotoSansCJK-Regular.ttc",
    "noto-cjk/NotoSansCJK-Regular.ttc",
    "google-noto-cjk/NotoSansCJK-Regular.ttc",
    "adobe-source-han-sans/SourceHanSans-Regular.ttc",
    "truetype/wqy/wqy-microhei.ttc",
    "wqy-microhei/wqy-microhei.ttc",
    "truetype/dejavu/DejaVuSans.ttf",
    "dejavu/DejaVuSans.ttf",
    "TTF/DejaVuSans.ttf",
    "dejavu-sans-fonts/DejaVuSans.ttf",
    "truetype/noto/NotoSans-Regular.ttf",
    "noto/NotoSans-Regular.ttf",
    "truetype/liberation/LiberationSans-Regular.ttf",
)
_MAC = ("Supplemental/Arial Unicode.ttf", "Hiragino Sans GB.ttc", "Helvetica.ttc")
_WINDOWS = ("msyh.ttc", "segoeui.ttf", "arial.ttf")

_BASES = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "segoeui.ttf", "arial.ttf")
"""Fonts with TrueType outlines that others can be added to."""

_OTHERS = (
    "truetype/droid/DroidSansFallbackFull.ttf",
    "truetype/noto/NotoSansArabic-Regular.ttf",
    "truetype/noto/NotoSansHebrew-Regular.ttf",
    "truetype/noto/NotoSansThai-Regular.ttf",
    "truetype/noto/NotoSansDevanagari-Regular.ttf",
    "noto/NotoSansArabic-Regular.ttf",
    "noto/NotoSansHebrew-Regular.ttf",
    "noto/NotoSansThai-Regular.ttf",
    "noto/NotoSansDevanagari-Regular.ttf",
    "truetype/ancient-scripts/Symbola_hint.ttf",
    "truetype/noto/NotoSansSymbols2-Regular.ttf",
    "noto/NotoSansSymbols2-Regular.ttf",
    "truetype/unifont/unifont.ttf",
    "seguisym.ttf",
    "seguiemj.ttf",
)
"""Fonts without Latin letters, or plain ones, that fill gaps."""

SAMPLES = {
    "Latin": "é",
    "Greek": "λ",
    "Cyrillic": "ж",
    "Hebrew": "ש",
    "Arabic": "ع",
    "Thai": "ก",
    "Devanagari": "क",
    "Japanese": "あ",
    "Chinese": "曲",
    "Korean": "한",
    "emoji": "🎤",
}
"""A letter of each script that names are asked about."""

REMEDY = "install fonts of all scripts (Debian: apt install fonts-noto-cjk fonts-noto-core fonts-symbola)"


def font_files() -> list[Path]:
    """Text fonts that are there, the widest coverage first."""
    match sys.platform:
        case "darwin":
            return _there(_MAC)
        case "win32":
            return _there(_WINDOWS)
    return _there(_LINUX)


def text_font() -> Path | None:
    """The font for all text; None leaves Dear PyGui's own, which shows Latin letters only."""
    parts = parts_of_font()
    if len(parts) > 1 and (made := made_font(parts)).is_file():
        return made
    return next(iter(font_files()), None)


def parts_of_font() -> tuple[Path, ...]:
    """The fonts that the text font is made of: one that has all scripts, or a base and those that add to it."""
    there = font_files()
    base = next((path for name in _BASES for path in there if path.name == name), None)
    if base is None or (there and not _lacking(there[:1])):
        return tuple(there[:1])
    parts = [base]
    for other in (*there, *_there(_OTHERS)):
        lacking = _lacking(parts)
        if lacking and len(_lacking([*parts, other])) < len(lacking):
            parts.append(other)
    return tuple(parts)


def made_font(parts: Sequence[Path]) -> Path:
    """Where the font that is made of others lies; another name when one of them is another file."""
    told = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in parts]
    digest = blake3.blake3("\n".join(told).encode()).hexdigest(16)
    return platformdirs.user_cache_path("midistems-graph", appauthor=False) / "fonts" / f"text-{digest}.ttf"


def begin_font() -> subprocess.Popen[bytes] | None:
    """Begin to make the text font if it is made of several and not there yet; a process of its own does it."""
    parts = parts_of_font()
    if len(parts) < 2 or made_font(parts).is_file():
        return None
    words = [sys.executable, "-P", "-m", "midistems_graph.editor.view.font_making", made_font(parts), *parts]
    quiet = subprocess.DEVNULL
    return subprocess.Popen([str(word) for word in words], stdin=quiet, stdout=quiet, stderr=quiet)


def scripts_of(font: Path) -> tuple[str, ...]:
    """The scripts that a font can show, of those in SAMPLES."""
    return tuple(name for name, letter in SAMPLES.items() if shows(font, letter))


def shows(font: Path, text: str) -> bool:
    """Whether a font has every letter of a text."""
    return not _missing(font, text)


def unreadable(text: str) -> str:
    """A sentence about the letters of a text that are shown as question marks; empty if there are none."""
    text = seen(text)
    missing = {letter for letter in text if ord(letter) > 0xFF}
    for font in parts_of_font() if missing else ():
        missing &= _missing(font, text)
    if not missing:
        return ""
    named = sorted({_script_of(letter) for letter in missing})
    return f"{', '.join(named[:3])} letters that no font here has are shown as ?; {REMEDY}"


def _script_of(letter: str) -> str:
    """The script of a letter, from the first word of its name."""
    if ord(letter) >= 0x1F000:
        return "emoji"
    return unicodedata.name(letter, "unknown").partition(" ")[0].partition("-")[0].capitalize()


def font_sentence() -> str:
    """What the editor writes with, and what is missing: for `doctor` and the settings."""
    parts = parts_of_font()
    if not parts:
        return f"none was found, names show Latin letters only; {REMEDY}"
    lacking = _lacking(parts)
    there = [name for name in SAMPLES if name not in lacking]
    names = " with ".join(path.name for path in parts)
    if len(parts) > 1 and not made_font(parts).is_file():
        names += ", put together when the editor is opened"
    what = f"{names} ({', '.join(there)})"
    return what + (f"; no {', '.join(lacking)}: {REMEDY}" if lacking else "")


def _there(names: Sequence[str]) -> list[Path]:
    """Files of these names in the folders of fonts."""
    match sys.platform:
        case "darwin":
            folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts")]
        case "win32":
            folders = [Path("C:/Windows/Fonts")]
        case _:
            own = Path.home() / ".local/share/fonts"
            folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), own]
    return [folder / name for name in names for folder in folders if (folder / name).is_file()]


def _lacking(fonts: Sequence[Path]) -> list[str]:
    """The scripts that none of some fonts has."""
    return [name for name, letter in SAMPLES.items() if not any(shows(font, letter) for font in fonts)]


def _missing(font: Path, text: str) -> set[str]:
    """The letters of a text that a font does not have; spaces and joiners are nothing to see."""
    seen = {letter for letter in text if unicodedata.category(letter) not in ("Zs", "Cc", "Cf", "Mn")}
    if all(ord(letter) < 0x7F for letter in seen):
        return set()
    face = _face(str(font))
    none = bytes(face.getmask("\U0010fffe"))
    return {letter for letter in seen if bytes(face.getmask(letter)) == none}


@cache
def _face(path: str) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(path, 24)
