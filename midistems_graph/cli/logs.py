"""The log file: where the details of a fault go, so that a terminal never shows a traceback."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

import platformdirs

MAX_BYTES = 1 << 20
KEPT = 3


def log_file() -> Path:
    """Where the log of this user lies."""
    return platformdirs.user_state_path("midistems-graph") / "log" / "midistems-graph.log"


class _QuietHandler(RotatingFileHandler):
    """A full disk must not turn into a traceback on the terminal."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        pass


@contextmanager
def logged() -> Iterator[None]:
    """Send what the program, its packs and libraries log, and Python's warnings, to the log file.

    The file is made when it is needed.
    """
    path = log_file()
    handler: logging.Handler = logging.NullHandler()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _QuietHandler(path, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(name)s %(levelname)s %(message)s"))
    everything = logging.getLogger()
    everything.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        everything.removeHandler(handler)
        handler.close()


def fault_sentence() -> str:
    """What the user is told about a fault that was just logged."""
    return f"this is a fault of the program, not yours; please report it with the file {log_file()}"
