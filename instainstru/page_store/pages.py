"""A page as bytes, and the answers made of it."""

import gzip
import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import brotli
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from instainstru.logging import request_id_of
from instainstru.page_store.routes import Route
from instainstru.page_store.versions import tokens

# Half a millisecond for a tenth of the bytes; the best level would take a hundred times as long.
BROTLI_QUALITY, GZIP_LEVEL = 5, 6
_INDENTATION: Final = re.compile(rb"\s*\n\s*")
CACHE_CONTROL: Final = "public, max-age=0, s-maxage=30"
VARIES: Final = frozenset({"cookie", "hx-request", "accept-encoding"})
"""What the key covers; an answer that differs by anything else is not kept."""
OF_ONE_ANSWER: Final = frozenset(
    {"x-request-id", "content-length", "cache-control", "etag", "content-encoding"}
)


@dataclass(frozen=True)
class StoredPage:
    """The headers and packed bodies of a page, with the versions of what it shows."""

    name: str
    headers: Mapping[str, str]
    bodies: Mapping[str, bytes]
    tag: str
    versions: Mapping[str, str]
    stored_at: float
    """Its moment by the wall clock."""

    @classmethod
    def of(cls, name: str, response: HttpResponse, versions: Mapping[str, str]) -> "StoredPage":
        """Pack an answer for everybody, who may ask again whether it has changed."""
        body = squeezed(response.content)
        return cls(
            name=name,
            headers=_headers(response) | {"Cache-Control": CACHE_CONTROL},
            bodies={
                "br": brotli.compress(body, quality=BROTLI_QUALITY),
                "gzip": gzip.compress(body, GZIP_LEVEL, mtime=0),
            },
            tag=hashlib.blake2b(body, digest_size=12).hexdigest(),
            versions=dict(versions),
            stored_at=time.time(),
        )

    @classmethod
    def copy(cls, name: str, response: HttpResponse, versions: Mapping[str, str]) -> "StoredPage":
        """Pack an answer for one person, quickly: most are seen once."""
        return cls(
            name=name,
            headers=_headers(response) | {"Cache-Control": response["Cache-Control"]},
            bodies={"gzip": gzip.compress(squeezed(response.content), 1, mtime=0)},
            tag="",
            versions=dict(versions),
            stored_at=time.time(),
        )

    def is_current(self, route: Route) -> bool:
        """Tell whether the page is young and shows nothing that has changed."""
        is_young = time.time() - self.stored_at < route.fresh_seconds
        return is_young and self.is_up_to_date()

    def may_stand_in(self, route: Route) -> bool:
        """Tell whether the page may be shown while somebody else makes it anew."""
        is_kept = time.time() - self.stored_at < route.kept_seconds
        return is_kept and self.is_up_to_date()

    def is_up_to_date(self) -> bool:
        """Tell whether everything the page shows still has the same version."""
        return tokens(self.versions) == self.versions

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to one request: its bytes, or 304 for those who have them."""
        accepted = accepted_codings(request.META.get("HTTP_ACCEPT_ENCODING", ""))
        coding = next((coding for coding in accepted if coding in self.bodies), "")
        headers = {
            **self.headers,
            "Age": str(int(time.time() - self.stored_at)),
            "X-Request-ID": request_id_of(request),
        }
        if self.tag:
            headers["ETag"] = tag = f'"{self.tag}-{coding}"' if coding else f'"{self.tag}"'
            if _holds(request.META.get("HTTP_IF_NONE_MATCH", ""), tag):
                return _not_modified(headers)
        body = self.bodies[coding] if coding else gzip.decompress(self.bodies["gzip"])
        headers["Content-Length"] = str(len(body))
        if coding:
            headers["Content-Encoding"] = coding
        return HttpResponse(b"" if request.method == "HEAD" else body, headers=headers)


def squeezed(body: bytes) -> bytes:
    """Return HTML without the indentation of the templates, unless spaces may show in it."""
    is_verbatim = b"<pre" in body or b"<textarea" in body
    return body if is_verbatim else _INDENTATION.sub(b"\n", body)


def _headers(response: HttpResponse) -> dict[str, str]:
    patch_vary_headers(response, ["Accept-Encoding", "Cookie"])
    return {name: value for name, value in response.items() if name.lower() not in OF_ONE_ANSWER}


def is_storable(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Tell whether an answer is the same for everybody who is not signed in.

    A form's token sets or renews a cookie, so a page that holds one is never kept (Spec: S17.10).
    """
    return (
        is_page(response)
        and not response.cookies
        and "CSRF_COOKIE_NEEDS_UPDATE" not in request.META
        and not _is_personal(response)
    )


def is_page(response: HttpResponseBase) -> bool:
    """Tell whether an answer is whole, right, and told apart by nothing but the key."""
    varies = {name.strip().lower() for name in response.headers.get("Vary", "").split(",")}
    is_right = response.status_code == 200  # noqa: PLR2004 - OK
    return is_right and not response.streaming and VARIES.issuperset(varies - {""})


def _is_personal(response: HttpResponseBase) -> bool:
    control = response.headers.get("Cache-Control", "")
    return "private" in control or "no-store" in control


@lru_cache(maxsize=512)
def accepted_codings(header: str) -> tuple[str, ...]:
    """Return the codings that a client takes, the best first."""
    taken = {}
    for part in header.lower().split(","):
        coding, _, weight = part.partition(";")
        taken[coding.strip()] = weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return tuple(coding for coding in ("br", "gzip") if taken.get(coding))


def _holds(header: str, tag: str) -> bool:
    """Tell whether ``If-None-Match`` names the tag; a proxy may have marked it as weak."""
    if not header:
        return False
    known = {part.strip().removeprefix("W/") for part in header.split(",")}
    return tag in known or "*" in known


def _not_modified(headers: dict[str, str]) -> HttpResponse:
    response = HttpResponseNotModified(headers=headers)
    del response["Content-Type"]
    return response
