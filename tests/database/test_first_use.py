import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from instainstru.database import embedded

pytestmark = [pytest.mark.S1, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def var() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ii-first-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    embedded.remove_data("int", folder)
    shutil.rmtree(folder)


def start(var: Path, audit: Path, *words: str) -> subprocess.Popen[str]:
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={**environ, "VAR_DIR": str(var), "DATABASE_AUDIT_LOG": str(audit)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_first_commands_at_once_share_one_migration(var: Path, audit_log: Path) -> None:
    """Section 1: created, stamped and migrated on first use."""
    first, second = (start(var, audit_log, "clearsessions") for _ in range(2))
    outputs = [process.communicate() for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    status = start(var, audit_log, "db_status", "--json")
    report, _ = status.communicate()
    assert status.returncode == 0, report
    assert '"migrations_pending": []' in report
