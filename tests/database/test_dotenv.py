from pathlib import Path

import pytest

from instainstru.database.dotenv import load_dotenv
from instainstru.database.refusals import TierRefusedError

pytestmark = pytest.mark.S1


def write(folder: Path, text: str) -> Path:
    path = folder / ".env"
    path.write_text(text)
    return path


def test_values_are_read_without_overriding_what_is_set(tmp_path: Path) -> None:
    environ = {"PORT": "1"}
    text = "# note\nPORT=2\nexport NAME = 'a b' # why\nEMPTY=\nPLAIN=x # why\nURL=a#b\n"
    load_dotenv(write(tmp_path, text), environ)
    assert environ == {"PORT": "1", "NAME": "a b", "EMPTY": "", "PLAIN": "x", "URL": "a#b"}


def test_a_missing_file_says_nothing(tmp_path: Path) -> None:
    assert load_dotenv(tmp_path / ".env", {}) == {}


@pytest.mark.parametrize(
    "line",
    [
        "USE_PROD_DATABASE=true",
        "USE_PROD_DATABASE=false",
        "export INSTAINSTRU_PRODUCTION_MODE=1",
        "PROD_DATABASE_URL=postgresql://a@h/x",
        "  PROD_VALKEY_URL = redis://h",
        "\ufeffPROD_X=1",
        "prod_secret=1",
    ],
)
def test_a_production_variable_is_refused_by_file_and_name(tmp_path: Path, line: str) -> None:
    """S1.4."""
    environ: dict[str, str] = {}
    with pytest.raises(TierRefusedError, match=r"\.env may not contain \w+"):
        load_dotenv(write(tmp_path, f"{line}\nPORT=1\n"), environ)
    assert environ == {}
