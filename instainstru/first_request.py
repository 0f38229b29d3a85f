"""Do before the first visitor what the first request of a process would wait for (P13)."""

import gc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.template.loader import get_template
from django.test import RequestFactory

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
# Public pages that write nothing; each also brings the code, the queries and the kept pages it
# needs into this process.
PAGES = ("/", "/services/")
# Mails and the admin are not what a first visitor asks for.
LEFT_OUT = {"mail", "admin"}

log = structlog.get_logger(__name__)


def compile_templates() -> int:
    """Compile the pages' templates into the loader's cache; return how many."""
    root = Path(settings.BASE_DIR) / "templates"
    names = [path.relative_to(root) for path in sorted(root.rglob("*.html"))]
    wanted = [name for name in names if name.parts[0] not in LEFT_OUT]
    for name in wanted:
        get_template(name.as_posix())
    return len(wanted)


def keep_loaded() -> None:
    """Take what the process has loaded so far out of the garbage collector's rounds.

    It stays for the life of the process, and walking over it costs a request a tenth of a second.
    """
    gc.collect()
    gc.freeze()


def open_pages(application: Application) -> list[str]:
    """Ask the application for its public pages as a guest would; return the answers' statuses.

    Without its database a process starts all the same: pages then answer what they can.
    """
    site = urlsplit(settings.SITE_URL)
    request = RequestFactory(
        SERVER_NAME=site.hostname or "localhost", headers={"Host": site.netloc}
    )
    found: list[str] = []
    for page in PAGES:
        environ = request.get(page, secure=site.scheme == "https").environ
        try:
            body = application(environ, lambda status, *_: found.append(status))
            b"".join(body)
            close = getattr(body, "close", None)
            if close is not None:
                close()
        except Exception:  # whatever it is, visitors get an answer for it
            log.exception("first_request_failed", page=page)
    return found
