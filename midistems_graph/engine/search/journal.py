"""The journal of a search: what is searched, and every outcome as soon as it is there.

One line of JSON each in `journal.jsonl`. A search that was killed goes on with the same journal; a line that it left
half written is dropped. A journal of another search is never continued.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from midistems_graph.engine.search.variants import Outcome

JOURNAL = "journal.jsonl"
FORMAT = "midistems-search"
VERSION = 1


class JournalError(Exception):
    """A journal cannot be used; one sentence for the user."""


class Journal:
    """The journal of a folder: `head` says what is searched, `outcomes` what is known."""

    def __init__(self, path: Path, head: Mapping[str, Any], outcomes: list[Outcome]) -> None:
        self.path, self.head = path, head
        self.outcomes = {(outcome.variant, outcome.song): outcome for outcome in outcomes}

    @classmethod
    def begun(cls, folder: Path, head: Mapping[str, Any]) -> Journal:
        """The journal of this search in a folder, continued if it was begun. Raises JournalError."""
        head = {"format": FORMAT, "version": VERSION, **json.loads(json.dumps(head))}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / JOURNAL).exists():
                _append(folder / JOURNAL, head)
        except OSError as error:
            raise JournalError(f"{folder} cannot be written: {error.strerror or error}") from None
        journal = cls.read(folder)
        different = sorted(
            name for name in head.keys() | journal.head.keys() if head.get(name) != journal.head.get(name)
        )
        if different:
            raise JournalError(
                f"{folder} holds another search (its {' and '.join(different)} differ); name another folder with -o"
            )
        return journal

    @classmethod
    def read(cls, folder: Path) -> Journal:
        """The journal of a folder. Raises JournalError."""
        path = folder / JOURNAL
        try:
            raw = path.read_bytes()
            kept = raw[: raw.rfind(b"\n") + 1]
            if kept != raw:  # what a killed search left half written
                with path.open("r+b") as file:
                    file.truncate(len(kept))
            lines = [json.loads(line) for line in kept.splitlines()]
            head, rows = lines[0], lines[1:]
            if (head["format"], head["version"]) != (FORMAT, VERSION):
                raise ValueError
            return cls(path, head, [_outcome(row) for row in rows])
        except FileNotFoundError:
            raise JournalError(f"there is no search in {folder}; begin one with midistems-graph sweep") from None
        except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise JournalError(f"{path} is damaged, or no journal of a search") from None

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome, on the disk before this returns. Raises JournalError."""
        self.outcomes[outcome.variant, outcome.song] = outcome
        try:
            _append(self.path, _row(outcome))
        except OSError as error:
            raise JournalError(f"{self.path} cannot be written: {error.strerror or error}") from None


def _append(path: Path, data: Mapping[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(data, allow_nan=False, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _row(outcome: Outcome) -> dict[str, Any]:
    figures = {name: value if math.isfinite(value) else str(value) for name, value in outcome.figures.items()}
    return {**asdict(outcome), "figures": figures}


def _outcome(row: dict[str, Any]) -> Outcome:
    return Outcome(**{**row, "figures": {name: float(value) for name, value in row["figures"].items()}})
