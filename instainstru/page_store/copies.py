"""Copies of pages for one session: what somebody saw seconds ago, while nothing has changed.

A copy is given without loading the person, so it is good only while the session stands in the
cache exactly as it did, and nobody has changed anything of theirs: they themself by sending a form,
or a service (``versions.of_person``). Both are looked at for every request; whatever is unknown
makes the page anew.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from instainstru.page_store import versions
from instainstru.page_store.pages import StoredPage, is_page
from instainstru.page_store.routes import Key
from instainstru.page_store.shelves import address_of

_SESSION_PREFIX: Final[str] = import_module(settings.SESSION_ENGINE).SessionStore.cache_key_prefix


class Copy(NamedTuple):
    """A page with the data of the session as they were before it was made."""

    page: StoredPage
    session: Mapping[str, Any]


def find_copy(key: Key, session_key: str) -> tuple[StoredPage | None, Mapping[str, Any] | None]:
    """Return the copy that is still good, and the data of the session that a new one would note.

    None for a session that is not in the cache: it has ended, or is not known yet.
    """
    address, session_address = address_of(key), f"{_SESSION_PREFIX}{session_key}"
    found = cache.get_many([address, session_address])
    copy: Copy | None = found.get(address)
    session = found.get(session_address)
    if copy is None or copy.session != session or not _is_untouched(copy):
        return None, session
    return copy.page, session


def _is_untouched(copy: Copy) -> bool:
    """Look, without trusting an earlier look, whether anything of the person's has changed."""
    name = versions.of_person(int(copy.session[SESSION_KEY]))
    found = versions.tokens([name], is_fresh=True)
    return found is not None and found[name] == copy.page.versions.get(name)


def note_person(request: HttpRequest) -> None:
    """Let the copy being made depend on the person; nobody else gets one."""
    if request.user.is_authenticated:
        versions.depends_on(request, versions.of_person(request.user.pk))
    else:
        versions.keep_out(request)


def keep_copy(key: Key, page: StoredPage, session: Mapping[str, Any], seconds: int) -> None:
    """Keep a page for the session that it was made for."""
    cache.set(address_of(key), Copy(page, session), seconds)


def is_copyable(request: HttpRequest, response: HttpResponse) -> bool:
    """Tell whether an answer may be given to the same session again.

    The token's cookie is renewed with every page that holds one; another token would not fit.
    """
    token = response.cookies.get(settings.CSRF_COOKIE_NAME)
    is_same_token = token is None or token.value == request.COOKIES.get(settings.CSRF_COOKIE_NAME)
    return (
        is_page(response)
        and is_same_token
        and response.cookies.keys() <= {settings.CSRF_COOKIE_NAME}
        and not request.session.modified
    )


def outdate_copies(request: HttpRequest) -> None:
    """Let the person who sent a form see no copy from before it, on any device."""
    # Asking for the person here would read them for answers that never did.
    person = request.user if hasattr(request, "_cached_user") else None
    if person is not None and person.is_authenticated:
        versions.bump(versions.of_person(person.pk))
