"""Live pages travel compressed; kept pages stay with the store (performance D4)."""

import gzip

import pytest
from django.test import Client

from tests.factories.accounts import student

pytestmark = [pytest.mark.django_db]
GZIP = {"Accept-Encoding": "gzip"}


def test_a_live_page_is_compressed_for_who_takes_it(client: Client) -> None:
    client.force_login(student())
    plain, packed = client.get("/lessons/"), client.get("/lessons/", headers=GZIP)
    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    assert b"My lessons" in gzip.decompress(packed.content)
    assert len(packed.content) < len(plain.content) / 2


def test_the_length_of_a_page_tells_nothing(client: Client) -> None:
    """The same page, with its form token, does not always have one length."""
    lengths = {len(client.get("/contact/", headers=GZIP).content) for _ in range(12)}
    assert len(lengths) > 1


@pytest.mark.usefixtures("kept_pages")
def test_a_kept_page_comes_from_the_store_as_it_was_kept(client: Client) -> None:
    for coding in ("br", "gzip", "gzip"):
        answer = client.get("/help/", headers={"Accept-Encoding": coding})
        assert answer["Content-Encoding"] == coding
    assert b"Help" in gzip.decompress(answer.content)
    assert b"Help" in client.get("/help/").content
