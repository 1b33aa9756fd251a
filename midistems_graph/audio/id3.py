"""Tags of MP3 files in every script: ID3 version 2.4, UTF-8 (id3.org, "ID3 tag version 2.4.0").

libsndfile writes Latin-1 alone, and the libraries that write more are under the GPL.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from midistems_graph.audio.chunks import mime_type

_FRAMES = {
    "title": "TIT2", "artist": "TPE1", "album": "TALB", "date": "TDRC", "tracknumber": "TRCK", "genre": "TCON",
    "copyright": "TCOP", "software": "TSSE",
}  # fmt: skip
_UTF8 = b"\x03"


def id3_tag(tags: Mapping[str, str], *, tempo: float = 0.0, cover: bytes = b"") -> bytes:
    """The block that stands before the sound; nothing for no tags. A licence becomes text under that name.

    `tempo` is in beats per minute (0: not known), `cover` a JPEG or PNG.
    """
    frames = b"".join(_frame(_FRAMES[name], _UTF8 + text.encode()) for name, text in tags.items() if name in _FRAMES)
    if comment := tags.get("comment"):
        frames += _frame("COMM", _UTF8 + b"und" + b"\0" + comment.encode())
    if licence := tags.get("license"):
        frames += _frame("TXXX", _UTF8 + b"license\0" + licence.encode())
    if tempo:
        frames += _frame("TBPM", _UTF8 + f"{round(tempo)}".encode())
    if cover:
        front = b"\x03"
        frames += _frame("APIC", _UTF8 + mime_type(cover).encode() + b"\0" + front + b"\0" + cover)
    return b"ID3\x04\x00\x00" + _size(len(frames)) + frames if frames else b""


def put_before(path: Path, block: bytes) -> None:
    """Put bytes before what a file holds; the file is a hidden one of ours."""
    if not block:
        return
    moved = path.with_name(path.name + ".untagged")
    path.replace(moved)
    try:
        with path.open("xb") as file, moved.open("rb") as old:
            file.write(block)
            shutil.copyfileobj(old, file)
    finally:
        moved.unlink()


def _frame(name: str, content: bytes) -> bytes:
    return name.encode() + _size(len(content)) + b"\0\0" + content


def _size(number: int) -> bytes:
    """Four bytes of seven bits, so that no size looks like the beginning of a frame of sound."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))
