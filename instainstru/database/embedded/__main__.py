"""Entry point of the supervisor; started by the first process that needs the servers."""

import argparse
import os
import resource
import sys
from pathlib import Path
from typing import Final

from instainstru.database.embedded.layout import Layout, layout_of
from instainstru.database.embedded.supervisor import Supervisor

LOG_BYTES: Final = 5_000_000
FILES: Final = 4096


def main() -> None:
    """Detach from the process that asked, then supervise."""
    parser = argparse.ArgumentParser(prog="instainstru.database.embedded")
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--tier", required=True)
    parser.add_argument("--lock", type=int, required=True, help="descriptor of the held lock")
    arguments = parser.parse_args()
    layout = layout_of(arguments.tier, arguments.var)
    if os.fork():
        os._exit(0)
    os.set_inheritable(arguments.lock, False)
    os.umask(0o022)
    _log_to(layout)
    _allow_many_files()
    Supervisor(layout).run()


def _log_to(layout: Layout) -> None:
    if layout.log.exists() and layout.log.stat().st_size > LOG_BYTES:
        layout.log.replace(layout.log.with_suffix(".log.1"))
    descriptor = os.open(layout.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, sys.stdout.fileno())
    os.dup2(descriptor, sys.stderr.fileno())
    os.close(descriptor)


def _allow_many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))


main()
