"""The text font: one file of the system that covers as many scripts as possible.

Dear PyGui merges no fonts and its own covers Latin-1 only, so the first of these that is there is used for
everything. Icons are drawn, not typed.
"""

from __future__ import annotations

import sys
from pathlib import Path

_LINUX = (
    "opentype/noto/NotoSansCJK-Regular.ttc",
    "noto-cjk/NotoSansCJK-Regular.ttc",
    "google-noto-cjk/NotoSansCJK-Regular.ttc",
    "truetype/dejavu/DejaVuSans.ttf",
    "dejavu/DejaVuSans.ttf",
    "TTF/DejaVuSans.ttf",
    "dejavu-sans-fonts/DejaVuSans.ttf",
    "truetype/wqy/wqy-microhei.ttc",
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
