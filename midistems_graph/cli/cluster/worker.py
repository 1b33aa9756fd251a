"""`midistems-graph worker`: a worker of a Dask cluster, one song at a time within limits of threads and memory."""

from __future__ import annotations

import argparse
import os
import platform
import sys

from midistems_graph.cli.cluster.task import JOBS
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.engine.cluster.scheduler import is_open


def work(options: argparse.Namespace) -> Exit:
    """Serve a scheduler until it ends, or somebody ends this. Raises Refused."""
    try:
        from distributed.cli.dask_worker import main
        from distributed.system import MEMORY_LIMIT
    except ImportError:
        raise Refused(
            Exit.CLUSTER, 'a worker needs the package distributed: pip install "midistems-graph[cluster]"'
        ) from None
    if is_open(options.address):
        print(
            f"{options.address} is not encrypted: whoever reaches it, or this worker, can run programs here; "
            "use tls:// or a network whose every user you trust"
        )
    cores = os.cpu_count() or 1
    jobs = options.jobs or cores
    memory = options.memory or MEMORY_LIMIT * min(jobs, cores) // cores
    os.environ[JOBS] = str(jobs)
    _hold_to(memory)
    arguments = [options.address, "--nthreads=1", "--nworkers=1", "--no-dashboard", "--death-timeout=60"]
    arguments += [f"--memory-limit={memory}", f"--name={options.name or f'{platform.node()}-{os.getpid()}'}"]
    if options.cache_dir:
        os.environ["MIDISTEMS_STORE"] = str(options.cache_dir.absolute())
    main(arguments, standalone_mode=False)
    return Exit.DONE


def _hold_to(memory: int) -> None:
    """Let the system refuse more bytes to each process that this one begins; Dask looks at its own alone."""
    if sys.platform == "linux":  # others have no such limit, or do not keep to it
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        limit = memory if most == resource.RLIM_INFINITY else min(memory, most)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, most))
