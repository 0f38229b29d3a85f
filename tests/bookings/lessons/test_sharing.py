"""Sharing a lesson with family, and the rest of the done page (Spec: S13.3)."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.models import User
from bookings.lessons.sharing import share_address
from instainstru.templatetags.ui import when_text
from tests.factories import payments as make
from tests.factories.accounts import student
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S13, pytest.mark.django_db]


@pytest.fixture
def maya() -> User:
    return student()


def test_message_says_who_when_and_where_and_nothing_else(maya: User) -> None:
    lesson = BookingFactory(student=maya, note="Ring & wait", start_at=tomorrow_at(10))
    address = urlsplit(share_address([lesson]))
    assert (address.scheme, address.path) == ("mailto", "")
    said = parse_qs(address.query, strict_parsing=True)
    when = when_text(lesson.start_at, lesson.zone, lesson.end_at)
    body = said["body"][0]
    assert lesson.instructor.display_name in said["subject"][0]
    for words in (lesson.service_name, lesson.learner.name, when, "45 Carroll Street, Apt 2"):
        assert words in body
    for secret in (str(lesson.code), "Ring", "$", lesson.instructor.user.email, maya.email):
        assert secret not in body


def test_words_of_people_stay_in_the_message(maya: User) -> None:
    lesson = BookingFactory(student=maya, address="1 A&B St?cc=x@example.com#<b>\r\nBcc: y")
    query = urlsplit(share_address([lesson])).query
    assert set(parse_qs(query)) == {"subject", "body"}
    assert "A&B St?cc=x@example.com#<b>" in parse_qs(query)["body"][0]


def test_lessons_booked_together_are_shared_together(maya: User) -> None:
    first = BookingFactory(student=maya, start_at=tomorrow_at(10))
    second = BookingFactory(student=maya, offering=first.offering, start_at=tomorrow_at(10, days=8))
    body = parse_qs(urlsplit(share_address([first, second])).query)["body"][0]
    for lesson in (first, second):
        assert when_text(lesson.start_at, lesson.zone, lesson.end_at) in body


def test_done_page_leads_to_family_and_receipt(client: Client, maya: User) -> None:
    lesson = BookingFactory(student=maya, start_at=tomorrow_at(10))
    make.pay(lesson)
    client.force_login(maya)
    for address in (f"/lessons/{lesson.code}/confirmed/", f"/lessons/{lesson.code}/"):
        text = client.get(address).content.decode()
        assert 'href="mailto:?subject=' in text
        assert f'href="/lessons/{lesson.code}/receipt/"' in text
