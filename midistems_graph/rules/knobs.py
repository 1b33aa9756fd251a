"""Rules of knobs: known, in range, wired only where the plan does not hang on them, linked only to their like."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches

from midistems_graph.document.flatten import REPEAT
from midistems_graph.document.graph import Address, KnobValue
from midistems_graph.models.library import ModelLibrary, ModelMissing
from midistems_graph.node.contract import LOCAL, InputName, ModelName
from midistems_graph.node.definition import NodeType
from midistems_graph.node.knob import Knob, KnobError
from midistems_graph.rules.kinds import bodies_of
from midistems_graph.rules.problems import (
    KnobRefused,
    KnobShapesPlan,
    LinkMismatch,
    MissingModel,
    Problem,
    UnboundInput,
    UnknownKnob,
    UnknownNode,
    UnusedInput,
)
from midistems_graph.rules.site import Site


def knobs_known(site: Site) -> Iterator[Problem]:
    """UnknownKnob and KnobRefused."""
    for address, node in site.flat.nodes.items():
        node_type = site.type_of(address)
        for name, value in node.knobs.items() if node_type else ():
            knob = node_type.knob(name) if node_type else None
            if knob is None:
                yield _unknown(address, name, [k.name for k in node_type.knobs] if node_type else [])
                continue
            try:
                knob.coerce(value)
            except KnobError as error:
                yield KnobRefused(address, name, f"the node {address!r}: {error}")


def _unknown(address: str, name: str, has: list[str]) -> UnknownKnob:
    close = get_close_matches(name, has, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(has) or 'none'}"
    return UnknownKnob(address, name, f"the node {address!r} has no knob {name!r}; {hint}")


def inputs_bound(site: Site) -> Iterator[Problem]:
    """UnboundInput, and UnusedInput for what no node reads (nodes of unknown types may read any)."""
    defined = site.graph.inputs
    read: set[object] = set()
    for address, node in site.flat.nodes.items():
        node_type = site.type_of(address)
        if node_type is None:
            read.update(v for v in node.knobs.values() if isinstance(v, str))
            continue
        for knob in node_type.knobs:
            name = node.knobs.get(knob.name, knob.default)
            if not isinstance(knob.file, InputName) or name == "":
                continue
            read.add(name)
            if name not in defined:
                yield UnboundInput(
                    address,
                    knob.name,
                    f"the node {address!r} reads the input {name!r}, which the graph does not define; "
                    f"it has {', '.join(sorted(defined)) or 'none'}: choose one or add it",
                )
    for name in sorted(set(defined) - read) if site.flat.nodes else ():
        yield UnusedInput(
            "", "", f"the input {name!r} of the graph is never read; remove it or add a node that loads it"
        )


def models_there(site: Site) -> Iterator[MissingModel]:
    """MissingModel for what knobs name as a model."""
    library = ModelLibrary.default()
    for address, node in site.flat.nodes.items():
        node_type = site.type_of(address)
        for knob in node_type.knobs if node_type else ():
            if isinstance(knob.file, ModelName) and not isinstance(
                name := node.knobs.get(knob.name, knob.default), tuple
            ):
                try:
                    library.find(str(name))
                except ModelMissing as error:
                    yield MissingModel(address, knob.name, f"the node {address!r}: {error}")


def wired_knobs_leave_the_plan(site: Site) -> Iterator[KnobShapesPlan]:
    """Context, rate, names of stems, reductions and files must be known before the run."""
    for address, incoming in site.into.items():
        node_type = site.type_of(address)
        if node_type is None:
            continue
        wired = sorted({e.target.port for e in incoming if node_type.knob(e.target.port)})
        for name in wired:
            rule = shaping_rule(node_type, site.flat.nodes[address].knobs, name)
            if rule:
                yield KnobShapesPlan(
                    address,
                    name,
                    f"the knob {address}.{name} cannot be driven by an edge, because it decides {rule}, which must be "
                    "known before the run; remove the edge and set the knob",
                )


def shaping_rule(node_type: NodeType, knobs: Mapping[str, KnobValue], wired: str) -> str:
    """What a knob decides before the run (in words), or nothing.

    The rules of the node type are tried with the node's knobs; whether they read the wired one is the answer.
    """
    knob = node_type.knob(wired)
    if knob is not None and knob.file is not None:
        return "which files are read"
    if node_type.reduce is not None and wired in inspect.signature(node_type.reduce).parameters:
        return "the first pass over the song"
    settings: dict[str, object] = {k.name: k.default for k in node_type.knobs}
    settings |= {name: value for name, value in knobs.items() if _is_fine(node_type, name, value)}
    settings |= {port.name: LOCAL for port in node_type.inputs if "separator" in port.kinds}
    watched = Watched(settings, {wired})
    rules: dict[str, Callable[[], object]] = {
        "how much context is needed": lambda: callable(node_type.context) and node_type.context(watched),
        "the sample rate": lambda: node_type.rate and node_type.rate(watched, 44100),
        "the names of the stems": lambda: callable(node_type.stems) and node_type.stems(watched),
    }
    for words, rule in rules.items():
        try:
            rule()
        except WiredKnobRead:
            return words
        except Exception:  # a rule of a pack may fail on defaults; that is another matter
            continue
    return ""


def _is_fine(node_type: NodeType, name: str, value: object) -> bool:
    knob = node_type.knob(name)
    try:
        return knob is not None and knob.coerce(value) is not None
    except KnobError:
        return False


class WiredKnobRead(Exception):
    """A rule has read a knob whose value is not known before the run."""


class Watched:
    """Knobs as attributes for a rule of a node type; reading one that an edge drives raises WiredKnobRead."""

    def __init__(self, settings: Mapping[str, object], wired: Collection[str]) -> None:
        self.__dict__.update({name: value for name, value in settings.items() if name not in wired})
        self._wired = wired

    def __getattr__(self, name: str) -> object:
        if name in self._wired:
            raise WiredKnobRead(name)
        raise AttributeError(name)


def links_agree(site: Site) -> Iterator[Problem]:
    """LinkMismatch, and UnknownNode or UnknownKnob for ends that do not exist."""
    for prefix, body in site.flat.bodies.items():
        for link in body.links:
            ends: list[tuple[str, Knob, KnobValue]] = []
            for address in link:
                if address.node not in body.nodes:
                    at = f"{prefix}{address}"
                    yield UnknownNode(
                        prefix + address.node, address.port, f"a link names {at}, whose node does not exist; remove it"
                    )
                    continue
                for node, name in _linked(site, prefix, address):
                    end = _end(site, node, name)
                    if isinstance(end, Problem):
                        yield end
                    elif end is not None:
                        ends.append(end)
            if ends:
                yield from _differences(ends)


def _differences(ends: list[tuple[str, Knob, KnobValue]]) -> Iterator[LinkMismatch]:
    """What keeps the knobs of a link from sharing the value of the first."""
    first, knob, value = ends[0]
    for other, its, own in ends[1:]:
        ranged = knob.range is not None and its.range is not None
        if (its.kind, its.choices) != (knob.kind, knob.choices) or (ranged and knob.range != its.range):
            why = f"the first holds {knob.kind} ({knob.allowed}), the second {its.kind} ({its.allowed}); unlink them"
        elif own != value:
            why = f"the first is {value!r} and the second {own!r}; set the first"
        else:
            continue
        node, _, name = other.rpartition(".")
        yield LinkMismatch(node, name, f"{first} and {other} are linked, but {why}")


def _linked(site: Site, prefix: str, address: Address) -> Iterator[tuple[str, str]]:
    """The (node, knob) pairs behind one end of a link, through published knobs."""
    at = prefix + address.node
    inside = bodies_of(site.flat, at)[:1]
    if not inside or address.port == REPEAT:
        yield at, address.port
    for inner, group in inside:
        if address.port not in group.knobs and address.port != REPEAT:
            yield at, address.port
        for target in group.knobs.get(address.port, ()):
            yield from _linked(site, inner, target)


def _end(site: Site, node: str, name: str) -> tuple[str, Knob, KnobValue] | Problem | None:
    """A linked knob with the value that it has; nothing where it cannot be known."""
    instance = site.instance(node)
    if instance is not None:
        group = site.graph.groups[instance.group or ""]
        if name == REPEAT:
            return f"{node}.{name}", Knob(REPEAT, "int", group.repeat), instance.knobs.get(REPEAT, group.repeat)
        return None if name in group.knobs else _unknown(node, name, [*group.knobs, REPEAT])
    node_type = site.type_of(node)
    if node_type is None:
        return None
    knob = node_type.knob(name)
    if knob is None:
        return _unknown(node, name, [k.name for k in node_type.knobs])
    return f"{node}.{name}", knob, site.flat.nodes[node].knobs.get(name, knob.default)
