"""`midistems-graph doctor`: what is installed where and whether it works, to look at and to send with a report."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

import soundfile

from midistems_graph import __version__
from midistems_graph.audio.demo import demo_folder
from midistems_graph.audio.fft import fft_backend
from midistems_graph.cli.codes import Exit
from midistems_graph.cli.logs import log_file
from midistems_graph.cli.plain_text import clean, in_bytes
from midistems_graph.document.presets import presets
from midistems_graph.editor.view.fonts import font_sentence
from midistems_graph.engine.store import default_store_folder
from midistems_graph.models.library import ModelLibrary, ModelMissing
from midistems_graph.models.providers import available, chosen, runtimes
from midistems_graph.node.library import installed


def print_state() -> Exit:
    """One line per fact."""
    for name, fact in _facts():
        print(f"{name + ':':<16} {clean(fact)}")
    return Exit.DONE


def _facts() -> Iterator[tuple[str, str]]:
    yield "midistems-graph", __version__
    yield "python", f"{platform.python_version()} ({sys.executable})"
    yield "system", f"{platform.platform()}, {os.cpu_count()} cores"
    for package in _packages():
        yield package, _version(package)
    yield "libsndfile", soundfile.__libsndfile_version__
    yield "fft", fft_backend()
    yield from runtimes().items()
    yield "networks run on", _computing()
    yield "node types", str(len(installed()))
    yield "editor's font", font_sentence()
    yield "presets", str(len(presets()))
    yield "demo song", _demo()
    yield "models", _models()
    yield "display", _display()
    yield "sound", _sound()
    yield "store", _store()
    yield "log file", str(log_file())


def _computing() -> str:
    """What networks can run on; packages of ONNX Runtime overwrite one another, so two of them are one too many."""
    words = f"{', '.join(available())} (auto takes {chosen('auto')})"
    packages = [name for name in ("onnxruntime", *runtimes()) if _version(name) != "not installed"]
    if len(packages) < 2:
        return words
    return f"{words}; {' and '.join(packages)} overwrite each other: uninstall both, then install the one you want"


def _packages() -> list[str]:
    """The packages that this one asks for, `media` extra included."""
    wanted = [
        one for one in requires("midistems-graph") or () if "extra" not in one or "'media'" in one.replace('"', "'")
    ]
    return sorted({re.split(r"[^A-Za-z0-9_.-]", one, maxsplit=1)[0] for one in wanted})


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _demo() -> str:
    try:
        return str(demo_folder())
    except FileNotFoundError as error:
        return str(error)


def _models() -> str:
    """How many there are, and which of them cannot be used; contents are read by `models verify` alone."""
    library = ModelLibrary.default()
    broken = []
    for name in library:
        try:
            library.find(name)
        except ModelMissing as error:
            broken.append(str(error))
    count = len(list(library))
    return "; ".join([f"{count} in {library.folder}", *broken])


def _display() -> str:
    from midistems_graph.editor.view.display import NoDisplay, check_display

    try:
        check_display()
    except NoDisplay as reason:
        return f"no window: {reason}"
    return "a window can be opened"


def _sound() -> str:
    from midistems_graph.audio.player import devices

    names = [device.name for device in devices()]
    return ", ".join(names) if names else "no sound device was found; the editor plays in silence"


def _store() -> str:
    """Where it is, whether it can be written, and how much room there is."""
    folder = default_store_folder()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    words = f"{folder} ({in_bytes(shutil.disk_usage(nearest).free)} free on its disk)"
    return words if os.access(nearest, os.W_OK) else f"{words}; it cannot be written: set MIDISTEMS_STORE"
