import json
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from midistems_graph.models.manifest import (
    Condition,
    Manifest,
    ManifestError,
    ModelFile,
    from_data,
    from_metadata,
    read,
    to_data,
    to_metadata,
    write,
)

VALIDATOR = Draft202012Validator(
    json.loads(files("midistems_graph.models").joinpath("manifest.schema.json").read_text("utf-8"))
)

texts = st.text(st.characters(exclude_categories=["C"]), max_size=20)
figures = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts
names = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    stems = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    onnx = draw(st.lists(names.map(lambda name: f"{name}.onnx"), min_size=1, max_size=4, unique=True))
    outputs = st.lists(st.sampled_from(["", *stems]), max_size=4).map(tuple)
    return Manifest(
        name=draw(names),
        contract=draw(names),
        stems=tuple(stems),
        files=tuple(ModelFile(each, draw(st.sampled_from(["", "0f" * 32])), draw(outputs)) for each in onnx),
        title=draw(texts),
        notes=draw(texts),
        residual=draw(st.sampled_from(["", "the rest"])),
        complete=draw(st.booleans()),
        rate=draw(st.integers(1000, 768_000)),
        conditions=tuple(
            Condition(each, draw(st.sampled_from([0.0, 100.0])))
            for each in draw(st.lists(names, max_size=2, unique=True))
        ),
        channels=draw(st.integers(1, 64)),
        parameters=draw(
            st.dictionaries(
                names.map(lambda n: n.replace("-", "_")), figures | st.lists(figures, max_size=3).map(tuple)
            )
        ),
    )


@settings(max_examples=50)
@given(manifests())
def test_a_manifest_survives_its_file_its_metadata_and_fits_the_schema(tmp_path_factory, manifest):
    path = tmp_path_factory.mktemp("model") / "model.toml"
    write(manifest, path)
    assert read(path) == manifest
    assert from_metadata(to_metadata(manifest)) == manifest
    VALIDATOR.validate(to_data(manifest))
    assert [each.name for each in path.parent.iterdir()] == ["model.toml"]


GOOD = to_data(Manifest("drums", "mdx", ("drums",), (ModelFile("drums.onnx", "", ("drums",)),)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "else"}, "begins with format"),
        ({"version": 2}, "version 2"),
        ({"colour": "red"}, "'colour', which is not known"),
        ({"name": "../up"}, "'../up'"),
        ({"stems": []}, "stems are none"),
        ({"stems": ["a", "a"]}, "a name of its own"),
        ({"stems": "drums"}, "list of texts"),
        ({"residual": "drums"}, "a name of its own"),
        ({"rate": 10}, "10 Hz"),
        ({"rate": 44100.0}, "whole number"),
        ({"parameters": {"n_fft": None}}, "'n_fft'"),
        ({"parameters": {"n_fft": float("nan")}}, "finite"),
        ({"files": []}, "files are none"),
        ({"files": [{"file": "../up.onnx"}]}, "'../up.onnx'"),
        ({"files": [{"file": "a.onnx"}, {"file": "a.onnx"}]}, "listed once"),
        ({"files": [{"file": "a.onnx", "sha256": "12"}]}, "64 hex digits"),
        ({"files": [{"file": "a.onnx", "stems": ["bass"]}]}, "not among the stems drums"),
        ({"files": [{"file": "a.onnx", "size": 3}]}, "'size', which is not known"),
    ],
)
def test_a_bad_manifest_is_refused_in_one_sentence(change, said):
    with pytest.raises(ManifestError, match=said) as caught:
        from_data({**GOOD, **change})
    assert "\n" not in str(caught.value)


def test_what_is_no_manifest_file_is_said(tmp_path):
    path = tmp_path / "model.toml"
    for content, said in (
        (b"\xff\xfe", "no TOML"),
        (b"a = ", "no TOML"),
        (b"a = 1", "begins with"),
        (b" " * 2_000_000, "too long"),
    ):
        path.write_bytes(content)
        with pytest.raises(ManifestError, match=said):
            read(path)
    with pytest.raises(ManifestError, match="cannot be read"):
        read(tmp_path / "none.toml")


def test_a_file_without_a_manifest_has_none_and_broken_metadata_is_said():
    assert from_metadata({}) is None
    with pytest.raises(ManifestError, match="no JSON"):
        from_metadata({"midistems_model": "{"})
