"""The text font: one file of the system that covers as many scripts as possible.

Dear PyGui merges no fonts and its own covers Latin-1 only, so the first of these that is there is used for
everything. Icons are drawn, not typed. A font of Chinese, Japanese and Korean without Latin letters is no text font.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import ImageFont

_LINUX = (
    "opentype/noto/NotoSansCJK-Regular.ttc",
    "noto-cjk/NotoSansCJK-Regular.ttc",
    "google-noto-cjk/NotoSansCJK-Regular.ttc",
    "adobe-source-han-sans/SourceHanSans-Regular.ttc",
    "truetype/wqy/wqy-microhei.ttc",
    "wqy-microhei/wqy-microhei.ttc",
    "truetype/unifont/unifont.ttf",
    "truetype/dejavu/DejaVuSans.ttf",
    "dejavu/DejaVuSans.ttf",
    "TTF/DejaVuSans.ttf",
    "dejavu-sans-fonts/DejaVuSans.ttf",
    "truetype/noto/NotoSans-Regular.ttf",
    "truetype/liberation/LiberationSans-Regular.ttf",
)
_MAC = ("Supplemental/Arial Unicode.ttf", "Hiragino Sans GB.ttc", "Helvetica.ttc")
_WINDOWS = ("msyh.ttc", "segoeui.ttf", "arial.ttf")


def font_files() -> list[Path]:
    """Fonts that are there, the widest coverage first."""
    names: tuple[str, ...]
    match sys.platform:
        case "darwin":
            folders, names = [Path("/System/Library/Fonts"), Path("/Library/Fonts")], _MAC
        case "win32":
            folders, names = [Path("C:/Windows/Fonts")], _WINDOWS
        case _:
            home = Path.home()
            folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local/share/fonts"]
            names = _LINUX
    return [folder / name for name in names for folder in folders if (folder / name).is_file()]


def text_font() -> Path | None:
    """The font for all text; None leaves Dear PyGui's own, which shows Latin letters only."""
    return next(iter(font_files()), None)


def bold_font() -> Path | None:
    """The bold face of the text font, if it stands beside it."""
    font = text_font()
    if font is None:
        return None
    bold = font.with_name(font.name.replace("-Regular", "-Bold").replace("DejaVuSans.", "DejaVuSans-Bold."))
    return bold if bold != font and bold.is_file() else None


SAMPLES = {
    "Latin": "é",
    "Greek": "λ",
    "Cyrillic": "ж",
    "Japanese": "あ",
    "Chinese": "曲",
    "Korean": "한",
}
"""A letter of each script that song names are asked about."""

REMEDY = "install a font of all scripts (Debian: apt install fonts-noto-cjk)"


def scripts_of(font: Path) -> tuple[str, ...]:
    """The scripts that a font can show, of those in SAMPLES."""
    return tuple(name for name, letter in SAMPLES.items() if shows(font, letter))


def shows(font: Path, text: str) -> bool:
    """Whether a font has every letter of a text."""
    face = _face(str(font))
    missing = bytes(face.getmask("\U0010fffe"))
    return all(letter.isspace() or bytes(face.getmask(letter)) != missing for letter in set(text))


def font_sentence() -> str:
    """What the editor writes with, and what is missing: for `doctor`."""
    font = text_font()
    if font is None:
        return f"none was found, names show Latin letters only; {REMEDY}"
    there = scripts_of(font)
    lacking = [name for name in SAMPLES if name not in there]
    what = f"{font} ({', '.join(there)})"
    return what + (f"; no {', '.join(lacking)}: {REMEDY}" if lacking else "")


@cache
def _face(path: str) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(path, 24)
