"""The two encodings of graph files, loss-free between them.

JSON is for people and git: sorted keys, UTF-8, LF, indented by 2, what is flat and short on one line.
The other is the same data as msgpack. Files come from strangers: size, depth and number are limited
before anything is built.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, Literal

import msgpack

from midistems_graph.document.data import from_data, to_data
from midistems_graph.document.graph import DocumentError, Graph
from midistems_graph.document.plain import MAX_DEPTH, MAX_EDGES, at
from midistems_graph.document.previews import previews_data, previews_from

Encoding = Literal["json", "mgraph"]

_PREVIEWS = "previews"

MAX_BYTES = 64 * 2**20
"""Size of the largest file that is read or written."""

MAX_CONTAINERS = 1_000_000
"""Lists and objects in one file: small ones take far more memory than room in the file."""

LINE = 100
"""Flat lists and objects up to this many characters stand on one line of JSON."""

_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|([\[{])|([\]}])', re.DOTALL)


def dumps(graph: Graph, encoding: Encoding = "json") -> bytes:
    """The bytes of a graph file; equal graphs give equal bytes. JSON carries no previews.

    Raises DocumentError if they could not be read back.
    """
    data = to_data(graph)
    from_data(data)
    data = _sorted(data)
    if encoding == "mgraph" and graph.previews:
        data[_PREVIEWS] = previews_data(graph.previews)
    content: bytes = (_json(data) + "\n").encode() if encoding == "json" else msgpack.packb(data)
    if len(content) > MAX_BYTES:
        raise DocumentError(f"{len(content) >> 20} MiB are too much; a graph file may have {MAX_BYTES >> 20} MiB")
    return content


def loads(content: bytes, encoding: Encoding = "json") -> Graph:
    """The graph in the bytes of a file; raises DocumentError."""
    if not content.strip():
        raise DocumentError("the file is empty; open a backup of it (.bak1) if there is one")
    if len(content) > MAX_BYTES:
        raise DocumentError(f"the file is too big; a graph file may have {MAX_BYTES >> 20} MiB")
    if encoding == "json":
        return from_data(_from_json(content))
    data = _from_msgpack(content)
    previews = previews_from(data.pop(_PREVIEWS)) if isinstance(data, dict) and _PREVIEWS in data else ()
    return replace(from_data(data), previews=previews)


def _sorted(value: Any) -> Any:
    """Keys by name, but the knobs that a graph or a group publishes as they are."""
    if isinstance(value, dict):
        is_body = "nodes" in value
        return {key: value[key] if is_body and key == "knobs" else _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _json(value: Any, margin: str = "") -> str:
    if not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    inner = list(value.values()) if isinstance(value, dict) else value
    if not any(isinstance(item, dict | list) and item for item in inner):
        line = json.dumps(value, ensure_ascii=False, allow_nan=False)
        if len(margin) + len(line) <= LINE:
            return line
    deeper = margin + "  "
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    keys = (
        [json.dumps(key, ensure_ascii=False) + ": " for key in value] if isinstance(value, dict) else [""] * len(value)
    )
    lines = (deeper + key + _json(item, deeper) for key, item in zip(keys, inner, strict=True))
    return opening + "\n" + ",\n".join(lines) + "\n" + margin + closing


def _from_json(content: bytes) -> Any:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"byte {error.start} is not UTF-8; save the file as UTF-8 text") from None
    _refuse_bombs(text)
    repeated: list[tuple[dict[str, Any], str]] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(found)
        if len(mapping) < len(found):
            keys = [key for key, _ in found]
            repeated.append((mapping, next(key for i, key in enumerate(keys) if key in keys[:i])))
        return mapping

    try:
        data = json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise DocumentError(
            f"line {error.lineno}, column {error.colno}: this is not JSON ({error.msg}); correct it or open a backup"
        ) from None
    except ValueError:
        raise DocumentError("the file holds a number of thousands of digits; write a shorter one") from None
    if repeated:
        mapping, key = repeated[0]
        raise _twice(_place(data, mapping), key)
    return data


def _twice(place: str | None, key: str) -> DocumentError:
    where = place or "the graph"
    return DocumentError(f"{where}: {key!r:.80} is there twice; rename one of the two or remove it")


def _refuse_bombs(text: str) -> None:
    """Count brackets before anything is built: neither depth nor number may exhaust the machine."""
    depth = count = 0
    for match in _BRACKET.finditer(text):
        if match[1]:
            depth, count = depth + 1, count + 1
            if depth > MAX_DEPTH:
                raise DocumentError(f"there are more than {MAX_DEPTH} lists and objects inside each other")
            if count > MAX_CONTAINERS:
                raise DocumentError(f"there are more than {MAX_CONTAINERS} lists and objects")
        elif match[2]:
            depth -= 1


def _place(value: Any, wanted: dict[str, Any], place: str = "") -> str | None:
    """Where a very object stands in data."""
    if value is wanted:
        return place
    if isinstance(value, dict):
        inner = ((at(place, key), item) for key, item in value.items())
    elif isinstance(value, list):
        inner = ((f"{place}[{i}]", item) for i, item in enumerate(value))
    else:
        return None
    return next((found for where, item in inner if (found := _place(item, wanted, where)) is not None), None)


def _from_msgpack(content: bytes) -> Any:
    count = 0

    def counted(container: Any) -> Any:
        nonlocal count
        count += 1
        if count > MAX_CONTAINERS:
            raise DocumentError(f"there are more than {MAX_CONTAINERS} lists and objects")
        return container

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = counted(dict(found))
        if len(mapping) < len(found):
            keys = [key for key, _ in found]
            raise _twice(None, next(key for i, key in enumerate(keys) if key in keys[:i]))
        return mapping  # type: ignore[no-any-return]

    try:
        return msgpack.unpackb(
            content,
            object_pairs_hook=pairs,
            list_hook=counted,
            max_array_len=MAX_EDGES,
            max_map_len=MAX_EDGES,
            max_ext_len=0,
        )
    except DocumentError:
        raise
    except msgpack.StackError:
        raise DocumentError("the lists and objects are nested too deeply for a graph; open a backup") from None
    except (ValueError, msgpack.UnpackException):
        raise DocumentError("the file is damaged, or no graph file at all; open a backup") from None
