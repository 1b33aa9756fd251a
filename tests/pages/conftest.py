"""One browser for all pages; tests that want it are skipped where none is installed."""

from __future__ import annotations

from collections.abc import Iterator

import browser as module
import pytest


@pytest.fixture(scope="session")
def browser() -> Iterator[module.Browser]:
    if not module.found():
        pytest.skip("no Chromium is installed")
    with module.browsing() as one:
        yield one
