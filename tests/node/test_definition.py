"""A typed function is a node type: its signature is its ports and knobs, and what it cannot mean is refused."""

from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import pytest

from midistems_graph.node import (
    LOCAL,
    WHOLE,
    Audio,
    DefinitionError,
    FileBelowGraph,
    InputName,
    KnobError,
    Mask,
    Range,
    Run,
    Separator,
    Spectrogram,
    Stems,
    Stream,
    node,
    samples,
)
from midistems_graph.node.definition import context_of
from midistems_graph.node.knob import Knob

Signal = TypeVar("Signal", Audio, Stems)
Free = TypeVar("Free")


class Pair(NamedTuple):
    first: Audio
    second: Mask


class Both(NamedTuple, Generic[Signal]):
    left: Signal
    right: Signal


def ports(found):
    return [(p.name, p.kinds) for p in found]


def test_positional_parameters_are_inputs_and_keyword_only_ones_knobs():
    @node("test.sum", version="2.0.0")
    def add(audio: Audio, masks: Mask, *, gain: Annotated[float, Range(-60, 60, "dB")] = 0, run: Run) -> Audio:
        """Add up."""

    assert ports(add.inputs) == [("audio", ("audio",)), ("masks", ("mask",))]
    assert ports(add.outputs) == [("out", ("audio",))]
    assert add.knobs == (Knob("gain", "float", 0.0, Range(-60, 60, "dB")),)
    assert (add.takes_run, add.single_output, add.title, add.room, add.version) == (True, True, "Sum", "test", "2.0.0")


def test_the_kinds_of_ports():
    @node("test.ports")
    def kinds(
        one: Signal,
        several: tuple[Audio, ...],
        tiles: Stream[Audio],
        either: Audio | Spectrogram,
        maybe: Audio | None,
        other: Stems | Mask | None = None,
    ) -> Signal:
        """Do nothing."""

    one, several, tiles, either, maybe, other = kinds.inputs
    assert (one.generic, one.kinds) == ("Signal", ("audio", "stems"))
    assert several.variadic and several.kinds == ("audio",)
    assert tiles.stream and not tiles.variadic
    assert either.kinds == ("audio", "spectrogram") and not either.optional
    assert maybe.optional and maybe.kinds == ("audio",)
    assert other.optional and other.kinds == ("stems", "mask")
    assert kinds.outputs[0].generic == "Signal"


def test_outputs_of_a_named_tuple():
    @node("test.pair")
    def pair(audio: Audio) -> Pair:
        """Do nothing."""

    assert ports(pair.outputs) == [("first", ("audio",)), ("second", ("mask",))] and not pair.single_output


def test_outputs_of_a_generic_named_tuple():
    @node("test.both")
    def both(signal: Signal) -> Both[Signal]:
        """Do nothing."""

    assert [(p.name, p.generic) for p in both.outputs] == [("left", "Signal"), ("right", "Signal")]


def test_a_node_may_have_no_outputs():
    @node("test.write", writes=True)
    def write(audio: Audio) -> None:
        """Do nothing."""

    assert write.outputs == ()


def test_a_separator_offers_itself_as_a_function():
    @node("test.separate", separator=True)
    def separate(mixture: Audio) -> Stems:
        """Do nothing."""

    assert ports(separate.outputs) == [("out", ("stems",)), ("separator", ("separator",))]


def test_a_reduction_arrives_as_a_parameter_that_is_no_port():
    @node("test.reduce", reduce=lambda tiles: tiles)
    def reduce(audio: Audio, learned: Any) -> Audio:
        """Do nothing."""

    assert [p.name for p in reduce.inputs] == ["audio"]


def test_a_node_type_is_called_like_its_function():
    @node("test.twice")
    def twice(value: Audio, *, times: Annotated[int, Range(1, 9)] = 2) -> Audio:
        """Do nothing."""
        return value * times  # type: ignore[operator]

    assert twice(3) == 6 and twice(3, times=3) == 9


def test_help_summary_and_parameters_come_from_the_docstring():
    @node("test.help")
    def helped(audio: Audio, *, gain: Annotated[float, Range(0, 1)] = 0.5) -> Audio:
        """Make it
        louder.

        Parameters
        ----------
        audio : the sound
        gain : how
            much louder
        """

    assert helped.summary == "Make it louder."
    assert helped.parameter_docs["gain"] in ("much louder", "how much louder")


def test_ports_and_knobs_are_found_by_name():
    @node("test.find")
    def find(audio: Audio, *, path: Annotated[str, FileBelowGraph()] = "") -> Audio:
        """Do nothing."""

    assert find.input("audio") is find.inputs[0] and find.output("out") is find.outputs[0]
    assert find.knob("path") == Knob("path", "text", "", file=FileBelowGraph())
    assert find.input("gone") is find.output("gone") is find.knob("gone") is None


def test_the_kinds_of_knobs():
    @node("test.knobs")
    def knobs(
        *,
        flag: bool = True,
        count: Annotated[int, Range(0, 9)] = 1,
        level: Annotated[float, Range(0, 1)] = 1,
        name: str = "x",
        mode: Literal["a", "b"] = "a",
        bands: tuple[float, ...] = (),
        stems: tuple[str, ...] = ("vocals",),
        source: Annotated[str, InputName()] = "song",
    ) -> Audio:
        """Do nothing."""

    assert [k.kind for k in knobs.knobs] == ["bool", "int", "float", "text", "choice", "numbers", "texts", "text"]
    assert type(knobs.knobs[2].default) is float and knobs.knobs[7].file == InputName()


def test_settings_fill_in_defaults_and_coerce():
    @node("test.settings")
    def settings(*, count: Annotated[int, Range(0, 9)] = 1, level: Annotated[float, Range(0, 1)] = 0.5) -> Audio:
        """Do nothing."""

    assert settings.settings({"count": 3.0}) == {"count": 3, "level": 0.5}
    with pytest.raises(KnobError, match=r"no knob 'colour'; test\.settings has count, level"):
        settings.settings({"colour": 1})
    with pytest.raises(KnobError, match="'count' cannot be 10"):
        settings.settings({"count": 10})


def test_a_context_is_fixed_or_a_rule_of_the_knobs():
    @node("test.local")
    def local(audio: Audio) -> Audio:
        """Do nothing."""

    @node("test.rule", context=lambda k: samples(3 * k.n_fft))
    def rule(audio: Audio, *, n_fft: Annotated[int, Range(1, 9)] = 2) -> Audio:
        """Do nothing."""

    assert context_of(local, {}) == LOCAL and context_of(rule, {"n_fft": 4}).samples == 12
    assert WHOLE.whole and samples(44100).reach(44100) == 1


def no_docstring(audio: Audio) -> Audio: ...


def no_return(audio: Audio):
    """Do nothing."""


def no_annotation(audio) -> Audio:
    """Do nothing."""


def no_kind(audio: int) -> Audio:
    """Do nothing."""


def free_variable(audio: Free) -> Audio:
    """Do nothing."""


def no_output_kind(audio: Audio) -> int:
    """Do nothing."""


def pair_of_ports(audio: tuple[Audio, Audio]) -> Audio:
    """Do nothing."""


def starred(*audio: Audio) -> Audio:
    """Do nothing."""


def double_starred(audio: Audio, **knobs: str) -> Audio:
    """Do nothing."""


def many_outputs(audio: Audio) -> tuple[Audio, ...]:
    """Do nothing."""


def no_default(audio: Audio, *, name: str) -> Audio:
    """Do nothing."""


def no_range(audio: Audio, *, gain: float = 0.0) -> Audio:
    """Do nothing."""


def no_knob_kind(audio: Audio, *, gain: complex = 0j) -> Audio:
    """Do nothing."""


def default_out_of_range(audio: Audio, *, gain: Annotated[float, Range(0, 1)] = 2.0) -> Audio:
    """Do nothing."""


def default_no_choice(audio: Audio, *, mode: Literal["a", "b"] = "c") -> Audio:  # type: ignore[assignment]
    """Do nothing."""


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (no_docstring, "no docstring"),
        (no_return, "no return annotation"),
        (no_annotation, "'audio' has no annotation"),
        (no_kind, "'audio' .*no kind of value"),
        (free_variable, "'audio' .*no kind of value"),
        (no_output_kind, "'out' .*no kind of value"),
        (pair_of_ports, "'audio' .*no kind of value"),
        (starred, r"'audio' cannot be \*"),
        (double_starred, r"'knobs' cannot be \*"),
        (many_outputs, "output cannot be variadic"),
        (no_default, "'name' needs a default"),
        (no_range, "'gain' needs a Range"),
        (no_knob_kind, "'gain' .*no kind of knob"),
        (default_out_of_range, "default refused: .*'gain' cannot be 2.0; allowed: 0 to 1"),
        (default_no_choice, "default refused: .*'mode' cannot be 'c'; allowed: one of a, b"),
    ],
)
def test_what_is_no_node_type_is_refused_with_its_name(function, said):
    with pytest.raises(DefinitionError, match=rf"{function.__name__} \(test.bad\).*{said}"):
        node("test.bad")(function)


def test_a_separator_that_is_none_is_refused():
    def separate(separator: Separator) -> Stems:
        """Do nothing."""

    with pytest.raises(DefinitionError, match="takes Audio and returns Stems"):
        node("test.bad", separator=True)(separate)


def test_sums_to_names_an_input():
    def split(mixture: Audio) -> Stems:
        """Do nothing."""

    assert node("test.good", sums_to="mixture")(split).sums_to == "mixture"
    with pytest.raises(DefinitionError, match="sums_to='mix' is not an input port"):
        node("test.bad", sums_to="mix")(split)
