"""The `.env` file: conveniences for development, never a road to production."""

import os
import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from instainstru.database.refusals import TierRefusedError

FORBIDDEN_NAMES: Final = frozenset({"INSTAINSTRU_PRODUCTION_MODE", "USE_PROD_DATABASE"})
FORBIDDEN_PREFIX: Final = "PROD_"
ASSIGNMENT: Final = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*?)\s*$")


def load_dotenv(path: Path, environ: MutableMapping[str, str] | None = None) -> dict[str, str]:
    """Read `path` into `environ` (the process's by default) without overriding what is set.

    Returns what the file says; a missing file says nothing. Raises TierRefusedError naming
    the file and the variable when it holds a production variable. Spec: S1.4.
    """
    target = os.environ if environ is None else environ
    values = read_dotenv(path)
    for name, value in values.items():
        target.setdefault(name, value)
    return values


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the assignments of a `.env` file, refusing production variables."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError):
        raise TierRefusedError(f"{path.name} cannot be read") from None
    values: dict[str, str] = {}
    for line in text.removeprefix("\ufeff").splitlines():
        if (found := ASSIGNMENT.match(line)) is None:
            continue
        name, value = found.groups()
        _refuse_production(path, name)
        values[name] = _unquote(value)
    return values


def _refuse_production(path: Path, name: str) -> None:
    if name.upper() in FORBIDDEN_NAMES or name.upper().startswith(FORBIDDEN_PREFIX):
        raise TierRefusedError(f"{path.name} may not contain {name}")


def _unquote(value: str) -> str:
    for mark in "'\"":
        if value.startswith(mark) and (end := value.find(mark, 1)) > 0:
            return value[1:end]
    return re.split(r"\s+#", value, maxsplit=1)[0]
