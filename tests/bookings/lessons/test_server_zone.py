"""The server's own zone decides nothing (Spec: D16)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.S12
FOLDER = Path(__file__).parent
PURE = ("test_clock_table.py", "test_rules.py", "test_policies.py", "test_calendar_files.py")


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_rules_of_time_and_money_hold_under_any_server_zone(zone: str) -> None:
    """D16: a process of its own in each zone runs the tests of the clock table again."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0",
         *(str(FOLDER / name) for name in PURE)],
        env={**kept, "TZ": zone}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert " passed" in done.stdout
