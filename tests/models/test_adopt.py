"""What people already have is recognised, linked and described; what is not known is said with what to do."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from onnx import save
from tiny import stacked, times

from midistems_graph.models import adopt as module
from midistems_graph.models import recognise
from midistems_graph.models.adopt import adopt, candidates, checkpoint
from midistems_graph.models.catalogue import Entry, Source
from midistems_graph.models.library import ModelLibrary
from midistems_graph.models.manifest import Manifest, ModelFile, write

MDX = [1, 4, 3072, 256]
KNOWN = {"dim_f": 3072, "dim_t": 256, "n_fft": 7680, "compensate": 1.021, "stem": "vocals"}


@pytest.fixture
def library(tmp_path: Path) -> ModelLibrary:
    return ModelLibrary(tmp_path / "models")


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as Ultimate Vocal Remover keeps it: networks and checkpoints side by side, one of them published."""
    folder = tmp_path / "models of uvr"
    for name in ("MDX_Net_Models", "VR_Models", "Demucs_Models"):
        (folder / name).mkdir(parents=True)
    voice = folder / "MDX_Net_Models" / "Voice FT.onnx"
    save(times(MDX, 1.0), voice)
    save(times(MDX, 0.5), folder / "MDX_Net_Models" / "unknown.onnx")
    (folder / "MDX_Net_Models" / "damaged.onnx").write_bytes(b"\x08\x09")
    (folder / "MDX_Net_Models" / "model_bs_roformer_ep_317.ckpt").write_bytes(b"")
    (folder / "VR_Models" / "5_HP-Karaoke-UVR.pth").write_bytes(b"")
    (folder / "Demucs_Models" / "955717e8-8726e21a.th").write_bytes(b"")
    (folder / "readme.txt").write_text("hello")
    md5 = recognise.partial_md5(voice)
    monkeypatch.setattr(recognise, "_known_files", lambda: {md5: KNOWN})
    return folder


def test_each_file_of_a_folder_is_recognised(library: ModelLibrary, theirs: Path) -> None:
    found = {path.name: adopt(path, library) for path in candidates(theirs)}
    assert {name: one.state for name, one in found.items()} == {
        "Voice FT.onnx": "added",
        "unknown.onnx": "unclear",
        "damaged.onnx": "unusable",
        "model_bs_roformer_ep_317.ckpt": "checkpoint",
        "5_HP-Karaoke-UVR.pth": "checkpoint",
        "955717e8-8726e21a.th": "checkpoint",
    }
    assert "n_fft" in found["unknown.onnx"].why
    assert "RoFormer" in found["model_bs_roformer_ep_317.ckpt"].why
    assert list(library) == ["voice-ft"]
    model = library.find("voice-ft")
    assert model.files[0].readlink() == theirs / "MDX_Net_Models" / "Voice FT.onnx"
    assert model.manifest.all_stems == ("vocals", "instrumental")


def test_a_second_time_nothing_is_added(library: ModelLibrary, theirs: Path) -> None:
    voice = theirs / "MDX_Net_Models" / "Voice FT.onnx"
    assert [adopt(voice, library).state for _ in range(3)] == ["added", "here", "here"]


def test_a_taken_name_is_not_overwritten(library: ModelLibrary, tmp_path: Path) -> None:
    for number, gain in enumerate((1.0, 0.5)):
        (tmp_path / str(number)).mkdir()
        save(stacked([1, 2, 343980], [gain] * 4), tmp_path / str(number) / "htdemucs.onnx")
    assert adopt(tmp_path / "0" / "htdemucs.onnx", library).state == "added"
    other = adopt(tmp_path / "1" / "htdemucs.onnx", library)
    assert other.state == "unclear" and "--name OTHER" in other.why
    assert adopt(tmp_path / "1" / "htdemucs.onnx", library, name="mine", link=False).model == "mine"
    assert not library.find("mine").files[0].is_symlink()


def test_a_file_of_the_catalogue_gets_its_name_and_licence(
    library: ModelLibrary, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = theirs / "MDX_Net_Models" / "Voice FT.onnx"
    content = voice.read_bytes()
    source = Source("other name.onnx", len(content), hashlib.sha256(content).hexdigest())
    entry = Entry("voice", "Voice", ("vocals",), (source,), licence="CC-BY-NC-4.0", commercial="no")
    monkeypatch.setattr(module, "catalogue", lambda: {"voice": entry})
    assert adopt(voice, library).model == "voice"
    assert library.find("voice").manifest.licence == "CC-BY-NC-4.0; not for commercial use"


def test_a_manifest_beside_a_file_brings_all_files_of_the_model(library: ModelLibrary, tmp_path: Path) -> None:
    stems = ("vocals", "instrumental")
    for stem in stems:
        save(times([2, "splits", 512, 1024], 1.0), tmp_path / f"{stem}.onnx")
    assert adopt(tmp_path / "vocals.onnx", library).state == "unclear"
    listed = tuple(ModelFile(f"{stem}.onnx", stems=(stem,)) for stem in stems)
    write(Manifest("pair", "spleeter", stems, listed), tmp_path / "model.toml")
    assert adopt(tmp_path / "vocals.onnx", library).state == "added"
    assert [path.name for path in library.find("pair").files] == ["vocals.onnx", "instrumental.onnx"]
    assert adopt(tmp_path / "instrumental.onnx", library).state == "here"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("955717e8-8726e21a.th", "HTDemucs"),
        ("htdemucs_6s.safetensors", "HTDemucs"),
        ("a1d90b5c-ae9d2452.th", "Demucs checkpoint"),
        ("model_mel_band_roformer_ep_3005_sdr_11.4360.ckpt", "RoFormer"),
        ("MDX23C-8KFFT-InstVoc_HQ.ckpt", "MDX23C"),
        ("vocals-c8df74a5.pth", "Open-Unmix"),
        ("model_scnet_masked_ep_111_sdr_9.8286.ckpt", "SCNet"),
        ("UVR-DeNoise.pth", "VR architecture"),
        ("1_HP-UVR.pth", "VR architecture"),
        ("anything.ckpt", "does not tell"),
    ],
)
def test_checkpoints_are_named_with_what_to_do(name: str, what: str) -> None:
    said = checkpoint(name)
    assert what in said and ";" in said
