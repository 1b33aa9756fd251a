"""A node's help is its docstring, and what the annotations of shared knobs say."""

from __future__ import annotations

from typing import Annotated

from midistems_graph.node import Audio, Range, Stems, Stream, node

Rounds = Annotated[int, Range(1, 9), "How many rounds."]
Song = Annotated[Audio, "The sound to split."]


@node("test.refine")
def refine(audio: Audio, *, rounds: Rounds = 2, depth: Annotated[float, Range(0, 1)] = 0.5) -> Audio:
    """Make it better.

    Parameters
    ----------
    audio
        The sound.
    depth
        How deep.

    Returns
    -------
    Audio
        As long.
    """
    return audio


def test_a_shared_knob_is_described_by_its_annotation():
    assert refine.parameter_docs == {"audio": "The sound.", "depth": "How deep.", "rounds": "How many rounds."}
    places = [refine.help.index(words) for words in ("The sound.", "How many rounds.", "How deep.", "Returns")]
    assert places == sorted(places)


def test_the_docstrings_own_words_count():
    @node("test.own")
    def own(audio: Audio, *, rounds: Rounds = 2) -> Audio:
        """Make it better.

        Parameters
        ----------
        rounds : int
            Rounds of mine.
        """
        return audio

    assert own.parameter_docs == {"rounds": "Rounds of mine."}


def test_an_annotation_of_an_annotation_says_it_more_exactly():
    @node("test.exact")
    def exact(*, rounds: Annotated[Rounds, "Rounds of this kind."] = 2) -> Audio:
        """Make it better."""
        raise NotImplementedError

    assert exact.parameter_docs == {"rounds": "Rounds of this kind."}
    assert exact.knob("rounds").range == Range(1, 9)  # type: ignore[union-attr]
    assert exact.summary == "Make it better."


def test_a_shared_port_is_described_by_its_annotation_in_its_place():
    @node("test.split")
    def split(
        song: Song,
        stems: Stems,
        true: Annotated[Stems | None, "The true stems."] = None,
        more: tuple[Annotated[Stream[Audio], "More of them."], ...] = (),
        *,
        rounds: Rounds = 2,
        depth: Annotated[float, Range(0, 1)] = 0.5,
    ) -> Audio:
        """Split it.

        Parameters
        ----------
        stems
            What is judged: two stems
            or more.
        depth
            How deep.
        """
        raise NotImplementedError

    assert list(split.parameter_docs) == ["song", "stems", "true", "more", "rounds", "depth"]
    assert split.parameter_docs["song"] == "The sound to split."
    assert split.parameter_docs["stems"] == "What is judged: two stems or more."
    ports = {port.name: (port.kinds, port.optional, port.variadic, port.stream) for port in split.inputs}
    assert ports["true"] == (("stems",), True, False, False)
    assert ports["more"] == (("audio",), False, True, True)
