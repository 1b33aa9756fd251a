"""The catalogue: public models that can be had with one command, as `catalogue.toml` lists them.

What nobody has published is empty there, and said to be unknown; scores are those of others, with their source.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Literal


class NotListed(Exception):
    """The catalogue has no such model; the sentence says what it has."""


@dataclass(frozen=True)
class Source:
    """A file to be downloaded: name, length in bytes, SHA-256; address and stems where it is itself the network."""

    file: str
    bytes: int
    sha256: str
    address: str = ""
    stems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A public model. The fields are explained at the top of `catalogue.toml`."""

    name: str
    title: str
    stems: tuple[str, ...]
    files: tuple[Source, ...]
    contract: str = ""
    licence: str = ""
    commercial: Literal["yes", "no", "unknown"] = "unknown"
    source: str = ""
    notes: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    metric: str = ""
    published: str = ""
    build: str = ""
    package: str = ""
    convert: str = ""

    @property
    def nbytes(self) -> int:
        """What is downloaded, in bytes."""
        return sum(file.bytes for file in self.files)

    @property
    def terms(self) -> str:
        """The licence in words that cannot be missed."""
        named = self.licence or "no licence is stated"
        return {
            "yes": named,
            "no": f"{named}; not for commercial use",
            "unknown": f"{named}; whether commercial use is allowed is not known",
        }[self.commercial]


@cache
def catalogue() -> Mapping[str, Entry]:
    """All public models by name, in the catalogue's order."""
    text = files("midistems_graph.models").joinpath("catalogue.toml").read_text("utf-8")
    entries = map(_entry, tomllib.loads(text)["models"])
    return {entry.name: entry for entry in entries}


def _entry(data: dict[str, Any]) -> Entry:
    sources = tuple(Source(**{**each, "stems": tuple(each.get("stems", ()))}) for each in data.get("files", ()))
    return Entry(**{**data, "stems": tuple(data["stems"]), "files": sources})


def listed(name: str) -> Entry:
    """The entry of that name. Raises NotListed."""
    entry = catalogue().get(name)
    if entry is None:
        close = get_close_matches(name, catalogue(), 1)
        hint = f"did you mean {close[0]}?" if close else "midistems-graph models list shows what there is"
        raise NotListed(f"the catalogue has no model {name!r}; {hint}")
    return entry
