"""A device that another process serves: it takes from mapped memory and is not held up by this interpreter."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from midistems_graph.audio import output_process
from midistems_graph.audio.feed import FADE, Feed
from midistems_graph.audio.output_base import Device, OutputProblem
from midistems_graph.audio.output_process import NULL, ProcessOut


@pytest.fixture
def out() -> Iterator[ProcessOut]:
    out = ProcessOut(NULL, 44100, 256)
    yield out
    out.close()


def soon(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def fill(feed: Feed) -> None:
    while feed.has_room:
        feed.put(np.ones((2, feed.block), np.float32), "state")


def test_what_is_put_here_is_taken_there(out: ProcessOut) -> None:
    feed = Feed.shared(16, 256, 2, out.rate)
    try:
        fill(feed)
        out.start(feed)
        soon(lambda: feed.xruns >= 1 and feed.ready == 0)
        assert feed.lateness.calls > 16
        fill(feed)
        soon(lambda: feed.reading[1] != 0 or feed.ready < 16 * 256)
        place = feed.renewable()
        assert place is None or place[1] == "state"
    finally:
        out.close()
        feed.forget()
    assert feed.path is not None and not feed.path.exists()


def test_it_goes_on_while_this_interpreter_is_held(out: ProcessOut) -> None:
    feed = Feed.shared(32, 256, 2, out.rate)
    fill(feed)
    out.start(feed)
    soon(lambda: feed.lateness.calls > 2)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # no other thread gets its turn
    try:
        before, deadline = feed.lateness.calls, time.monotonic() + 60
        while feed.lateness.calls < before + 3 and time.monotonic() < deadline:
            pass
        taken = feed.lateness.calls
    finally:
        sys.setswitchinterval(interval)
    assert taken >= before + 3
    feed.forget()


def test_a_feed_in_a_file_is_the_same_on_both_sides() -> None:
    ours = Feed.shared(4, 64, 2, 8000)
    theirs = Feed(4, 64, 2, 8000, ours.path)
    block = np.arange(128, dtype=np.float32).reshape(2, 64)
    ours.put(block, 1)
    ours.put(block, 2)
    heard = np.empty((64, 2), np.float32)
    theirs.take(heard)
    rise = np.arange(64, dtype=np.float32)[:, None] / FADE
    assert np.allclose(heard, block.T * rise)
    theirs.take(heard)
    assert np.array_equal(heard, block.T)
    assert ours.ready == 0 and ours.reading == (None, 0) and ours.lateness.calls == 2
    theirs.take(heard)
    assert ours.xruns == 1 and ours.lost_frames == 64
    ours.forget()


def test_a_process_that_dies_is_a_device_that_is_gone(out: ProcessOut) -> None:
    assert out.lost == ""
    os.kill(out._process.pid, signal.SIGKILL)
    soon(lambda: out.lost != "")
    assert out.lost == "the process for the sound device has ended"
    feed = Feed.shared(4, 256, 2, 44100)
    with pytest.raises(OutputProblem, match="has ended"):
        out.start(feed)
    feed.forget()


def test_an_unknown_device_is_refused_in_a_sentence() -> None:
    with pytest.raises(OutputProblem, match="no sound device 'gramophone' any more"):
        ProcessOut(Device("miniaudio", "gramophone"))


def test_the_process_ends_with_the_output(out: ProcessOut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_process, "_ENDING", 60.0)
    out.close()
    assert out._process.returncode == 0
    assert out.lost == ""
