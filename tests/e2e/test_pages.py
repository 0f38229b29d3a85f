"""Every page, in every state, light and dark, wide and narrow (ux section 8).

The list is ``places.py``. What needs no browser is asked for every page; what needs one is slow
and loads each page once.
"""

import re
from collections.abc import Iterator
from typing import Any

import html5lib
import pytest
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver

from tests.e2e.places import NO_PAGES, PAY, PLACES, Place
from tests.e2e.town import Town

pytestmark = pytest.mark.django_db

TITLE = re.compile(r"(Error: )?\S.* \| iNSTAiNSTRU")
EVERY_PLACE = pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)


def _names(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            namespace = f"{entry.namespace}:" if entry.namespace else ""
            yield from _names(entry, prefix + namespace)
        elif isinstance(entry, URLPattern):
            yield f"{prefix}{entry.name}"


def test_every_address_is_looked_at() -> None:
    """A new page must be in ``PLACES``; an address that is no page in ``NO_PAGES``, with why."""
    known = {place.route for place in PLACES} | set(NO_PAGES)
    assert set(_names(get_resolver())) == known


def _answer(town: Town, place: Place) -> HttpResponse:
    client, address = town.people[place.who], town.address(place.address)
    answer: Any
    if place.submits:
        answer = client.post(f"{address}pay/" if place.submits == PAY else address, {})
    else:
        answer = client.get(address, follow=True)
    return answer


@EVERY_PLACE
def test_a_page_is_well_formed_and_named(town: Town, place: Place) -> None:
    """Strict HTML, one h1, a title of the pattern, ids once, nothing inline (Spec: S17.1)."""
    answer = _answer(town, place)
    assert answer.status_code == place.status
    document = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(answer.content)
    title = document.find(".//title").text
    assert TITLE.fullmatch(title), title
    assert title.startswith("Error: ") == (place.status in {402, 409, 422})
    assert len(document.findall(".//h1")) == 1
    nodes = [node for node in document.iter() if isinstance(node.tag, str)]
    ids = [node.get("id") for node in nodes if node.get("id")]
    assert sorted(ids) == sorted(set(ids))
    _check_nothing_is_inline(nodes)
    if place.route != "gallery":
        _check_links(nodes, set(ids))


def _check_nothing_is_inline(nodes: list[Any]) -> None:
    for node in nodes:
        assert not node.get("style")
        assert node.tag != "style"
        assert not any(name.startswith("on") for name in node.attrib)
        assert node.tag != "script" or node.get("src") or "json" in node.get("type", "")


def _check_links(nodes: list[Any], ids: set[str]) -> None:
    """Links and forms lead to addresses and marks that exist; the first skips to the content."""
    found = [node.get("href") for node in nodes if node.tag == "a" and "href" in node.attrib]
    assert found[0] in ("#main", "#content-start")
    found += [node.get("action") for node in nodes if node.tag == "form"]
    for address in {address for address in found if address}:
        if address.startswith("#"):
            assert address[1:] in ids, address
        elif address.startswith("/"):
            get_resolver().resolve(re.split(r"[?#]", address)[0])
        else:
            assert re.match(r"\?|mailto:|https?://|tel:|sms:|otpauth:", address), address
