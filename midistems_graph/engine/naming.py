"""Names in an output folder: those that files end up with, and those of files that are not finished.

    path_for("{song}/{song} - {stem}", {"song": "Demo", "stem": "drums/kick"}, "wav")
    Demo/Demo - drums - kick.wav

Titles and stem names come from anywhere, so each is cleaned until every system takes it as a name. A template may
come with a stranger's graph, so one that could lead out of the output folder is refused, not repaired.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
import string
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import blake3

DEFAULT_TEMPLATE = "{song} - {stem}"

FOLDER = "{folder}"

FIELDS = ("song", "stem", "node", "folder")
"""What a template may name in braces. `folder` may be several folders, or none."""

MAX_COMPONENTS = 8
"""Folders and file name in one template."""

MAX_BYTES = 223
"""UTF-8 bytes of a name: what file systems take (255) less room for a number or the suffix of an unfinished file."""


class OutputRefused(Exception):
    """An output may not be written there or under that name; one sentence for the user."""


_TAIL = 48  # bytes kept at the end of a name that is shortened: that is where the stem's name stands
_FORBIDDEN = re.compile(r'[<>:"|?*\\/\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]')
_EDGES = re.compile(r"^[\s.]+|[\s.]+$")
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
_EXTENSION = re.compile(r"\.?([A-Za-z0-9]+(\.[A-Za-z0-9]+)*)")


def path_for(template: str, fields: Mapping[str, str], extension: str) -> PurePosixPath:
    """The relative path that a template gives with a value for each of FIELDS (none for `folder` is no folder).

    An empty template stands for `{song} - {stem}`; an extension that it ends with already is not doubled.
    Raises OutputRefused for a template that is no safe relative path or has another field.
    """
    suffix = _EXTENSION.fullmatch(extension)
    if not suffix or len(extension) > 32:
        raise OutputRefused(f"{extension!r} is no file extension; use letters and digits, such as wav.")
    ending = "." + suffix[1]
    if template.lower().endswith(ending.lower()):
        template = template[: -len(ending)]
    values = {name: _clean(value) for name, value in fields.items()}
    values["folder"] = "/".join(filter(None, map(_portable, fields.get("folder", "").split("/"))))
    parts = "/".join(part.format_map(values) for part in check_template(template)).split("/")
    *folders, name = [part for part in parts if part.strip()] or ["unnamed"]
    return PurePosixPath(*map(_component, folders), _component(name, ending))


def check_template(template: str) -> list[str]:
    """The parts of a template between its slashes.

    Raises OutputRefused unless it is a safe relative path and its braces hold FIELDS alone.
    """
    template = template or DEFAULT_TEMPLATE
    parts = template.split("/")
    if template.startswith("/") or re.match(r"\s*[A-Za-z]:", template):
        raise OutputRefused(f"{_named(template)} starts at a root or a drive; names are relative to the output folder.")
    if "\\" in template:
        raise OutputRefused(f"{_named(template)} contains a backslash; put / between folders.")
    if any(part.strip() in ("", ".", "..") for part in parts):
        raise OutputRefused(f"{_named(template)} has an empty, . or .. part; names stay inside the output folder.")
    if any(part.lstrip().startswith("~") for part in parts):
        raise OutputRefused(f"{_named(template)} starts a part with ~; names are relative to the output folder.")
    if any(_DEVICE.match(part.strip()) for part in parts):
        raise OutputRefused(f"{_named(template)} names a device, such as NUL or COM1; choose another word.")
    if len(parts) > MAX_COMPONENTS:
        raise OutputRefused(f"{_named(template)} has {len(parts)} parts; {MAX_COMPONENTS} are allowed.")
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError:
        raise OutputRefused(f"{_named(template)} has a brace without its partner; write fields as {{song}}.") from None
    for _, name, form, conversion in pieces:
        if name is not None and (name not in FIELDS or form or conversion):
            allowed = ", ".join(f"{{{known}}}" for known in FIELDS)
            raise OutputRefused(f"{_named(template)} has the unknown field {{{name[:40]}}}; allowed are {allowed}.")
    return parts


def numbered(path: PurePosixPath, extension: str) -> Iterator[PurePosixPath]:
    """The path itself, then `name (2).wav`, `name (3).wav`, ... without end."""
    suffix = "." + extension.removeprefix(".")
    base = path.name.removesuffix(suffix)
    yield path
    number = 2
    while True:
        yield path.with_name(f"{base} ({number}){suffix}")
        number += 1


def number_of(path: PurePosixPath, wanted: PurePosixPath, extension: str) -> int:
    """Which of `numbered(wanted, extension)` a path is, counted from 1; 0 if none."""
    suffix = "." + extension.removeprefix(".")
    base = re.escape(wanted.name.removesuffix(suffix))
    match = re.fullmatch(rf"{base}(?: \(([0-9]{{1,9}})\))?{re.escape(suffix)}", path.name)
    if path.parent != wanted.parent or not match:
        return 0
    return int(match[1] or 1)


def folded(path: PurePosixPath) -> str:
    """Equal for two paths that some file system takes for one (upper and lower case, composed letters)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(path)).casefold())


def _named(template: str) -> str:
    return f"The name template {template[:80]!r}"


def _clean(value: str) -> str:
    """A text as part of a name: `drums/kick` becomes `drums - kick`, what no file system takes becomes `_`."""
    parts = [_portable(part) for part in value.split("/")]
    return " - ".join(part for part in parts if part) or "unnamed"


def _portable(text: str) -> str:
    return _EDGES.sub("", _FORBIDDEN.sub("_", unicodedata.normalize("NFC", text)))


def _component(text: str, suffix: str = "") -> str:
    """A folder's or a file's name from a text whose fields are filled in."""
    name = _portable(text) or "unnamed"
    if _DEVICE.match(name):
        name = "_" + name
    return _shortened(name, MAX_BYTES - len(suffix)) + suffix


def _shortened(name: str, limit: int) -> str:
    """A name within a limit of bytes: its middle gives way to a hash of it all."""
    raw = name.encode()
    if len(raw) <= limit:
        return name
    mark = f"~{blake3.blake3(raw).hexdigest(4)}~"
    head = raw[: limit - _TAIL - len(mark)].decode(errors="ignore")
    while len(head) > 1 and unicodedata.combining(name[len(head)]):
        head = head[:-1]  # an accent goes with its letter
    tail = raw[-_TAIL:].decode(errors="ignore")
    while unicodedata.combining(tail[0]) and len(tail) > 1:
        tail = tail[1:]
    return head + mark + tail


# Unfinished files: `.midistems-HOST-PID-PROCESS-RANDOM.part.wav`. Libraries that write through a hidden file of
# their own put another dot before it and more behind it.

_HOST = blake3.blake3(platform.node().encode(errors="replace")).hexdigest(4)
_PROCESS = secrets.token_hex(4)  # in containers every process may have the same number
_PART = re.compile(r"\.{1,2}midistems-([0-9a-f]{8})-([0-9]{1,10})-([0-9a-f]{8})-[0-9a-f]{8}\.part(\..*)?")
_FOREIGN_SECONDS = 24 * 3600


def temporary_name(extension: str) -> str:
    """A new hidden name that tells whose it is and ends with the extension."""
    owner = f"{_HOST}-{os.getpid()}-{_PROCESS}"
    return f".midistems-{owner}-{secrets.token_hex(4)}.part.{extension.removeprefix('.')}"


def is_unfinished(name: str) -> bool:
    """Whether it is a hidden name of ours, whoever's."""
    return _PART.fullmatch(name) is not None


def is_leftover(path: Path, now: float) -> bool:
    """Whether a file has a name of ours and the process that wrote it is gone.

    A process on another machine cannot be asked: its file counts once nothing was written to it for a day. `now` is the
    time of a file that was just made beside it, so that the clock of this machine has no say.
    """
    match = _PART.fullmatch(path.name)
    if not match:
        return False
    host, pid, process = match[1], int(match[2]), match[3]
    try:
        if host != _HOST:
            return now - path.lstat().st_mtime > _FOREIGN_SECONDS
    except OSError:
        return False
    return process != _PROCESS if pid == os.getpid() else not _is_running(pid)


def _is_running(pid: int) -> bool:
    if sys.platform == "win32":  # there os.kill would end it
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        code = ctypes.c_ulong()
        running = bool(handle) and kernel.GetExitCodeProcess(handle, ctypes.byref(code)) and code.value == 259
        kernel.CloseHandle(handle)
        return bool(running)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
