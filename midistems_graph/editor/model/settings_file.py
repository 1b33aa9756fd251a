"""Small JSON files of the user: read whole or not at all, written so that a crash cannot halve them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_state_path

APP = "midistems-graph"
MAX_BYTES = 1 << 20


def config_folder() -> Path:
    """Where settings lie; `MIDISTEMS_GRAPH_CONFIG` names another folder."""
    return Path(os.environ.get("MIDISTEMS_GRAPH_CONFIG") or user_config_path(APP, appauthor=False))


def state_folder() -> Path:
    """Where recent files and sessions are remembered; `MIDISTEMS_GRAPH_CONFIG` names another folder."""
    return Path(os.environ.get("MIDISTEMS_GRAPH_CONFIG") or user_state_path(APP, appauthor=False))


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file; an empty one if the file is missing, too big or no JSON object."""
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(MAX_BYTES + 1))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def write_json(path: Path, data: dict[str, Any]) -> bool:
    """Write an object in one go; False if the folder may not be written, which must not stop the editor."""
    return write_bytes(path, (json.dumps(data, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode())


def write_bytes(path: Path, content: bytes) -> bool:
    """Write a file in one go: beside it first, on disk, then in its place; False if that cannot be done."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        return False
    return True
