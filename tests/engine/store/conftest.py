"""A store of each kind, and a short way to put units into it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from midistems_graph.audio.values import Audio, Value
from midistems_graph.engine.store import DiskStore, MemoryStore, Store, UnitRecord

Put = Callable[..., UnitRecord]


def key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with MemoryStore() if request.param == "memory" else DiskStore(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskStore]:
    with DiskStore(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def put() -> Put:
    """Puts a unit, named for short, with one value or several."""

    def put(
        store: Store,
        name: str,
        /,
        *values: Value,
        seconds: float = 1.0,
        song: str = "song",
        pinned: bool = False,
        **facts: str,
    ) -> UnitRecord:
        outputs = {f"out{i}": value for i, value in enumerate(values)}
        node = facts.pop("node", "refine/hpss")
        about = {"node": node, "node_type": "separate.hpss", "seconds": seconds, "song": song}
        return store.put(key(name), outputs, **about, facts=facts, pinned=pinned)

    return put


@pytest.fixture
def noise() -> Callable[..., Audio]:
    """Stereo noise of its own for each seed; 100 000 samples take 800 kB."""

    def noise(seed: int, samples: int = 100_000) -> Audio:
        return Audio.of(np.random.default_rng(seed).standard_normal((2, samples), np.float32), 44100)

    return noise


@pytest.fixture(name="key")
def key_of() -> Callable[[str], str]:
    return key
