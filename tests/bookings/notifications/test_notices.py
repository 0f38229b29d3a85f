"""Notices inside the site: once per key, one's own, read when one says so (S13.5)."""

import json
import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from bookings.lessons.reminders import send_reminders
from bookings.notifications.models import Notice
from bookings.notifications.notices import forget_old_notices, leave_notice
from instainstru import clock
from tests.bookings.lessons.lesson_stage import set_stage
from tests.factories.accounts import student

pytestmark = [pytest.mark.S13, pytest.mark.django_db]
ADDRESS = "/notifications/"


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_what_is_mailed_about_a_lesson_stands_in_the_list_once() -> None:
    """S13.5: at most one for each kind, subject and revision."""
    stage = set_stage()
    for _ in range(2):
        send_reminders(stage.lesson.start_at - timedelta(hours=24))
    assert Notice.objects.count() == 2
    page = browser(stage.andre).get(ADDRESS).content.decode()
    assert f'href="/teach/lessons/{stage.code}/"' in page
    assert page.count("New: Soon:") == 1
    assert "1 unread." in page


def test_a_key_writes_one_notice() -> None:
    maya = student()
    first = leave_notice(key="k:1", user=maya, title="First", path="/lessons/")
    assert leave_notice(key="k:1", user=maya, title="Second", path="/lessons/") == first
    assert Notice.objects.get().title == "First"


def test_reading_leaves_alone_what_came_since_and_what_is_of_others() -> None:
    """G5"""
    maya, other = student(), student()
    for person, key in ((maya, "a"), (other, "b")):
        leave_notice(key=key, user=person, title="Old news", path="/lessons/")
    shown_at = clock.now().isoformat()
    leave_notice(key="c", user=maya, title="Fresh news", path="/lessons/")
    client = browser(maya)
    assert client.post(ADDRESS, {"until": shown_at}).status_code == 303
    assert set(Notice.objects.unread().values_list("key", flat=True)) == {"b", "c"}
    page = client.get(ADDRESS).content.decode()
    assert page.count("Old news") == 1
    assert "New: Fresh news" in page
    assert client.post(ADDRESS, {"until": "9" * 30}).status_code == 303
    assert set(Notice.objects.unread().values_list("key", flat=True)) == {"b"}


def test_list_says_when_it_is_empty() -> None:
    assert "Nothing to tell you yet." in browser(student()).get(ADDRESS).content.decode()


def test_long_lists_take_as_many_queries_as_short_ones(django_assert_max_num_queries) -> None:
    maya = student()
    client = browser(maya)
    client.get(ADDRESS)
    for number in range(25):
        leave_notice(key=f"k:{number}", user=maya, title=f"N{number}", path="/lessons/")
    with django_assert_max_num_queries(8):
        page = client.get(ADDRESS).content.decode()
    assert "N24" in page
    assert "N4<" not in page


def test_old_notices_are_forgotten() -> None:
    maya = student()
    for key in ("a", "b"):
        leave_notice(key=key, user=maya, title="News", path="/lessons/")
    Notice.objects.filter(key="a").update(created_at=clock.now() - timedelta(days=91))
    assert forget_old_notices() == 1
    assert Notice.objects.get().key == "b"


def test_the_database_takes_no_foreign_address() -> None:
    with pytest.raises(IntegrityError, match="notice_path_is_ours"), transaction.atomic():
        Notice.objects.create(user=student(), key="k", title="x", path="//evil.example/")


def test_scripts_mark_what_a_page_showed_and_get_the_bell() -> None:
    """S13.5: older ones, which nobody has seen, stay new."""
    maya = student()
    for number in range(21):
        leave_notice(key=f"k:{number}", user=maya, title=f"News {number}", path="/lessons/")
    client = browser(maya)
    html = client.get(ADDRESS).content.decode()
    found = re.search(r"hx-vals='([^']+)'", html)
    assert found
    answer = client.post(ADDRESS, json.loads(found[1]), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert 'aria-label="Notifications, 1 unread"' in answer.content.decode()
    assert Notice.objects.unread().get().key == "k:0"
    assert "hx-vals" not in client.get(ADDRESS).content.decode()
