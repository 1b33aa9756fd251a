from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from canvas import LIBRARY, Hand, group

from midistems_graph.audio.strokes import Stroke
from midistems_graph.document.graph import Address, Edge
from midistems_graph.editor.model.edit import Refused
from midistems_graph.editor.model.paint import Point, Tool, add_stroke, canvas_port, strokes_of, tools

STROKE = Stroke.parse("rectangle -40 1,200 2,900")
MORE = Stroke.parse("brush -12 0.05,2 1,300 2,500")


def paint(hand: Hand, port: str, stroke: Stroke = STROKE) -> Address:
    """Paint as the editor does; where it is heard then."""
    editor = hand.editor
    edit, heard = add_stroke(editor.state, LIBRARY, editor.insight, Address.parse(port), stroke)
    editor.apply(edit)
    return heard


def drawn(*pixels: tuple[float, float]) -> tuple[Point, ...]:
    """A drag over a picture of a hundred pixels per second, ten Hz per pixel."""
    return tuple(Point(x, y, x / 100, 10 * y) for x, y in pixels)


def test_a_stroke_is_wired_in_behind_the_edge_and_undone_as_one_step() -> None:
    hand = Hand("song=io.load; a=filter.gain; b=filter.gain", "song.out -> a.signal; song.out -> b.signal")
    before = hand.graph
    assert paint(hand, "song.out") == Address("paint", "out")
    assert hand.graph.edges == {
        Edge.parse("song.out", "paint.signal"),
        Edge.parse("paint.out", "a.signal"),
        Edge.parse("paint.out", "b.signal"),
    }
    assert hand.graph.nodes["paint"].knobs["strokes"] == (str(STROKE),)
    assert hand.editor.undo() == "paint rectangle" and hand.graph == before
    hand.editor.redo()
    assert hand.graph.nodes["paint"].type == "mask.paint"


def test_the_new_node_stands_where_no_other_does() -> None:
    hand = Hand("song=io.load; a=filter.gain; b=filter.gain", "song.out -> a.signal")
    paint(hand, "song.out")
    boxes = {box_id: box.rect for box_id, box in hand.editor.scene.boxes.items()}
    new = boxes.pop("paint")
    assert not any(new.meets(rect) for rect in boxes.values())


def test_further_strokes_go_to_the_same_node_and_each_is_undone_alone() -> None:
    hand = Hand("song=io.load; a=filter.gain", "song.out -> a.signal")
    heard = paint(hand, "song.out")
    assert paint(hand, str(heard), MORE) == heard
    assert paint(hand, str(heard), MORE) == heard
    assert strokes_of(hand.editor.state, heard) == (str(STROKE), str(MORE), str(MORE))
    assert hand.editor.undo() == "paint brush"
    assert strokes_of(hand.editor.state, heard) == (str(STROKE), str(MORE))
    hand.editor.undo()
    assert strokes_of(hand.editor.state, heard) == (str(STROKE),)


def test_the_order_of_inputs_with_many_places_stays() -> None:
    hand = Hand(
        "song=io.load; a=filter.gain; mix=blend.mix",
        "song.out -> a.signal; a.out -> mix.signals[0]; song.out -> mix.signals[1]; a.out -> mix.signals[2]",
    )
    paint(hand, "a.out")
    into = {str(edge.target): str(edge.source) for edge in hand.graph.edges if edge.target.node == "mix"}
    assert into == {"mix.signals[0]": "paint.out", "mix.signals[1]": "song.out", "mix.signals[2]": "paint.out"}


def test_every_stem_of_a_set_is_painted_alike() -> None:
    hand = Hand("song=io.load; hpss=separate.hpss; save=io.save", "song.out -> hpss.mixture; hpss.out -> save.stems")
    paint(hand, "hpss.out")
    assert Edge.parse("hpss.out", "paint.signal") in hand.graph.edges
    assert not hand.editor.insight.problems_at(()).get("paint")


def test_what_is_no_sound_is_refused() -> None:
    hand = Hand("song=io.load; stft=transform.stft", "song.out -> stft.audio")
    with pytest.raises(Refused, match="this one carries spectrogram"):
        paint(hand, "stft.out")


def test_a_flattened_edge_is_found_on_the_canvas_that_shows_it() -> None:
    inner = group("hpss=separate.hpss", inputs={"audio": "hpss.mixture"}, outputs={"stems": "hpss.out"})
    hand = Hand("song=io.load; refine=group:g", "song.out -> refine.audio", groups={"g": inner})
    state, insight = hand.editor.state, hand.editor.insight
    assert canvas_port(state, insight, Address("song", "out")) == Address("song", "out")
    with pytest.raises(Refused, match="enter the group"):
        canvas_port(state, insight, Address("refine/hpss", "out"))
    hand.editor.enter(("refine",))
    state, insight = hand.editor.state, hand.editor.insight
    assert canvas_port(state, insight, Address("refine/hpss", "out")) == Address("hpss", "out")


def test_tools_make_strokes_of_what_the_pointer_draws() -> None:
    two, three = drawn((100, 20), (200, 90)), drawn((100, 20), (200, 20), (150, 90))
    assert str(Tool("rectangle", -24).stroke(two, (0, 0))) == "rectangle -24 1,200 2,900"
    assert str(Tool("lasso", -6).stroke(three, (0, 0))) == "lasso -6 1,200 2,200 1.5,900"
    assert str(Tool("brush", 6).stroke(two, (0.12, 3.5))) == "brush 6 0.12,3.5 1,200 2,900"
    assert str(Tool("harmonic", -40, 24).stroke(two[::-1], (0, 0))) == "harmonic -40 40 1,200 2,900"


def test_a_click_is_a_dab_of_the_brush_and_no_area() -> None:
    click = drawn((100, 20))
    assert Tool("rectangle").stroke(click, (0.1, 1)) is None and Tool("lasso").stroke(click, (0.1, 1)) is None
    assert str(Tool("brush").stroke(click, (0.1, 1))) == "brush -24 0.1,1 1,200"
    assert Tool("brush").stroke((), (0.1, 1)) is None


def test_a_drag_keeps_what_its_shape_needs() -> None:
    path = drawn((0, 0), (1, 0), (10, 5), (10.5, 5.5), (30, 20))
    points: tuple[Point, ...] = ()
    for point in path:
        points = Tool("rectangle").after(points, point)
    assert points == (path[0], path[-1])
    points = ()
    for point in path:
        points = Tool("lasso").after(points, point)
    assert points == (path[0], path[2], path[4])


def test_choices_come_round() -> None:
    for name in ("shape", "gain_db", "size"):
        tool = Tool()
        for _ in tools(name):
            tool = tool.next(name)
        assert tool == Tool()


def test_what_is_painted_runs_without_a_window(tmp_path: Path) -> None:
    """The graph with its strokes, saved and run by the command line, gives what the node gives."""
    from midistems_graph.cli.run_graph import main
    from midistems_graph.document.files import load, save
    from midistems_graph.node import Audio
    from midistems_graph.node.testing import FakeRun
    from midistems_nodes.mask.paint import paint as painted

    sound = 0.2 * np.random.default_rng(1).standard_normal((3 * 44100, 2)).astype(np.float32)
    soundfile.write(tmp_path / "song.wav", sound, 44100, subtype="FLOAT")
    hand = Hand("song=io.load; save=io.save", "song.out -> save.stems")
    paint(hand, str(paint(hand, "song.out")), MORE)
    save(hand.graph, tmp_path / "painted.json")
    assert load(tmp_path / "painted.json").nodes["paint"].knobs["strokes"] == (str(STROKE), str(MORE))
    arguments = [str(tmp_path / "painted.json"), str(tmp_path / "song.wav"), "-o", str(tmp_path / "out"), "--no-cache"]
    assert main(arguments) == 0
    (file,) = (tmp_path / "out").rglob("*.wav")
    found, _ = soundfile.read(file, dtype="float32")
    expected = painted(Audio.of(sound.T, 44100), strokes=(str(STROKE), str(MORE)), run=FakeRun()).samples.T
    assert np.abs(found - expected).max() < 1e-6
    away = slice(int(2.2 * 44100), None)
    assert np.array_equal(found[away], sound[away]) and not np.array_equal(found, sound)
