"""Similar instructors, related services and the nearest service come from vectors (Spec: S8.15)."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from django.test import Client

from catalog.models import Instructor, Offering, Service
from instainstru import clock
from search import offering_words
from search.models import OfferingVector, ServiceVector
from search.services import SearchResult, run_search
from tests.factories.catalog import CategoryFactory, OfferingFactory, ServiceFactory
from tests.search.builders import fresh_catalogue, pianist

pytestmark = [pytest.mark.django_db, pytest.mark.S8]
DIGEST = "test"


class _Encoder:
    """Words are directions: each word of ``WORDS`` is one."""

    digest = DIGEST
    WORDS = ("piano", "keyboard", "guitar", "shy", "jazz", "cello")

    def encode(self, texts: list[str]) -> Any:
        rows = [[1e-6 + (word in text) for word in self.WORDS] for text in texts]
        vectors = np.array([[*row, *[0.0] * (384 - len(row))] for row in rows], np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


ENCODER = _Encoder()


@pytest.fixture(autouse=True)
def _model() -> Iterator[None]:
    with (
        fresh_catalogue(),
        patch("search.nearest.query_embedder", return_value=ENCODER),
        patch("search.offering_words.query_embedder", return_value=ENCODER),
        patch.object(offering_words, "_has_vectors", return_value=True),
    ):
        yield


def say(offering: Offering, text: str) -> None:
    OfferingVector.objects.create(
        offering=offering, model_digest=DIGEST, text_digest="x", vector=ENCODER.encode([text])[0]
    )


def describe(service: Service, text: str) -> Service:
    ServiceVector.objects.create(
        service=service, kind="full", text=text, model_name="test", model_digest=DIGEST,
        dimension=384, vector=ENCODER.encode([text])[0],
    )  # fmt: skip
    return service


def search(text: str) -> SearchResult:
    return run_search(text, now=clock.now())


def test_of_too_many_offers_those_stay_whose_words_are_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("search.choosing.MAX_OFFERS", 1)
    for name, text in (("Ada", "piano jazz"), ("Ben", "piano shy"), ("Cleo", "piano jazz")):
        say(pianist(name), text)
    hits = search("piano patient with shy learners").hits
    assert [hit.offer.name.split()[0] for hit in hits] == ["Ben"]


def _similar(client: Client, person: Instructor) -> str:
    html = client.get(f"/i/{person.slug}/").content.decode()
    return html[html.index('id="similar"') :]


def test_similar_instructors_are_those_who_say_the_like(client: Client) -> None:
    mine, jazz, shy = pianist("Mia"), pianist("Jo"), pianist("Sam")
    for offering, text in ((mine, "piano shy"), (jazz, "piano jazz"), (shy, "piano shy")):
        say(offering, text)
    part = _similar(client, mine.instructor)
    assert part.index("/i/sam-c/") < part.index("/i/jo-c/")
    OfferingVector.objects.filter(offering=shy).update(vector=ENCODER.encode(["cello"])[0])
    part = _similar(client, mine.instructor)
    assert part.index("/i/jo-c/") < part.index("/i/sam-c/")


def test_similar_instructors_without_vectors_are_there_all_the_same(client: Client) -> None:
    mine, _ = pianist("Mia"), pianist("Jo")
    assert "/i/jo-c/" in _similar(client, mine.instructor)


def test_related_services_are_near_in_meaning(client: Client) -> None:
    piano = describe(ServiceFactory(name="Piano"), "piano")
    guitar = describe(ServiceFactory(name="Guitar"), "guitar")
    keyboard = describe(ServiceFactory(name="Keyboard"), "piano keyboard")
    gone = describe(ServiceFactory(name="Clavichord", is_active=False), "piano")
    address = f"/services/{piano.category.slug}/{piano.slug}/"
    html = client.get(address).content.decode()
    part = html[html.index('id="related"') :]
    assert part.index(keyboard.name) < part.index(guitar.name)
    assert gone.name not in part
    ServiceVector.objects.all().delete()
    html = client.get(address).content.decode()
    assert guitar.name in html[html.index('id="related"') :]


def test_query_without_an_answer_names_the_nearest_service_that_can_be_booked(
    client: Client,
) -> None:
    cello = describe(ServiceFactory(name="Cello"), "cello")
    keyboard = describe(
        ServiceFactory(name="Synthesizer", category=CategoryFactory(name="Studio")),
        "keyboard cello",
    )
    describe(ServiceFactory(name="Viola"), "cello")
    OfferingFactory(service=keyboard)
    assert search("cello").nearest == keyboard
    page = client.get("/search/?q=cello").content.decode()
    assert f'href="/services/{keyboard.category.slug}/{keyboard.slug}/"' in page
    assert search("guitar xylophone").nearest is None
    OfferingFactory(service=cello)
    assert search("cello").nearest is None
