"""What C libraries print on their own, such as mpg123's notes about an mp3's header, kept out of what we say.

They know nothing of sys.stderr and write to the process's stderr, in the middle of a progress display.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from midistems_graph.cli.logs import log_file


def noise_file() -> Path:
    """Where the last run's libraries wrote."""
    return log_file().with_name("libraries.log")


@contextmanager
def noise_aside() -> Iterator[None]:
    """Within, `sys.stderr` is the real one and whatever else goes there lands in `noise_file`."""
    shown = sys.stderr
    if not _is_the_real_one():
        yield
        return
    try:
        aside = os.open(noise_file(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError:
        aside = os.open(os.devnull, os.O_WRONLY)
    shown.flush()
    kept = os.dup(2)
    os.dup2(aside, 2)
    os.close(aside)
    sys.stderr = open(kept, "w", buffering=1, encoding=shown.encoding, errors="backslashreplace")  # noqa: PTH123, SIM115
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        sys.stderr.close()
        sys.stderr = shown


def _is_the_real_one() -> bool:
    try:
        return sys.stderr.fileno() == 2
    except (AttributeError, OSError, ValueError):  # no stderr at all, or one in memory
        return False
