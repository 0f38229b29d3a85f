"""What every test needs: plain static files, a private cache, and the rows of the migrations."""

import secrets
from collections.abc import Generator, Iterator

import pytest
from django.conf import settings
from django.core.cache import cache
from hypothesis import settings as property_settings
from pytest_django.plugin import blocking_manager_key

from instainstru.page_store import versions
from instainstru.page_store.middleware import PageStoreMiddleware, memory

# How long an example takes is the machine's business, not the property's.
property_settings.register_profile("untimed", deadline=None)
property_settings.load_profile("untimed")

PLAIN_STORAGES = {
    **settings.STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


@pytest.fixture(autouse=True)
def plain_static_files() -> Iterator[None]:
    """Render pages without a manifest: tests run before any ``collectstatic``."""
    from django.test import override_settings

    with override_settings(STORAGES=PLAIN_STORAGES):
        yield


@pytest.fixture(scope="session", autouse=True)
def private_media(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the files of tests apart from those of the development site."""
    from django.test import override_settings

    with override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("media")):
        yield


@pytest.fixture(scope="session", autouse=True)
def noted_sign_ins() -> Iterator[None]:
    """Let ``force_login`` note when the session began, as signing in does."""
    from django.test import Client

    from accounts.sessions import begin_session

    plain = Client.force_login

    def force_login(self: Client, user: object, backend: str | None = None) -> None:
        plain(self, user, backend)
        session = self.session
        begin_session(session)
        session.save()

    Client.force_login = force_login
    yield
    Client.force_login = plain


@pytest.fixture(autouse=True)
def private_cache(worker_id: str) -> Iterator[None]:
    """Keep the caches of tests apart."""
    # A prefix for every test: uses counted for a rate limit must not leak into the next one.
    before, cache.key_prefix = cache.key_prefix, f"test:{worker_id}:{secrets.token_hex(4)}"
    yield
    cache.key_prefix = before


@pytest.fixture(autouse=True)
def live_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Render every page: the rows of tests change behind the services that outdate kept pages."""
    monkeypatch.setattr(PageStoreMiddleware, "is_on", False)


@pytest.fixture
def kept_pages(monkeypatch: pytest.MonkeyPatch, live_pages: None) -> Iterator[None]:
    """Keep pages as the site does; it begins with none."""
    monkeypatch.setattr(PageStoreMiddleware, "is_on", True)
    memory.forget()
    versions.forget()
    yield
    memory.forget()
    versions.forget()


COMMITTING_FIXTURES = {"transactional_db", "live_server", "committed_db"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Write the rows of the migrations again after a test whose clean-up emptied every table."""
    result = yield
    marker = item.get_closest_marker("django_db")
    is_committing = marker is not None and marker.kwargs.get("transaction", False)
    names = set(getattr(item, "fixturenames", ()))
    # After the last test the database itself is gone.
    if nextitem is not None and (is_committing or names & COMMITTING_FIXTURES):
        with item.config.stash[blocking_manager_key].unblock():
            restore_first_rows()
    return result


def restore_first_rows() -> None:
    """Bring back the first policy and the roles."""
    from accounts.role_sync import sync_roles
    from catalog.models import Policy

    if not Policy.objects.exists():
        Policy.objects.create()
    sync_roles()
