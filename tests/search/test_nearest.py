"""Similar instructors, related services and the nearest service come from vectors (Spec: S8.15)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from django.db import connection
from django.test import Client

from catalog.models import Instructor, Offering, Service
from instainstru import clock
from search import nearest, offering_words
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


@contextmanager
def _statements() -> Iterator[list[tuple[str, Any]]]:
    seen: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


def _nearest(person: Instructor, most: int = 10) -> Mapping[int, float]:
    return nearest.nearest_instructors(person, checked_since=date(2020, 1, 1), most=most)


def test_index_and_full_comparison_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """S8.11: above the threshold an index is asked, and its answer is sorted again."""
    people = [pianist(f"P{number}") for number in range(20)]
    for number, offering in enumerate(people):
        said = [word for bit, word in enumerate(_Encoder.WORDS[1:]) if number >> bit & 1]
        say(offering, " ".join(["piano", *said]))
    person = people[0].instructor
    monkeypatch.setattr(nearest, "has_many_offerings", lambda: False)
    exact = _nearest(person)
    monkeypatch.setattr(nearest, "has_many_offerings", lambda: True)
    with connection.cursor() as cursor:
        # Of so few rows the planner would read all.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    with _statements() as seen:
        indexed = _nearest(person)
    assert list(indexed.values()) == pytest.approx(list(exact.values()), abs=0.001)
    assert len(exact) == 10
    assert list(indexed.values()) == sorted(indexed.values())
    ((sql, params),) = seen
    assert "hnsw.iterative_scan = 'relaxed_order'" in sql
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql[sql.index('WITH mine') :]}", params)
        assert "offering_vector_near" in str(cursor.fetchall())


def test_who_cannot_be_booked_or_teaches_something_else_is_not_near(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine, paused, off, old = pianist("Mia"), pianist("Jo"), pianist("Sam"), pianist("Lee")
    cellist, fine = pianist("Cy", service=ServiceFactory(name="Cello")), pianist("Ann")
    for offering in (mine, paused, off, old, cellist, fine):
        say(offering, "piano shy")
    Instructor.objects.filter(pk=paused.instructor_id).update(status="paused")
    Offering.objects.filter(pk=off.pk).update(is_active=False)
    Instructor.objects.filter(pk=old.instructor_id).update(background_checked_on=date(2019, 1, 1))
    Service.objects.filter(pk=cellist.service_id).update(category=CategoryFactory(name="Strings"))
    for has_many in (True, False):
        monkeypatch.setattr(nearest, "has_many_offerings", lambda has_many=has_many: has_many)
        assert list(_nearest(mine.instructor)) == [fine.instructor_id]


def test_the_number_of_offerings_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    """S8.11: exact below, by the index above; counted anew after ten minutes."""
    say(pianist("Mia"), "piano")
    # A table that was never counted has -1 rows.
    for threshold, has_many in ((-2, True), (20_000, False)):
        monkeypatch.setattr(nearest, "MANY_OFFERINGS", threshold)
        monkeypatch.setattr(nearest, "_counted", None)
        assert nearest.has_many_offerings() is has_many
        with _statements() as seen:
            nearest.has_many_offerings()
        assert seen == []


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
