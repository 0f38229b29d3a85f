import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from instainstru.database import embedded
from tests.database.embedded.processes import eventually, is_down


@pytest.fixture
def var() -> Iterator[Path]:
    """A private folder that every account can enter."""
    folder = Path(tempfile.mkdtemp(prefix="ii-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    eventually(lambda: is_down(folder) if (folder / "run").exists() else True, what="the end")
    embedded.remove_data("int", folder)
    shutil.rmtree(folder)
    shutil.rmtree(embedded.addresses("int", folder).database_host, ignore_errors=True)
