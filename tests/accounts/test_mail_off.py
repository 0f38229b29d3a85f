"""One press in the mail program stops a kind of mail (Spec: S13.7, RFC 8058)."""

import pytest
from django.core import signing
from django.test import Client

from accounts.models import NotificationChoice
from accounts.profile import MAIL_OFF, mail_off_url, wants_mail
from bookings.lessons.reminders import send_reminders
from bookings.notifications.interest import write_to_waiting
from bookings.notifications.models import OutgoingMail
from bookings.notifications.transport import as_message
from catalog.interest import join_waitlist
from tests.factories.accounts import student
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S13, pytest.mark.django_db]
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def path_of(url: str) -> str:
    return url[url.index("/mail/") :]


def test_reminders_carry_the_headers_and_the_button_works_signed_out() -> None:
    lesson = BookingFactory(start_at=tomorrow_at(10, days=3))
    send_reminders(lesson.start_at)
    send_reminders(lesson.start_at.replace(hour=0))
    mail = OutgoingMail.objects.filter(kind="lesson_reminder", to=lesson.student.email)[0]
    headers = as_message(mail).message()
    address = headers["List-Unsubscribe"].strip("<>")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert address in mail.text
    browser = Client(enforce_csrf_checks=True)
    assert browser.get(path_of(address)).status_code == 200
    assert wants_mail(lesson.student, "reminder")
    assert browser.post(path_of(address), ONE_CLICK).status_code == 200
    assert not wants_mail(lesson.student, "reminder")
    assert wants_mail(lesson.student, "review")
    assert wants_mail(lesson.instructor.user, "reminder")


def test_mails_that_must_come_have_no_such_headers() -> None:
    mail = OutgoingMail(to="a@example.com", subject="Booked", text="x", public_id="ABC")
    assert "List-Unsubscribe" not in as_message(mail).message()


def test_lists_carry_their_stop_address_and_it_takes_one_press() -> None:
    instructor = InstructorFactory()
    OfferingFactory(instructor=instructor)
    join_waitlist(email="v@example.com", neighborhood=instructor.base_neighborhood)
    assert write_to_waiting() == 1
    mail = OutgoingMail.objects.get(kind="waitlist_open")
    browser = Client(enforce_csrf_checks=True)
    path = path_of(mail.unsubscribe_url)
    assert browser.post(path, ONE_CLICK).status_code == 200
    assert browser.get(path).status_code == 404


def test_page_switches_off_with_a_press_and_twice_is_the_same() -> None:
    maya = student()
    path = path_of(mail_off_url(maya, "review"))
    browser = Client()
    for _ in range(2):
        answer = browser.post(path, follow=True)
        assert "Switched off" in answer.content.decode()
    assert NotificationChoice.objects.filter(user=maya, is_on=False).count() == 1


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        signing.dumps(["0000000000", "review"], salt=MAIL_OFF),
        signing.dumps(["0000000000", "review"], salt="other"),
        signing.dumps("review", salt=MAIL_OFF),
    ],
    # A token holds the second in which it was made: no name for a test.
    ids=["nonsense", "nobody", "other salt", "no pair"],
)
def test_other_links_are_nobodys(client: Client, token: str) -> None:
    """G5"""
    assert client.get(f"/mail/off/{token}/").status_code == 404
    assert client.post(f"/mail/off/{token}/", ONE_CLICK).status_code == 404
