from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.document.layout import Layout, Wire, arrange
from strategies import some

boxes_and_wires = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.tuples(st.floats(10, 200), st.floats(10, 200)), min_size=n, max_size=n),
        st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=20),
    )
)


def laid_out(*pairs: str, size: tuple[float, float] = (100, 50)) -> Layout:
    wires = [Wire(pair[0], pair[1], 25, 25) for pair in pairs]
    return arrange(dict.fromkeys(sorted(set("".join(pairs))), size), wires)


@some
@given(boxes_and_wires)
def test_boxes_do_not_touch_each_other_or_a_passing_wire(
    drawing: tuple[list[tuple[float, float]], list[tuple[int, int]]],
) -> None:
    sizes = {str(i): size for i, size in enumerate(drawing[0])}
    layout = arrange(sizes, [Wire(str(a), str(b)) for a, b in drawing[1]])
    spots = [(*layout.positions[i], *sizes[i]) for i in sizes]
    for (x, y, w, h), (u, v, p, q) in combinations(spots, 2):
        assert x + w < u or u + p < x or y + h < v or v + q < y
    for lanes in layout.lanes.values():
        for left, right, level in lanes:
            assert not any(left < x + w and x < right and y < level < y + h for x, y, w, h in spots)


def test_wires_lead_to_the_right() -> None:
    layout = laid_out("ab", "bc", "ad", "dc", "ac")
    assert layout.layers == {"a": 0, "b": 1, "d": 1, "c": 2}
    xs = {box: x for box, (x, _) in layout.positions.items()}
    assert xs["a"] < xs["b"] == xs["d"] < xs["c"]


def test_a_chain_is_straight() -> None:
    assert len({y for _, y in laid_out("ab", "bc", "cd").positions.values()}) == 1


def test_a_source_stands_beside_what_it_feeds() -> None:
    assert laid_out("ab", "bc", "cd", "xd").layers["x"] == 2


def test_two_crossed_wires_are_uncrossed() -> None:
    ys = {box: y for box, (_, y) in laid_out("ad", "bc").positions.items()}
    assert (ys["a"] < ys["b"]) == (ys["d"] < ys["c"])


def test_a_long_wire_is_level() -> None:
    layout = laid_out("ab", "bc", "cd", "de", "ae")
    (lanes,) = layout.lanes.values()
    assert len(lanes) == 3 and len({level for _, _, level in lanes}) == 1


@pytest.mark.parametrize("pairs", [("aa",), ("ab", "ba"), ("ab", "bc", "ca", "cd")])
def test_a_cycle_is_drawn_all_the_same(pairs: tuple[str, ...]) -> None:
    assert set(laid_out(*pairs).positions) == set("".join(pairs))


def test_the_same_boxes_get_the_same_places() -> None:
    wires = [Wire("a", "b"), Wire("a", "c"), Wire("c", "d"), Wire("b", "d")]
    sizes = dict.fromkeys("abcd", (50.0, 50.0))
    assert arrange(dict(reversed(sizes.items())), wires).positions == arrange(sizes, wires).positions
