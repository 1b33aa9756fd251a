"""Packs are found through their entry point; ids are unique."""

import sys
import textwrap

import pytest

from midistems_graph.node import Audio, DefinitionError, NodeLibrary, node
from midistems_graph.node import library as library_module
from midistems_graph.node.library import installed, nodes_in

MODULE = '''
    """Nodes of a pack for a test."""
    from midistems_graph.node import Audio, node

    @node("{id}")
    def {name}(audio: Audio) -> Audio:
        """Do nothing."""
'''


@pytest.fixture
def pack(tmp_path, monkeypatch):
    """A package with two modules and its entry point, on the path for the length of a test."""
    package = tmp_path / "some_pack"
    package.mkdir()
    (package / "__init__.py").write_text("from some_pack.first import one\n")
    for module, name in (("first", "one"), ("second", "two")):
        (package / f"{module}.py").write_text(textwrap.dedent(MODULE).format(id=f"some.{name}", name=name))
    info = tmp_path / "some_pack-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-pack\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[midistems_graph_test.packs]\nsome = some_pack\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(library_module, "ENTRY_POINT", "midistems_graph_test.packs")
    installed.cache_clear()
    yield
    installed.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "some_pack"]:
        del sys.modules[name]


def test_an_installed_pack_is_found(pack):
    assert [t.id for t in installed()] == ["some.one", "some.two"]


def test_a_node_type_that_modules_share_is_one(pack):
    import some_pack

    assert [t.id for t in nodes_in(some_pack)] == ["some.one", "some.two"]


def same(audio: Audio) -> Audio:
    """Do nothing."""


def test_a_library_is_asked_by_id_and_sorted():
    b, a = node("test.b")(same), node("test.a")(same)
    types = NodeLibrary.of([b, a, b])
    assert list(types) == [a, b] and len(types) == 2
    assert types["test.a"] is a and types.get("test.c") is None
    assert "test.b" in types and "test.c" not in types


def test_two_types_of_one_id_are_refused():
    with pytest.raises(DefinitionError, match=r"'test\.a'"):
        NodeLibrary.of([node("test.a")(same), node("test.a")(same)])
