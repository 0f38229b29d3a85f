"""What every test needs: plain static files, and a clean cache."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache


@pytest.fixture(autouse=True)
def plain_static_files() -> Iterator[None]:
    """Render pages without a manifest: tests run before any ``collectstatic``."""
    from django.test import override_settings

    storages = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    with override_settings(STORAGES=storages):
        yield


@pytest.fixture(autouse=True)
def private_cache(request: pytest.FixtureRequest, worker_id: str) -> Iterator[None]:
    """Keep the cache of parallel test processes apart."""
    if "db" not in request.fixturenames and "transactional_db" not in request.fixturenames:
        yield
        return
    before, cache.key_prefix = cache.key_prefix, f"test:{worker_id}"
    yield
    cache.key_prefix = before
