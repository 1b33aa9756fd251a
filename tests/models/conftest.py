import pytest

from midistems_graph.models.recent import Recent
from midistems_graph.models.runner import Runner, Settings
from midistems_graph.models.sessions import Sessions


@pytest.fixture(scope="session")
def sessions():
    return Sessions()


@pytest.fixture
def runner(sessions):
    """A runner that remembers nothing of other tests."""

    def made(model, **settings):
        return Runner(model, Settings(**settings), sessions, Recent())

    return made
