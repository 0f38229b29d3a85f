"""Run-time state kept beside the code: the `var/` folder and the secret made there."""

import os
import secrets
import tempfile
from pathlib import Path
from typing import Final

from instainstru.database.refusals import TierRefusedError

ROOT: Final = Path(__file__).resolve().parents[2]
SECRET_BYTES: Final = 48


def var_dir() -> Path:
    """Folder of the embedded servers and other run-time state (`VAR_DIR`, else `var/`)."""
    return Path(os.environ.get("VAR_DIR") or ROOT / "var").absolute()


def secret_key(is_prod: bool, given: str) -> str:
    """Return the signing key: the given one, or one kept in `var/` outside production.

    Raises TierRefusedError naming SECRET_KEY when production has none.
    """
    if given:
        return given
    if is_prod:
        raise TierRefusedError("SECRET_KEY is not set")
    path = var_dir() / "secret-key"
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(SECRET_BYTES))
    return path.read_text(encoding="ascii").strip()


def _write_once(path: Path, text: str) -> None:
    """Write a file that appears whole, or not at all when another process was first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()
