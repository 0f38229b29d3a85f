"""Where pages are kept: in the memory of each process, and in Valkey for all of them."""

import hashlib
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Final

from django.conf import settings
from django.core.cache import cache

from instainstru.page_store.pages import StoredPage
from instainstru.page_store.routes import Key

MOST_PAGES: Final = 2000
MAKING_SECONDS: Final = 5
"""How long one request may be the only one that makes a page anew."""


class Memory:
    """The pages of one process; the one that was asked for longest ago goes first."""

    def __init__(self, most: int = MOST_PAGES) -> None:
        self._pages: OrderedDict[Key, StoredPage] = OrderedDict()
        self._lock, self._most = Lock(), most

    def get(self, key: Key) -> StoredPage | None:
        """Return a page, which thereby becomes the last to go."""
        with self._lock:
            page = self._pages.get(key)
            if page is not None:
                self._pages.move_to_end(key)
            return page

    def keep(self, key: Key, page: StoredPage) -> None:
        """Keep a page, at the cost of the oldest."""
        with self._lock:
            self._pages[key] = page
            self._pages.move_to_end(key)
            while len(self._pages) > self._most:
                self._pages.popitem(last=False)

    def forget(self) -> None:
        """Forget all pages."""
        with self._lock:
            self._pages.clear()


def fetch(key: Key) -> StoredPage | None:
    """Return the page that some process left for all of them."""
    page: StoredPage | None = cache.get(address_of(key))
    return page


def leave(key: Key, page: StoredPage, seconds: int) -> None:
    """Leave a page for all processes; without Valkey nothing happens."""
    cache.set(address_of(key), page, seconds)


def begin_making(key: Key) -> bool:
    """Tell whether this request makes the page; False while another one does."""
    return bool(cache.add(f"{address_of(key)}:making", 1, MAKING_SECONDS))


def end_making(key: Key) -> None:
    """Let the next one make it."""
    cache.delete(f"{address_of(key)}:making")


def address_of(key: Key) -> str:
    """Return where a page of this release is kept in Valkey."""
    digest = hashlib.blake2b(repr(tuple(key)).encode(), digest_size=16)
    return f"page:{release()}:{digest.hexdigest()}"


@lru_cache(maxsize=1)
def release() -> str:
    """Name the code and the settings that make the pages: another release has pages of its own."""
    digest = hashlib.blake2b(digest_size=8)
    shown = (settings.LANGUAGE_CODE, settings.SITE_URL, settings.SUPPORT_EMAIL)
    digest.update(repr((*shown, settings.PAYMENT_GATEWAY)).encode())
    for path in _sources(settings.BASE_DIR):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources(base: Path) -> list[Path]:
    """Return the project's modules and templates, and the names of its static files."""
    packages = [path.parent for path in base.glob("*/__init__.py") if path.parent.name != "tests"]
    modules = [path for folder in packages for path in folder.rglob("*.py")]
    manifest = settings.STATIC_ROOT / "staticfiles.json"
    templates = (base / "templates").rglob("*.html")
    return sorted([*modules, *templates, *([manifest] if manifest.exists() else [])])
