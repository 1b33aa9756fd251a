"""Whatever people do, in any order: every document can be saved and read, and undo brings each one back.

`MIDISTEMS_SOAK=2000 pytest tests/editor/model/test_random_edits.py` makes as many edits instead of 500.
"""

from __future__ import annotations

import gc
import os
import random
import tracemalloc

import pytest
from canvas import LIBRARY, Hand, group

from midistems_graph.document.data import from_data, to_data
from midistems_graph.document.flatten import flatten
from midistems_graph.document.graph import Address, Frame, Graph, Note, View
from midistems_graph.editor.model import clipboard, commands, decor, knobs, nodes, wiring
from midistems_graph.editor.model.bodies import all_edges
from midistems_graph.editor.model.edit import Edit, Refused
from midistems_graph.editor.model.editor import Editor
from midistems_graph.editor.model.events import Event
from midistems_graph.editor.model.history import LONGEST
from midistems_graph.editor.model.scene_making import scene_of

TYPES = (
    "io.load",
    "separate.hpss",
    "filter.gain",
    "blend.mix",
    "stems.pick",
    "io.save",
    "control.number",
    "group:refine",
)
EDITS = int(os.environ.get("MIDISTEMS_SOAK", "500"))
ROUND = LONGEST
"""Edits that are undone and done again at a time: as many as the history keeps."""

OWN = [name for name, command in commands.COMMANDS.items() if command.run and name not in ("undo", "redo")]


def start() -> Hand:
    refine = group(
        "hpss=separate.hpss; gain=filter.gain; deep=group:deep",
        "hpss.out->gain.signal; gain.out->deep.audio",
        inputs={"audio": "hpss.mixture"},
        outputs={"out": "deep.out"},
        knobs={"gain": "gain.gain"},
    )
    deep = group("a=filter.gain", inputs={"audio": "a.signal"}, outputs={"out": "a.out"})
    view = View(
        {"load": (0, 0), "r": (400, 0), "mix": (800, 0), "save": (1200, 0)},
        (Frame("f", -60, -60, 500, 400),),
        (Note("n", 40, 300),),
    )
    return Hand(
        "load=io.load; r=group:refine; mix=blend.mix; save=io.save",
        "load.out->r.audio; r.out->mix.signals[0]; load.out->mix.signals[1]; mix.out->save.stems",
        view=view,
        groups={"refine": refine, "deep": deep},
    )


def edit(editor: Editor, rng: random.Random) -> Edit:
    """A random edit with arguments; may be refused."""
    state = editor.state
    ids = sorted(state.body.nodes)
    one = rng.choice(ids) if ids else "gone"
    at = (rng.uniform(-400, 1600), rng.uniform(-400, 900))
    edges = sorted(all_edges(state.body))
    match rng.randrange(11):
        case 0:
            return nodes.add_node(state, editor.library, rng.choice(TYPES), at)
        case 1:
            return nodes.add_wired(state, editor.library, rng.choice(TYPES), at, Address(one, "out"), "out")
        case 2:
            return clipboard.paste(state, clipboard.copy(state), at, incoming=rng.random() < 0.5)
        case 3:
            return clipboard.cut(state, editor.insight)[1]
        case 4:
            return knobs.set_knob(state, editor.library, [one], "gain", rng.uniform(-20, 20))
        case 5:
            return knobs.reset_knob(state, [one], "gain")
        case 6:
            return nodes.rename(state, one, rng.choice(["Vocals", "", "Ünïcode"]))
        case 7:
            return nodes.change_id(state, one, rng.choice(["kick", "snare", one]))
        case 8 if edges:
            return wiring.insert_on_edge(state, editor.insight, one, rng.choice(edges))
        case 9:
            return knobs.publish(state, editor.library, one, "gain")
        case 10:
            return knobs.link(state, editor.library, ids, "gain")
    return decor.add_note(state, at, rng.choice(["hello", "two\nlines"]))


def gesture(hand: Hand, rng: random.Random) -> None:
    """A drag between two places where something is, or a click, with any modifiers; sometimes taken back."""
    scene = hand.editor.scene
    places = [box.rect.center for box in scene.boxes.values()] + [hand.title(i) for i in scene.boxes]
    places += [box.at(spot) for box in scene.boxes.values() for spot in box.shape.ports]
    places += [wire.track.middle for wire in scene.wires.values()]
    places += [point for wire in scene.wires.values() for point in wire.track.points]
    places += [(frame.rect.right, frame.rect.bottom) for frame in scene.frames.values()]
    places += [(rng.uniform(-400, 1600), rng.uniform(-400, 900)) for _ in range(4)]
    a, b = rng.choice(places), rng.choice(places)
    keys = {name: rng.random() < 0.15 for name in ("shift", "ctrl", "alt")}
    match rng.randrange(8):
        case 0:
            hand.double(a)
        case 1:
            hand.click(a, button=rng.choice(["left", "right"]), **keys)
        case 2:
            hand.press(a, b, **keys)
            check_scene(hand.editor)
            hand.send("key", b, key="Escape")
        case 3:
            hand.send("wheel", a, turn=rng.choice([-1.0, 1.0]))
        case _:
            hand.drag(a, b, **keys)


def check_scene(editor: Editor) -> None:
    """The scene that was made step by step is the one that is made at once."""
    fresh = scene_of(editor.state.graph, editor.insight, editor.state.path)
    scene = editor.scene
    assert scene.boxes == fresh.boxes
    assert [w for name, w in scene.wires.items() if fresh.wires.get(name) != w] == []
    assert scene.wires.keys() == fresh.wires.keys()
    assert (scene.frames, scene.notes) == (fresh.frames, fresh.notes)
    assert list(scene.boxes) == list(fresh.boxes)
    assert not scene.diff(fresh)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
def test_random_edits_are_sound_and_undone_and_done_again(seed: int) -> None:
    rng, hand = random.Random(seed), start()
    for _ in range(-(-EDITS // ROUND)):
        documents = edited(hand, rng, min(EDITS, ROUND))
        for before in reversed(documents[:-1]):
            assert hand.editor.undo() and hand.graph == before
        check_scene(hand.editor)
        for after in documents[1:]:
            assert hand.editor.redo() and hand.graph == after
        assert hand.editor.redo() == ""


def test_what_is_undone_to_the_beginning_is_saved() -> None:
    hand = start()
    documents = edited(hand, random.Random(5), 20)
    for before in reversed(documents[:-1]):
        assert hand.editor.dirty and hand.editor.undo() and hand.graph == before
    assert hand.editor.undo() == "" and not hand.editor.dirty


def edited(hand: Hand, rng: random.Random, count: int) -> list[Graph]:
    """The documents that so many random edits give, each saved and read; the first is the one before."""
    editor, steps = hand.editor, 0
    documents = [editor.state.graph]
    while len(documents) <= count:
        steps += 1
        assert steps < 20 * count
        try:
            match rng.randrange(4):
                case _ if len(editor.state.body.nodes) > 24:
                    commands.run(editor, "select_all")
                    commands.run(editor, "delete")
                case 0:
                    editor.apply(edit(editor, rng))
                    editor.seal()
                case 1:
                    commands.run(editor, rng.choice(OWN))
                    editor.seal()
                case _:
                    gesture(hand, rng)
        except Refused as refused:
            assert str(refused)
        graph = editor.state.graph
        assert graph is editor.history.present.graph or graph == editor.history.present.graph
        if graph != documents[-1]:
            documents.append(graph)
            assert from_data(to_data(graph)) == graph
            flatten(graph)
        if steps % 10 == 0:
            check_scene(editor)
    return documents


def test_undoing_and_redoing_again_and_again_takes_no_more_memory() -> None:
    rng, hand = random.Random(11), start()
    editor = hand.editor
    while len(editor.history.past) < min(EDITS // 10, LONGEST):
        try:
            editor.apply(edit(editor, rng))
            editor.seal()
        except Refused:
            gesture(hand, rng)

    def sweep() -> int:
        while editor.undo():
            pass
        while editor.redo():
            pass
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    sweep()
    tracemalloc.start()
    try:
        first = [sweep() for _ in range(2)][-1]
        later = [sweep() for _ in range(4)][-1]
    finally:
        tracemalloc.stop()
    assert later - first < 100_000


def test_the_view_can_follow_with_differences_alone() -> None:
    rng, hand = random.Random(7), start()
    drawn: dict[str, object] = {}
    for _ in range(200):
        try:
            commands.run(hand.editor, rng.choice(OWN))
        except Refused:
            gesture(hand, rng)
        diff, scene = hand.editor.take_diff(), hand.editor.scene
        for item in diff.removed:
            del drawn[item]
        for item in diff.added:
            assert item not in drawn
            drawn[item] = scene.item(item)
        for item in (*diff.updated, *diff.moved):
            assert item in drawn
            drawn[item] = scene.item(item)
        assert drawn == {**scene.frames, **scene.wires, **scene.boxes, **scene.notes}


def test_unknown_events_never_raise() -> None:
    rng, hand = random.Random(3), start()
    for _ in range(600):
        event = Event(
            rng.choice(["down", "move", "up", "double", "wheel", "key"]),
            (rng.uniform(-500, 2000), rng.uniform(-500, 1000)),
            rng.choice(["left", "right", "middle"]),
            shift=rng.random() < 0.2,
            alt=rng.random() < 0.2,
            scale=rng.choice([0.2, 1.0, 10.0]),
            turn=rng.choice([-3.0, 1.0]),
            key=rng.choice(["Escape", "a"]),
        )
        hand.editor.handle(event)
        hand.editor.overlay  # noqa: B018 - it can be drawn
    assert len(LIBRARY) and from_data(to_data(hand.graph)) == hand.graph
