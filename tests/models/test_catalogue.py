"""Every entry of the catalogue is whole, and promises nothing that the library could not hold."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from midistems_graph.audio.stem_names import canonical
from midistems_graph.models.catalogue import Entry, NotListed, catalogue, listed
from midistems_graph.models.contracts import contracts
from midistems_graph.models.manifest import Manifest, ModelFile
from midistems_graph.models.obtain import BUILDERS

ALL = list(catalogue().values())


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.name)
def test_an_entry_is_whole(entry: Entry) -> None:
    Manifest(entry.name, entry.contract or "any", entry.stems, (ModelFile("any.onnx"),))  # names that a library takes
    assert entry.title and entry.source.startswith("https://")
    assert entry.stems == tuple(map(canonical, entry.stems))
    assert entry.commercial in ("yes", "no", "unknown")
    assert entry.licence or entry.commercial == "unknown"
    assert bool(entry.scores) == bool(entry.metric) == bool(entry.published)
    assert bool(entry.build) == bool(entry.package)
    assert entry.build in (*BUILDERS, "")
    for file in entry.files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.bytes > 1_000_000
        assert file.address.startswith("https://") or entry.package
        assert set(file.stems) <= set(entry.stems)
    assert bool(entry.convert) == (not entry.files)
    assert entry.contract or len(entry.files) == 1
    assert entry.contract in (*contracts(), "")
    assert entry.build or entry.convert or {stem for file in entry.files for stem in file.stems} == set(entry.stems)


def test_no_two_entries_are_the_same() -> None:
    text = files("midistems_graph.models").joinpath("catalogue.toml").read_text("utf-8")
    assert len(re.findall(r"^\[\[models\]\]$", text, re.M)) == len(ALL)
    sums = [file.sha256 for entry in ALL for file in entry.files]
    assert len(set(sums)) == len(sums)


def test_terms_name_what_is_forbidden_and_what_nobody_knows() -> None:
    assert listed("spleeter-2stems").terms == "MIT"
    assert "not known" in listed("kim-vocal-2").terms
    forbidden = Entry("a", "A", ("vocals",), (), licence="CC-BY-NC-4.0", commercial="no")
    assert forbidden.terms == "CC-BY-NC-4.0; not for commercial use"


def test_a_name_that_is_not_listed_gets_a_hint() -> None:
    with pytest.raises(NotListed, match="did you mean spleeter-2stems"):
        listed("spleeter-2stem")
    with pytest.raises(NotListed, match="models list"):
        listed("qqqq")
