"""Models are found by name, appear whole, may be links, and damage is told."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from midistems_graph.models.library import ENVIRONMENT, LibraryError, ModelLibrary, ModelMissing
from midistems_graph.models.manifest import Manifest, ModelFile


@pytest.fixture
def library(tmp_path: Path) -> ModelLibrary:
    return ModelLibrary(tmp_path / "models")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "somewhere else.onnx"
    path.write_bytes(b"network")
    return path


def manifest(name: str = "voice", sha256: str = "") -> Manifest:
    return Manifest(name, "mdx", ("vocals",), (ModelFile("voice.onnx", sha256, ("vocals",)),))


@pytest.mark.parametrize("link", [True, False])
def test_a_model_is_found_by_its_name_with_its_files(library: ModelLibrary, file: Path, link: bool) -> None:
    added = library.add(manifest(), {"voice.onnx": file}, link=link)
    assert list(library) == ["voice"]
    assert library.find("voice") == added
    assert added.files[0].is_symlink() == link
    assert added.files[0].read_bytes() == b"network"
    assert added.nbytes == 7
    assert added.manifest.files[0].sha256 == hashlib.sha256(b"network").hexdigest()
    assert library.damage("voice") == []
    assert [path.name for path in library.folder.iterdir()] == ["voice"]


def test_a_copy_does_not_need_the_file_it_came_from(library: ModelLibrary, file: Path) -> None:
    library.add(manifest(), {"voice.onnx": file}, link=False)
    file.unlink()
    assert library.damage("voice") == []
    assert library.find("voice").files[0].read_bytes() == b"network"


def test_a_link_to_what_is_gone_is_said(library: ModelLibrary, file: Path) -> None:
    library.add(manifest(), {"voice.onnx": file}, link=True)
    file.unlink()
    (problem,) = library.damage("voice")
    assert "links to" in problem and "somewhere else.onnx" in problem
    with pytest.raises(ModelMissing, match="where nothing is any more; add it again"):
        library.find("voice")


def test_content_counts_and_words_for_people_do_not(library: ModelLibrary, file: Path) -> None:
    first = library.add(manifest(), {"voice.onnx": file}, link=False)
    digest = first.digest
    renamed = Manifest("other", "mdx", ("vocals",), first.manifest.files, title="Other", licence="MIT")
    assert library.add(renamed, {"voice.onnx": file}, link=False).digest == digest
    again = Manifest("voice", "mdx", ("vocals",), first.manifest.files, parameters={"overlap": 0.5})
    assert library.add(again, {"voice.onnx": file}, link=False).digest != digest
    file.write_bytes(b"another")
    assert library.add(manifest(), {"voice.onnx": file}, link=False).digest != digest


def test_a_file_that_goes_while_a_model_is_open_is_said(library: ModelLibrary, file: Path) -> None:
    model = library.add(manifest(), {"voice.onnx": file}, link=False)
    model.files[0].unlink()
    with pytest.raises(ModelMissing, match=r"lacks its file 'voice\.onnx'"):
        assert model.digest


def test_a_changed_byte_is_told(library: ModelLibrary, file: Path) -> None:
    model = library.add(manifest(), {"voice.onnx": file}, link=False)
    model.files[0].write_bytes(b"netw0rk")
    (problem,) = library.damage("voice")
    assert "voice.onnx has changed" in problem


def test_a_file_that_is_not_what_the_manifest_says_is_refused(library: ModelLibrary, file: Path) -> None:
    with pytest.raises(LibraryError, match="not the file that the manifest means"):
        library.add(manifest(sha256="0" * 64), {"voice.onnx": file}, link=True)
    assert list(library) == []


def test_a_model_replaces_one_of_its_name_whole(library: ModelLibrary, file: Path, tmp_path: Path) -> None:
    library.add(manifest(), {"voice.onnx": file}, link=True)
    other = tmp_path / "better.onnx"
    other.write_bytes(b"better")
    two = Manifest("voice", "mdx", ("vocals",), (ModelFile("better.onnx", "", ("vocals",)),))
    library.add(two, {"better.onnx": other}, link=False)
    assert sorted(path.name for path in (library.folder / "voice").iterdir()) == ["better.onnx", "model.toml"]
    assert file.read_bytes() == b"network"


def test_what_fails_half_way_leaves_the_model_that_was_there(
    library: ModelLibrary, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = library.add(manifest(), {"voice.onnx": file}, link=False)

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", broken)
    file.write_bytes(b"another")
    with pytest.raises(LibraryError, match="its disk is full"):
        library.add(manifest(), {"voice.onnx": file}, link=False)
    assert library.find("voice") == before
    assert [path.name for path in library.folder.iterdir()] == ["voice"]


def test_removing_leaves_what_was_linked(library: ModelLibrary, file: Path) -> None:
    library.add(manifest(), {"voice.onnx": file}, link=True)
    library.remove("voice")
    assert list(library) == []
    assert file.exists()
    with pytest.raises(ModelMissing):
        library.remove("voice")


def test_a_model_that_is_not_there_is_said_with_the_remedy(library: ModelLibrary, file: Path) -> None:
    with pytest.raises(ModelMissing, match="midistems-graph models get spleeter-2stems"):
        library.find("spleeter-2stems")
    library.add(manifest("spleeter-2stems"), {"voice.onnx": file}, link=True)
    with pytest.raises(ModelMissing, match="did you mean spleeter-2stems"):
        library.find("spleeter-2stem")
    with pytest.raises(ModelMissing, match="no model is chosen"):
        library.find("")
    with pytest.raises(ModelMissing):
        library.find("../models/spleeter-2stems")


def test_a_broken_manifest_is_said(library: ModelLibrary, file: Path) -> None:
    library.add(manifest(), {"voice.onnx": file}, link=True)
    (library.folder / "voice" / "model.toml").write_text("nonsense")
    with pytest.raises(ModelMissing, match="no TOML"):
        library.find("voice")
    assert "no TOML" in library.damage("voice")[0]


def test_the_library_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    assert ModelLibrary.default().folder == tmp_path
    monkeypatch.delenv(ENVIRONMENT)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert ModelLibrary.default().folder == tmp_path / "data" / "midistems-graph" / "models"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_library_that_cannot_be_written_is_said(tmp_path: Path, file: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(LibraryError, match="cannot be written: Permission denied"):
        ModelLibrary(tmp_path / "models").add(manifest(), {"voice.onnx": file}, link=True)


def test_a_library_that_is_a_file_is_said(file: Path) -> None:
    with pytest.raises(LibraryError, match="cannot be written"):
        ModelLibrary(file).add(manifest(), {"voice.onnx": file}, link=True)
