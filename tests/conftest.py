"""For all tests: the user's own state is left alone, and hypothesis looks at no clock, since times say nothing on a
machine that others use."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

import midistems_graph  # noqa: F401 - before any test imports numpy: matrix products stay on one thread

settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")


@pytest.fixture(autouse=True, scope="session")
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What runs cost is kept apart from what the user's runs cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
