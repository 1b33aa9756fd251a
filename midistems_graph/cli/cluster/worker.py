"""`midistems-graph worker`: a worker of a Dask cluster, one song at a time within limits of threads and memory."""

from __future__ import annotations

import argparse
import os
import platform

from midistems_graph.cli.cluster.task import JOBS, MEMORY
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.engine.cluster.scheduler import is_open

SHARE = 0.6
"""How much of a worker's memory a song's values in work may take; the rest is for networks, libraries and files."""


def work(options: argparse.Namespace) -> Exit:
    """Serve a scheduler until it ends, or somebody ends this. Raises Refused."""
    try:
        from distributed.cli.dask_worker import main
    except ImportError:
        raise Refused(
            Exit.CLUSTER, 'a worker needs the package distributed: pip install "midistems-graph[cluster]"'
        ) from None
    if is_open(options.address):
        print(
            f"{options.address} is not encrypted: whoever reaches it, or this worker, can run programs here; "
            "use tls:// or a network whose every user you trust"
        )
    os.environ[JOBS] = str(options.jobs or os.cpu_count() or 1)
    arguments = [options.address, "--nthreads=1", "--nworkers=1", "--no-dashboard", "--death-timeout=60"]
    arguments += [f"--name={options.name or f'{platform.node()}-{os.getpid()}'}"]
    if options.memory:
        os.environ[MEMORY] = str(int(options.memory * SHARE))
        arguments += [f"--memory-limit={options.memory}"]
    if options.cache_dir:
        os.environ["MIDISTEMS_STORE"] = str(options.cache_dir.absolute())
    main(arguments, standalone_mode=False)
    return Exit.DONE
