"""The scheduler of a Dask cluster: reaching it, and knowing when it is gone. `distributed` is imported late.

ClusterProblem      one sentence for people
 └─ ClusterGone     the scheduler cannot be reached, or not any more
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

CONNECT = 10
"""Seconds that a scheduler has to answer."""

TOPIC = "midistems"
"""Under which tasks tell how far they are; each message names the run and the song that it belongs to."""

_LOOPBACK = ("127.", "localhost", "::1")


class ClusterProblem(Exception):
    """Something about the cluster that a user can act on, as one sentence."""


class ClusterGone(ClusterProblem):
    """The scheduler cannot be reached, or not any more."""


def is_open(address: str) -> bool:
    """Whether an address is one beyond this machine without encryption, so that its network has to be trusted."""
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    return parts.scheme not in ("tls", "wss", "inproc") and not (parts.hostname or "").startswith(_LOOPBACK)


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A `distributed.Client` of the scheduler at an address, with the user's own Dask settings (TLS among them).

    Raises ClusterProblem.
    """
    try:
        from distributed import Client, Security
    except ImportError:
        raise ClusterProblem('--dask needs the package distributed: pip install "midistems-graph[cluster]"') from None
    if address.startswith("tls") and Security().get_connection_args("client").get("ssl_context") is None:
        raise ClusterProblem(
            f"{address} needs certificates, and Dask's settings name none (distributed.comm.tls); see docs/scale.md"
        )
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters to people is said in sentences
    try:
        client = Client(address, timeout=CONNECT, set_as_default=False, name="run-graph")
    except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ClusterGone(
            f"the scheduler {address} cannot be reached ({reason}); is it running, is the address right?"
        ) from None
    try:
        yield client
    finally:
        client.close(timeout=2)


def is_there(client: Any) -> bool:
    """Whether the scheduler of a client still answers."""
    return bool(client.status == "running")
