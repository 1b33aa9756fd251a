"""`@node`: a typed function becomes a node type; its signature is checked when it is imported."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from midistems_graph.audio import values
from midistems_graph.document.graph import KnobValue
from midistems_graph.node.contract import (
    LOCAL,
    Alone,
    Context,
    ContextRule,
    FileBelowGraph,
    FolderBelowGraph,
    InputName,
    ModelName,
    Range,
    Run,
    Stream,
)
from midistems_graph.node.help import completed
from midistems_graph.node.knob import Knob as Knob
from midistems_graph.node.knob import KnobError as KnobError
from midistems_graph.node.knob import KnobKind

KINDS: Mapping[str, type] = {
    "audio": values.Audio,
    "spectrogram": values.Spectrogram,
    "magnitude": values.Magnitude,
    "phase": values.Phase,
    "mask": values.Mask,
    "stems": values.Stems,
    "curves": values.Curves,
    "features": values.Features,
    "scores": values.Scores,
    "number": values.Number,
    "text": values.Text,
    "separator": values.Separator,
    "scorer": values.Scorer,
}
"""Kinds of values by name, in the order they are shown."""

TIMED = frozenset({"audio", "spectrogram", "magnitude", "phase", "mask", "stems", "curves"})
"""Kinds that cover a stretch of the song."""

SCORED = ["mixture", "stems"]
"""The first input ports of every scorer; one that needs true stems has a port `references` as well."""

_NAMES = {cls: name for name, cls in KINDS.items()}


class DefinitionError(TypeError):
    """A node type is not written as the contract asks; the message names the function and the parameter."""


@dataclass(frozen=True)
class Port:
    """An input or output of a node type.

    `kinds` are the kinds of value it takes; `generic` names the type variable that makes several
    ports of one node agree on a kind; `shared` is what its annotation says of it, where nodes share the annotation.
    """

    name: str
    kinds: tuple[str, ...]
    generic: str = ""
    optional: bool = False
    variadic: bool = False
    stream: bool = False
    shared: str = ""

    @cached_property
    def timed(self) -> bool:
        return any(kind in TIMED for kind in self.kinds)


@dataclass(frozen=True)
class Traits:
    """What the engine must know about a node type besides its function's signature.

    id           room and name (`separate.hpss`)
    title        what people read; by default made of the id
    tags         further words that a search finds it by
    context      how far around a wanted stretch its inputs matter
    derived      cheap and pure: never stored, recomputed when needed
    writes       has side effects (writes output files); gives nothing that is stored
    separator    Audio -> Stems, so that a `separator` port offers it as a function too
    scorer       streams of `mixture`, `stems` and, if it needs them, `references` -> Number, the higher the better, so
                 that a `scorer` port offers it as a function too
    sums_to      name of the input port that the outputs add up to
    rate         output rate as a function of (knobs, rate of the first timed input or of the song)
    stems        names of the stems it makes: a tuple, or a function of the knobs
    complete     the stems it makes cover the whole parent: yes or no, or a function of the knobs
    apart        stems that it makes each by itself, for no more work in all: how, by stem, as a function of (knobs,
                 names of each set of stems that arrives, none where they are not known); nothing where they are made
                 together. For types with the one output `out`; `stem_by_stem` is such a function
    picks        the stems that an output needs of a set that arrives: a function of (knobs, output port, names)
    reduce       a streaming first pass over the whole song; its result arrives as the function's
                 positional parameter `learned`, and the node itself stays local
    reduces      whether that pass is needed, as a function of the knobs; where it is not, `learned` is left out
    holds        it keeps streams as a whole in memory, as if it took values
    scratch      working memory while it runs, as a multiple of its inputs' and outputs' bytes
    resident     further bytes that it takes while it runs, whatever the stretch, as a function of the knobs (a network)
    segments     seconds that the segments in which it works on a song have together, as a function of (knobs, seconds
                 of the song); by default as many as the song has
    libraries    installed packages whose version changes its samples
    facts        what else of this machine changes them, by name, as a function of the knobs
    keeps_gain   gain in = gain out and silence in = silence out; nodes that do not keep it declare False
    """

    id: str
    version: str = "1.0.0"
    title: str = ""
    tags: tuple[str, ...] = ()
    context: ContextRule = LOCAL
    derived: bool = False
    writes: bool = False
    separator: bool = False
    scorer: bool = False
    sums_to: str = ""
    rate: Callable[[Any, int], int] | None = None
    stems: tuple[str, ...] | Callable[[Any], tuple[str, ...]] = ()
    complete: bool | Callable[[Any], bool] = False
    apart: Callable[[Any, tuple[tuple[str, ...], ...]], Mapping[str, Alone]] | None = None
    picks: Callable[[Any, str, tuple[str, ...]], tuple[str, ...]] | None = None
    reduce: Callable[..., Any] | None = None
    reduces: Callable[[Any], bool] | None = None
    holds: bool = False
    scratch: float = 2.0
    resident: Callable[[Any], int] | None = None
    segments: Callable[[Any, float], float] | None = None
    libraries: tuple[str, ...] = ()
    facts: Callable[[Any], Mapping[str, str]] | None = None
    keeps_gain: bool = True


@dataclass(frozen=True, kw_only=True)
class NodeType(Traits):
    """What a box does: a function with its ports and knobs.

    takes_run        the function wants the run, as `run`
    single_output    it returns one value, not a tuple of them
    """

    function: Callable[..., Any]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    knobs: tuple[Knob, ...]
    takes_run: bool = False
    single_output: bool = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself: a node is unit-tested by calling it."""
        return self.function(*args, **kwargs)

    @property
    def room(self) -> str:
        """The first word of the id: the room of the node library it stands in."""
        return self.id.partition(".")[0]

    def input(self, name: str) -> Port | None:
        return self._inputs.get(name)

    def output(self, name: str) -> Port | None:
        return self._outputs.get(name)

    def knob(self, name: str) -> Knob | None:
        return self._knobs.get(name)

    @cached_property
    def _inputs(self) -> Mapping[str, Port]:
        return {port.name: port for port in self.inputs}

    @cached_property
    def _outputs(self) -> Mapping[str, Port]:
        return {port.name: port for port in self.outputs}

    @cached_property
    def _knobs(self) -> Mapping[str, Knob]:
        return {knob.name: knob for knob in self.knobs}

    @cached_property
    def help(self) -> str:
        """The whole docstring, unindented, with what the annotations of ports and knobs say."""
        return completed(inspect.getdoc(self.function) or "", (*self.inputs, *self.knobs))

    @property
    def summary(self) -> str:
        """The docstring's first paragraph on one line."""
        return " ".join(self.help.partition("\n\n")[0].split())

    @cached_property
    def parameter_docs(self) -> Mapping[str, str]:
        """What the docstring says about each port and knob, by name."""
        from docstring_parser import DocstringStyle, parse

        parsed = parse(self.help, DocstringStyle.NUMPYDOC)
        return {p.arg_name: " ".join((p.description or "").split()) for p in parsed.params}

    def settings(self, given: Mapping[str, object]) -> dict[str, KnobValue]:
        """All knobs with their values: given ones coerced, defaults for the rest; raises KnobError."""
        unknown = sorted(given.keys() - self._knobs.keys())
        if unknown:
            has = ", ".join(k.name for k in self.knobs) or "none"
            raise KnobError(f"there is no knob {unknown[0]!r}; {self.id} has {has}")
        return {k.name: k.coerce(given[k.name]) if k.name in given else k.default for k in self.knobs}


@dataclass(frozen=True)
class node(Traits):  # noqa: N801 - reads as a decorator
    """Make a node type of a typed function. Raises DefinitionError where it is not written as the contract asks."""

    def __call__(self, function: Callable[..., Any]) -> NodeType:
        signature = inspect.signature(function)
        hints = typing.get_type_hints(function, include_extras=True)
        where = f"{function.__module__}.{function.__qualname__} ({self.id})"
        if not function.__doc__:
            raise DefinitionError(f"{where} has no docstring, and the docstring is the node's help")
        if "return" not in hints:
            raise DefinitionError(f"{where} has no return annotation, and that is its outputs")
        inputs, knobs, takes_run = [], [], False
        for parameter in signature.parameters.values():
            if parameter.name not in hints:
                raise DefinitionError(f"{where}: parameter {parameter.name!r} has no annotation")
            hint = hints[parameter.name]
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise DefinitionError(
                    f"{where}: parameter {parameter.name!r} cannot be * or **; a variadic port is tuple[Audio, ...]"
                )
            if hint is Run:
                takes_run = True
            elif parameter.kind is parameter.KEYWORD_ONLY:
                knobs.append(_knob(where, parameter, hint))
            elif not (self.reduce and parameter.name == "learned"):
                inputs.append(_port(where, parameter.name, hint, optional=parameter.default is None))
        outputs, single = _outputs(where, hints["return"])
        if any(port.variadic for port in outputs):
            raise DefinitionError(f"{where}: an output cannot be variadic; return Stems or a NamedTuple")
        if self.separator:
            if not any("audio" in p.kinds for p in inputs) or not any("stems" in p.kinds for p in outputs):
                raise DefinitionError(f"{where}: a separator takes Audio and returns Stems")
            outputs = (*outputs, Port("separator", ("separator",)))
        if self.scorer:
            if [port.name for port in inputs[:2]] != SCORED or outputs != (Port("out", ("number",)),):
                raise DefinitionError(f"{where}: a scorer takes {', '.join(SCORED)} and returns a Number")
            outputs = (*outputs, Port("scorer", ("scorer",)))
        names = [port.name for port in inputs] + [knob.name for knob in knobs]
        if len(set(names)) != len(names):
            raise DefinitionError(f"{where}: ports and knobs must not share a name")
        if self.sums_to and self.sums_to not in [port.name for port in inputs]:
            raise DefinitionError(f"{where}: sums_to={self.sums_to!r} is not an input port")
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        fields["title"] = self.title or self.id.partition(".")[2].replace("_", " ").capitalize()
        return NodeType(
            **fields,
            function=function,
            inputs=tuple(inputs),
            outputs=outputs,
            knobs=tuple(knobs),
            takes_run=takes_run,
            single_output=single,
        )


def _port(where: str, name: str, hint: Any, *, optional: bool = False) -> Port:
    """The port that an annotation describes."""
    stream = variadic = False
    generic = shared = ""
    while True:
        around, inner = get_origin(hint), get_args(hint)
        if around is Annotated:
            hint, shared = inner[0], shared or inner[-1]
        elif around in (Union, types.UnionType) and type(None) in inner:
            optional = True
            hint = Union[tuple(one for one in inner if one is not type(None))]  # noqa: UP007 - built at run time
        elif around is tuple and inner[1:] == (...,):
            variadic, hint = True, inner[0]
        elif around is Stream:
            stream, hint = True, inner[0]
        else:
            break
    if isinstance(hint, TypeVar):
        generic, classes = hint.__name__, hint.__constraints__
    elif get_origin(hint) in (Union, types.UnionType):
        classes = get_args(hint)
    else:
        classes = (hint,)
    if not classes or any(cls not in _NAMES for cls in classes):
        raise DefinitionError(f"{where}: port {name!r} has the annotation {hint}, which is no kind of value")
    return Port(name, tuple(_NAMES[cls] for cls in classes), generic, optional, variadic, stream, shared)


def _outputs(where: str, hint: Any) -> tuple[tuple[Port, ...], bool]:
    """Output ports, and whether there is one that the function returns bare."""
    if hint is None or hint is type(None):
        return (), True
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        hints = typing.get_type_hints(hint)
        return tuple(_port(where, name, hints[name]) for name in hint._fields), False
    origin = get_origin(hint)
    if isinstance(origin, type) and issubclass(origin, tuple) and hasattr(origin, "_fields"):
        hints = typing.get_type_hints(origin)
        bound = dict(zip(_parameters(origin), get_args(hint), strict=True))
        return tuple(_port(where, n, bound.get(hints[n], hints[n])) for n in origin._fields), False
    return (_port(where, "out", hint),), True


def _parameters(cls: Any) -> tuple[Any, ...]:
    for base in getattr(cls, "__orig_bases__", ()):
        if get_origin(base) is Generic:
            return get_args(base)
    return ()


def _knob(where: str, parameter: inspect.Parameter, hint: Any) -> Knob:
    """The knob that a keyword-only parameter describes."""
    name, default = parameter.name, parameter.default
    if default is inspect.Parameter.empty:
        raise DefinitionError(f"{where}: knob {name!r} needs a default")
    extras: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        extras = tuple(rest)
    limits = next((e for e in extras if isinstance(e, Range)), None)
    file = next((e for e in extras if isinstance(e, FileBelowGraph | FolderBelowGraph | InputName | ModelName)), None)
    shared = next((e for e in reversed(extras) if isinstance(e, str)), "")
    plain: dict[Any, KnobKind] = {bool: "bool", int: "int", float: "float", str: "text"}
    plain |= {tuple[float, ...]: "numbers", tuple[str, ...]: "texts"}
    if get_origin(hint) is Literal:
        knob = Knob(name, "choice", default, None, get_args(hint), file, shared)
    elif hint in plain:
        knob = Knob(name, plain[hint], default, limits, (), file, shared)
        if knob.kind in ("int", "float") and limits is None:
            raise DefinitionError(f"{where}: knob {name!r} needs a Range")
    else:
        raise DefinitionError(f"{where}: knob {name!r} has the annotation {hint}, which is no kind of knob")
    try:
        return dataclasses.replace(knob, default=knob.coerce(default))
    except KnobError as error:
        raise DefinitionError(f"{where}: default refused: {error}") from None


def has_first_pass(node_type: NodeType, knobs: Mapping[str, object]) -> bool:
    """Whether a streaming pass over the whole song comes first, at given knobs."""
    if node_type.reduce is None:
        return False
    return node_type.reduces is None or node_type.reduces(types.SimpleNamespace(**knobs))


def context_of(node_type: NodeType, knobs: Mapping[str, object]) -> Context:
    """The context of a node type at given knobs (names resolved as attributes of the rule's argument)."""
    if isinstance(node_type.context, Context):
        return node_type.context
    return node_type.context(types.SimpleNamespace(**knobs))
