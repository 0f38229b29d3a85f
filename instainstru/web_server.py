"""How a web server of the site is started; the benchmark starts its floor app the same way."""

import os
import sys
from typing import Final

FEWEST_WORKERS: Final = 2
MOST_WORKERS: Final = 4
BLOCKING_THREADS: Final = 2
WORKER_KILL_SECONDS: Final = "10"
RESPAWN_SECONDS: Final = "0.5"
WEB_CONNECTIONS: Final = 30
"""Over all web processes (Spec: S16.7)."""


def worker_count() -> int:
    """Return the number of web processes for this machine: one per core within limits."""
    return min(max(os.cpu_count() or 1, FEWEST_WORKERS), MOST_WORKERS)


def pool_size() -> int:
    """Return how many connections each web process may keep, so that all share the limit."""
    return min(WEB_CONNECTIONS // worker_count(), 2 * BLOCKING_THREADS)


def granian_command(application: str, *, host: str, port: int) -> list[str]:
    """Return the command that serves a WSGI ``module:name``."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi"]
    command += ["--host", host, "--port", str(port), "--log-level", "warning"]
    command += ["--workers", str(worker_count()), "--blocking-threads", str(BLOCKING_THREADS)]
    command += ["--workers-kill-timeout", WORKER_KILL_SECONDS]
    # One web process that dies takes its own requests along, not everybody's.
    command += ["--respawn-failed-workers", "--respawn-interval", RESPAWN_SECONDS]
    return [*command, application]
