"""A folder that many machines share: a path that all of them see, or a bucket with an S3 interface.

    file:///mnt/share/store    s3://bucket/prefix

fsspec does the talking, and is imported when an address is given. A file appears whole or not at all: on a file
system it is written under a name of its own and renamed, on S3 one request puts it there. Nothing here is
trusted: who reads compares content with its digest.

A share that does not answer is no reason to stop: one sentence says so, and it is asked again after a pause.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from midistems_graph.engine.store.base import StoreError

T = TypeVar("T")

PAUSE = 30.0
"""Seconds for which a share that did not answer is left alone."""

_OPTIONS = {"s3": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 1}}}}


class SharedFolder:
    """Files by name in a shared folder; every method may be called from any thread.

    `problem` gets sentences for people. Raises StoreError for an address that means nothing here.
    """

    def __init__(self, address: str, problem: Callable[[str], object], *, pause: float = PAUSE) -> None:
        self.address = address
        self.refused = 0
        self._problem, self._pause = problem, pause
        self._away_until = 0.0
        self._told = False
        self._lock = threading.Lock()
        protocol = address.partition("://")[0]
        try:
            from fsspec.core import url_to_fs

            self._files, self._root = url_to_fs(address, **_OPTIONS.get(protocol, {}))
        except (ImportError, ValueError) as error:
            hint = 'pip install "midistems-graph[cluster]"'
            raise StoreError(f"the shared store {address} cannot be used ({error}); {hint}") from None
        self._puts_whole = protocol == "s3"

    def read(self, name: str) -> bytes | None:
        """The content of a small file; None if it is not there, or the share does not answer."""
        return self._asked(lambda: bytes(self._files.cat_file(self._path(name))))

    def fetch(self, name: str, path: Path) -> bool:
        """Copies a file from the share to a new path; False if it is not there."""

        def get() -> bool:
            self._files.get_file(self._path(name), str(path))
            return path.exists()

        return bool(self._asked(get))

    def has(self, name: str) -> bool:
        return bool(self._asked(lambda: self._files.exists(self._path(name))))

    def publish(self, name: str, content: Path | bytes) -> bool:
        """Puts a file, or bytes, into the share, whole or not at all; False if the share does not take it."""

        def put() -> bool:
            final = self._path(name)
            self._files.makedirs(final.rpartition("/")[0], exist_ok=True)
            part = final if self._puts_whole else f"{final}.{secrets.token_hex(8)}.part"
            try:
                if isinstance(content, bytes):
                    self._files.pipe_file(part, content)
                else:
                    self._files.put_file(str(content), part)
                if part != final:
                    self._files.mv(part, final)
            except BaseException:
                if part != final:
                    with suppress(Exception):
                        self._files.rm_file(part)
                raise
            return True

        return bool(self._asked(put))

    def delete(self, name: str) -> None:
        self._asked(lambda: self._files.rm_file(self._path(name)))

    def refuse(self, name: str) -> None:
        """A file is not what its name says: it is counted, and taken away so that a sound one may come."""
        with self._lock:
            self.refused += 1
        self.delete(name)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _asked(self, work: Callable[[], T]) -> T | None:
        """What the share answers; None while it is away, or for what is not there."""
        if time.monotonic() < self._away_until:
            return None
        try:
            return work()
        except FileNotFoundError:
            return None
        except Exception as error:  # each protocol's library has its own types
            with self._lock:
                self._away_until = time.monotonic() + self._pause
                told, self._told = self._told, True
            if not told:
                reason = (str(error) or type(error).__name__).splitlines()[0]
                self._problem(f"the shared store {self.address} does not answer ({reason}); the run goes on without it")
            return None
