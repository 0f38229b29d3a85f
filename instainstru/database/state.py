"""Where the code and its run-time state live. Imports nothing from Django."""

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


def var_dir() -> Path:
    """Folder of the embedded servers and other run-time state (`VAR_DIR`, else `var/`)."""
    return Path(os.environ.get("VAR_DIR") or ROOT / "var").absolute()
