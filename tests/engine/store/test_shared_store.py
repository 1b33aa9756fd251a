"""A store with a shared one behind it: what is dear travels, nothing unverified is used, nobody waits for a share."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from midistems_graph.engine.store import StoreError
from midistems_graph.engine.store.shared import SharedFolder
from midistems_graph.engine.store.shared_store import SharedDiskStore, packed, unpacked
from s3_server import Server

pytest.importorskip("s3fs")

DEAR = 60.0
"""Seconds that make any result of these tests worth sending."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("moto.server")
    with Server() as it:
        yield it


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.cluster)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        request.getfixturevalue("server")
        return f"s3://bucket/{tmp_path.name}"
    return f"file://{tmp_path / 'share'}"


Opened = Callable[..., SharedDiskStore]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens the store of one of several machines; `said` on its share holds what people are told."""
    stores = []

    def opened(machine: str, address: str, pause: float = 30.0) -> SharedDiskStore:
        said: list[str] = []
        share = SharedFolder(address, said.append, pause=pause)
        share.said = said  # type: ignore[attr-defined]
        stores.append(SharedDiskStore(tmp_path / machine, share))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


def test_what_one_machine_has_computed_the_other_finds(opened, address, put, noise, key):
    with opened("one", address) as store:
        record = put(store, "unit", noise(1), noise(2), seconds=DEAR, tile="3")
    with opened("two", address) as store:
        found = store.find(key("unit"))
        assert found is not None and found.outputs == record.outputs and found.facts == record.facts
        assert store.pin(found.outputs.values())
        np.testing.assert_array_equal(store.get(found.outputs["out1"]).samples, noise(2).samples)
        assert store.shared.refused == 0 and store.verify().sound


def test_what_is_quicker_to_compute_than_to_send_stays(opened, address, put, noise, key):
    with opened("one", address) as store:
        put(store, "unit", noise(1), seconds=1e-4)
    with opened("two", address) as store:
        assert store.find(key("unit")) is None


def test_a_file_of_the_share_that_was_changed_is_refused_counted_and_computed_again(opened, address, put, noise, key):
    with opened("one", address) as store:
        digest = put(store, "unit", noise(1), seconds=DEAR).outputs["out0"]
        store._publisher.shutdown()
        path = store._files.path(digest)
        changed = bytearray(path.read_bytes())
        changed[-1] ^= 1
        store.shared.publish(f"values/{digest[:2]}/{digest}", bytes(changed))
    with opened("two", address) as store:
        assert store.find(key("unit")) is None and store.shared.refused == 1
        put(store, "unit", noise(1), seconds=DEAR)
    with opened("three", address) as store:
        assert store.find(key("unit")) is not None and store.shared.refused == 0


@pytest.mark.parametrize("damage", [b"", b"torn", b"\0" * 64])
def test_a_record_that_is_torn_is_no_record(opened, address, put, noise, key, damage):
    name = f"units/{key('unit')[:2]}/{key('unit')}"
    with opened("one", address) as store:
        put(store, "unit", noise(1), seconds=DEAR)
    with opened("two", address) as store:
        content = store.shared.read(name)
        assert content is not None
        store.shared.publish(name, content[:-9] if damage == b"torn" else damage)
        assert store.find(key("unit")) is None and store.shared.refused == 1


def test_a_record_of_another_unit_or_with_a_path_in_it_is_refused(disk, put, noise, key):
    record = put(disk, "unit", noise(1))
    assert unpacked(packed(record), key("unit")).outputs == record.outputs
    for wrong in (key("other"), "../../etc/passwd"):
        with pytest.raises(ValueError):
            unpacked(packed(record), wrong)


def test_nothing_half_written_is_seen_in_a_shared_folder(opened, tmp_path, put, noise, key, monkeypatch):
    with opened("one", f"file://{tmp_path / 'share'}") as store:

        def torn(*_: object) -> None:
            raise OSError("the cable is out")

        monkeypatch.setattr(type(store.shared._files), "mv", torn)
        put(store, "unit", noise(1), seconds=DEAR)
        store._publisher.shutdown()
        assert [path for path in (tmp_path / "share").rglob("*") if path.is_file()] == []
        assert len(store.shared.said) == 1 and "the cable is out" in store.shared.said[0]
        assert store.find(key("unit")) is not None


def test_an_address_that_means_nothing_is_one_sentence():
    for address in ("nowhere://x", "s3x://bucket"):
        with pytest.raises(StoreError, match="cannot be used"):
            SharedFolder(address, print)


@pytest.mark.cluster
def test_a_server_that_goes_is_told_once_and_used_again_when_it_is_back(server, opened, put, noise, key, tmp_path):
    address = f"s3://bucket/{tmp_path.name}"
    with opened("one", address, pause=0.2) as store:
        put(store, "before", noise(1), seconds=DEAR)
        store._publisher.submit(int).result()
    try:
        with opened("two", address, pause=0.2) as store:
            server.stop()
            assert store.find(key("before")) is None
            put(store, "meanwhile", noise(2), seconds=DEAR)
            assert store.find(key("meanwhile")) is not None
            assert [sentence for sentence in store.shared.said if "does not answer" in sentence] == store.shared.said
            assert len(store.shared.said) == 1
            server.start()
            time.sleep(0.3)
            put(store, "after", noise(3), seconds=DEAR)
        with opened("three", address) as store:
            assert store.find(key("after")) is not None and store.shared.said == []
    finally:
        if server.process is None:
            server.start()


@pytest.mark.cluster
def test_several_processes_publish_and_read_the_same_units(server, tmp_path, noise):
    address = f"s3://bucket/{tmp_path.name}"
    script = """
import sys, hashlib, numpy as np
from midistems_graph.audio.values import Audio
from midistems_graph.engine.store.shared import SharedFolder
from midistems_graph.engine.store.shared_store import SharedDiskStore
shared = SharedFolder(sys.argv[2], lambda text: sys.exit(text))
with SharedDiskStore(sys.argv[1], shared) as store:
    for i in range(12):
        value = Audio.of(np.random.default_rng(i).standard_normal((2, 5000), np.float32), 44100)
        key = hashlib.sha256(str(i).encode()).hexdigest()
        found = store.find(key)
        if found is None:
            found = store.put(key, {"out": value}, node="n", node_type="t", seconds=9.0, song="s", facts={})
        assert (store.get(found.outputs["out"]).samples == value.samples).all()
    assert store.verify().sound and shared.refused == 0
"""
    commands = [[sys.executable, "-c", script, str(tmp_path / f"machine{i}"), address] for i in range(2)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]
    assert all(code == 0 for _, code in ended), ended
