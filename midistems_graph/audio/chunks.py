"""What libsndfile does not write into its files: chunks of WAV and AIFF, metadata blocks of FLAC.

WAV, RF64 and AIFF are chunks in a row: one more is put at the end, and the length of the whole set anew (EA IFF 85;
EBU Tech 3306 for RF64). FLAC keeps its metadata before the sound, in numbered blocks (RFC 9639). The files are hidden
ones of ours, which nobody reads yet.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from midistems_graph.audio.timeline import Marker, Timeline

_MOST = (1 << 32) - 16
"""Bytes of a WAV or AIFF file."""

_COMMENT, _PICTURE = 4, 6
_LAST = 0x80
_MOST_BLOCK = (1 << 24) - 1


def append_chunks(path: Path, chunks: Mapping[bytes, bytes]) -> None:
    """Put chunks, content by name, at the end of a WAV, RF64 or AIFF file; what it has no room for is left out."""
    if not chunks:
        return
    with path.open("r+b") as file:
        kind = file.read(4)
        order = ">" if kind == b"FORM" else "<"
        file.seek(0, 2)
        for name, content in chunks.items():
            end = file.tell()
            if kind != b"RF64" and end + len(content) + 10 > _MOST:
                continue
            file.write(b"\0" * (end % 2) + name + struct.pack(f"{order}I", len(content)) + content)
            file.write(b"\0" * (len(content) % 2))
        whole = file.tell() - 8
        if kind == b"RF64":  # the real length stands in the chunk `ds64`, which comes first
            file.seek(20)
            file.write(struct.pack("<Q", whole))
        else:
            file.seek(4)
            file.write(struct.pack(f"{order}I", whole))


def cues(markers: Sequence[Marker]) -> bytes:
    """The content of a WAV file's `cue ` chunk, as libsndfile writes it into all but RF64 files."""
    points = [struct.pack("<II4sIII", number, 0, b"data", 0, 0, marker.at) for number, marker in enumerate(markers, 1)]
    return struct.pack("<I", len(points)) + b"".join(points) if points else b""


def labels(markers: Sequence[Marker]) -> bytes:
    """The content of a WAV file's `LIST` chunk with the names of its cue points; empty where none has a name."""
    named = [(number, marker.name) for number, marker in enumerate(markers, 1) if marker.name]
    found = b""
    for number, name in named:
        content = struct.pack("<I", number) + name.encode() + b"\0"
        found += b"labl" + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
    return b"adtl" + found if found else b""


def place_in_comments(timeline: Timeline) -> dict[str, str]:
    """Time reference, tempo and markers as Vorbis comments.

    TIME_REFERENCE counts samples, as FFmpeg names it; CHAPTER001 and CHAPTER001NAME are those of Xiph, in milliseconds.
    """
    found = {"TIME_REFERENCE": str(timeline.origin)} if timeline.origin else {}
    if timeline.tempo:
        found["BPM"] = f"{timeline.tempo:.6g}"
    for number, marker in enumerate(timeline.markers[:999], 1):
        minutes, milliseconds = divmod(round(1000 * marker.at / timeline.rate), 60_000)
        at = f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"
        found[f"CHAPTER{number:03}"] = at
        found[f"CHAPTER{number:03}NAME"] = marker.name
    return found


def add_to_flac(path: Path, comments: Mapping[str, str], cover: bytes) -> None:
    """Put comments and a cover into a FLAC file, beside those that it has."""
    if not comments and not cover:
        return
    moved = path.with_name(path.name + ".untagged")
    path.replace(moved)
    try:
        with path.open("xb") as file, moved.open("rb") as old:
            blocks = list(_blocks(old))
            if comments:
                before = next((content for kind, content in blocks if kind == _COMMENT), b"\0" * 8)
                blocks = [block for block in blocks if block[0] != _COMMENT]
                blocks.append((_COMMENT, _with_comments(before, comments)))
            if cover and len(cover) < _MOST_BLOCK - 100:
                blocks.append((_PICTURE, _picture(cover)))
            file.write(b"fLaC")
            for place, (kind, content) in enumerate(blocks, 1):
                last = _LAST if place == len(blocks) else 0
                file.write(bytes([kind | last]) + len(content).to_bytes(3, "big") + content)
            shutil.copyfileobj(old, file)
    finally:
        moved.unlink()


def mime_type(cover: bytes) -> str:
    """What kind of picture a cover is; empty for what players do not show."""
    if cover.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/png" if cover.startswith(b"\x89PNG\r\n\x1a\n") else ""


def _blocks(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Kind and content of the metadata blocks of a FLAC file; leaves it at its sound."""
    file.seek(4)
    last = 0
    while not last:
        head = file.read(4)
        last, kind = head[0] & _LAST, head[0] & ~_LAST
        yield kind, file.read(int.from_bytes(head[1:], "big"))


def _with_comments(block: bytes, comments: Mapping[str, str]) -> bytes:
    """A block of Vorbis comments with further ones."""
    (vendor,) = struct.unpack_from("<I", block)
    at = 4 + vendor
    (count,) = struct.unpack_from("<I", block, at)
    added = b""
    for name, text in comments.items():
        line = f"{name}={text}".encode()
        added += struct.pack("<I", len(line)) + line
    return block[:at] + struct.pack("<I", count + len(comments)) + block[at + 4 :] + added


def _picture(cover: bytes) -> bytes:
    """A picture block; the size in pixels may be left to the reader."""
    front = 3
    kind = mime_type(cover).encode()
    return struct.pack(">II", front, len(kind)) + kind + struct.pack(">IIIIII", 0, 0, 0, 0, 0, len(cover)) + cover
