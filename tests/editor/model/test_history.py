from __future__ import annotations

from canvas import Hand, graph

from midistems_graph.editor.model.history import LONGEST, History, Step


def many(count: int) -> list[Step]:
    return [Step(graph("a=io.load").with_knob("a", "input", str(i)), f"step {i}") for i in range(count)]


def test_history_is_bounded_and_forgets_the_oldest() -> None:
    history = History.of(graph("a=io.load"))
    for step in many(LONGEST + 20):
        history = history.after(step)
    for _ in range(LONGEST + 50):
        history = history.undone()
    assert history.past[0].label == "step 19" and len(history.future) == LONGEST


def test_a_change_after_undo_ends_what_could_be_done_again() -> None:
    one, two, three = many(3)
    history = History.of(graph("a=io.load")).after(one).after(two).undone()
    assert (history.undo_label, history.redo_label) == ("step 0", "step 1")
    history = history.after(three)
    assert history.redo_label == "" and history.redone() is history
    assert history.undone().present == one


def test_steps_with_one_key_are_one_until_they_are_sealed_or_undone() -> None:
    steps = [Step(s.graph, "set", key="gain") for s in many(4)]
    history = History.of(graph("a=io.load")).after(steps[0]).after(steps[1])
    assert len(history.past) == 2
    assert len(history.sealed().after(steps[2]).past) == 3
    assert len(history.undone().redone().after(steps[2]).past) == 3


def test_undo_back_to_what_was_saved_is_not_dirty() -> None:
    hand = Hand("a=filter.gain")
    x, y = hand.title("a")
    hand.drag((x, y), (x, y + 100))
    assert hand.editor.dirty
    hand.editor.mark_saved()
    hand.drag((x, y + 100), (x, y))
    assert hand.editor.dirty
    hand.editor.undo()
    assert not hand.editor.dirty
