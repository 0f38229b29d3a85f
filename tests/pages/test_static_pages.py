"""Help, about, contact, teaching: true to the numbers in force."""

import pytest
from django.core.cache import cache
from django.test import Client

from bookings.notifications.models import ContactMessage, OutgoingMail
from catalog.models import Policy, TeachingInterest
from instainstru.pages.help_pages import ARTICLES, find_articles
from tests.factories.accounts import UserFactory
from tests.factories.catalog import InstructorFactory, NeighborhoodFactory

pytestmark = [pytest.mark.django_db]


@pytest.fixture(autouse=True)
def fresh_windows() -> None:
    """Forget the uses that other tests counted."""
    cache.delete_pattern("rate:*")


@pytest.mark.parametrize(
    "address", ["/about/", "/how-it-works/", "/help/", "/contact/", "/teach/start/"]
)
def test_pages_answer_guests_and_carry_one_heading(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.content.count(b"<h1") == 1


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.slug)
def test_every_article_answers(client: Client, article: object) -> None:
    answer = client.get(f"/help/{article.slug}/")  # type: ignore[attr-defined]
    assert answer.status_code == 200
    assert answer.content.count(b"<h1") == 1


def test_numbers_come_from_the_policy_in_force(client: Client) -> None:
    """00 section 6."""
    Policy.objects.create(
        hold_minutes=17, free_cancel_hours=41, credit_cancel_hours=19, founding_spots=3
    )
    InstructorFactory(is_founding=True)
    assert b"17 minutes" in client.get("/help/holds/").content
    canceling = client.get("/help/canceling/").content
    assert b"41 hours or more" in canceling
    assert b"Between 19 and 41 hours" in canceling
    assert b"2 places left" in client.get("/teach/start/").content
    assert b"2 spots left" in client.get("/").content


def test_without_places_nobody_is_promised_one(client: Client) -> None:
    """S9.1."""
    Policy.objects.create(founding_spots=0)
    html = client.get("/").content.decode()
    assert "spots left" not in html
    assert "Claim your spot" not in html


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("How do refunds work?", "refunds"),
        ("refund", "refunds"),
        ("kid", "learners"),
        ("forgot password", "account"),
        ("no show", "instructor-cancels"),
        (["REMBOURSEMENT", "crédit"][1], "refunds"),
    ],
)
def test_help_finds_articles_by_words(words: str, slug: str) -> None:
    assert find_articles(words, Policy.objects.current())[0].slug == slug


@pytest.mark.parametrize("words", ["kazoo", "\x00", "🎻", "x" * 10_000, "<b>"])
def test_help_without_a_hit_says_so(client: Client, words: str) -> None:
    answer = client.get("/help/", {"q": words})
    assert answer.status_code == 200
    assert "<b>" not in answer.content.decode().split("<main")[1]
    if words == "kazoo":
        assert "No article about" in answer.content.decode()


def test_unknown_article_is_404(client: Client) -> None:
    assert client.get("/help/kazoo/").status_code == 404


def test_contact_stores_the_message_and_tells_support(client: Client) -> None:
    data = {
        "name": "Maya", "email": "maya@example.com", "topic": "payment",
        "text": "Where is my refund?",
    }  # fmt: skip
    answer = client.post("/contact/", data, follow=True)
    assert b"We got your message" in answer.content
    assert ContactMessage.objects.get().topic == "payment"
    assert OutgoingMail.objects.get().kind == "contact_message"


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("email", "no"), ("topic", "love"), ("text", "short"), ("text", "x" * 2001),
     ("name", "\x00"), ("text", "ten letters \x00")],
)  # fmt: skip
def test_bad_contact_is_422_and_kept(client: Client, field: str, value: str) -> None:
    """G2."""
    data = {"name": "Maya", "email": "m@example.com", "topic": "other", "text": "Ten letters."}
    answer = client.post("/contact/", data | {field: value})
    assert answer.status_code == 422
    assert b"There is a problem" in answer.content
    assert not ContactMessage.objects.exists()


def test_contact_knows_who_is_signed_in(client: Client) -> None:
    client.force_login(UserFactory(email="maya@example.com"))
    answer = client.get("/contact/?topic=teaching")
    assert b'value="maya@example.com"' in answer.content
    assert '<option value="teaching" selected>' in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_teaching_interest_is_stored_and_confirmed(client: Client) -> None:
    data = {
        "first_name": "Maya", "email": "maya@example.com", "teaches": "Oud",
        "neighborhood": NeighborhoodFactory().slug,
    }  # fmt: skip
    assert b"Thank you" in client.post("/teach/start/", data, follow=True).content
    assert TeachingInterest.objects.get().teaches == "Oud"
    assert OutgoingMail.objects.get().kind == "teaching_interest"
    assert client.post("/teach/start/", data | {"teaches": ""}).status_code == 422


def test_too_many_messages_wait(client: Client) -> None:
    """G6."""
    data = {"name": "Maya", "email": "m@example.com", "topic": "other", "text": "Ten letters."}
    codes = [client.post("/contact/", data).status_code for _ in range(6)]
    assert codes == [302] * 5 + [429]
