from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from midistems_graph.editor.pictures.coverage import Coverage

stretches = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted), max_size=12)


@given(stretches, st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted))
def test_a_coverage_is_a_set_of_numbers(added: list[list[int]], asked: list[int]) -> None:
    coverage, numbers = Coverage(), set()
    for start, stop in added:
        coverage.add(start, stop)
        numbers |= set(range(start, stop))
    assert coverage.count == len(numbers)
    gaps = coverage.missing(*asked)
    assert [n for a, b in gaps for n in range(a, b)] == [n for n in range(*asked) if n not in numbers]
    assert all(left[1] < right[0] for left, right in pairwise(gaps))
