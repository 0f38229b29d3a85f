"""Who may write to whom, what is hidden, and what counts once."""

from datetime import timedelta

import pytest

from accounts.blocking import block_person, unblock_person
from accounts.models import User
from bookings.lessons.models import Booking
from bookings.messages.invariants import thread_violations
from bookings.messages.models import Message, Thread
from bookings.messages.selectors import Pair, pair_of_lesson, pair_with_instructor
from bookings.messages.services import (
    ConversationClosedError,
    read_letters,
    report_letter,
    send_message,
)
from bookings.notifications.models import OutgoingMail
from catalog.models import Instructor
from instainstru import clock
from instainstru.errors import NotFoundError, ValidationFailedError
from tests.factories.accounts import student
from tests.factories.catalog import OfferingFactory
from tests.factories.lessons import BookingFactory, HoldFactory, tomorrow_at
from tests.factories.messages import MessageFactory, ThreadFactory, pair_of, teacher

pytestmark = [pytest.mark.django_db, pytest.mark.S11]

CONTACTS = "Call me at (212) 555-0123 or mail sam@example.com, see https://sam.example/x"


@pytest.fixture
def maya() -> User:
    return teacher()


@pytest.fixture
def sam() -> User:
    return student()


def to(maya: User, sam: User) -> Pair:
    return pair_with_instructor(by=sam, slug=maya.instructor.slug)


def lesson_of(maya: User, sam: User, **fields: object) -> Booking:
    return BookingFactory(
        student=sam, offering=OfferingFactory(instructor=maya.instructor), **fields
    )


def test_a_pair_has_one_thread_whoever_writes(maya: User, sam: User) -> None:
    """S11.4"""
    first = send_message(by=sam, pair=to(maya, sam), text="Hello", key="a").letter
    answer = send_message(by=maya, pair=to(maya, sam), text="Hi", key="a").letter
    assert Thread.objects.get() == first.thread == answer.thread
    assert (first.author, first.recipient) == (sam, maya)
    assert (answer.author, answer.recipient) == (maya, sam)
    assert thread_violations() == []


def test_an_instructor_writes_first_only_about_a_lesson(maya: User, sam: User) -> None:
    with pytest.raises(NotFoundError):
        send_message(by=maya, pair=to(maya, sam), text="Book me", key="a")
    HoldFactory(student=sam, offering=OfferingFactory(instructor=maya.instructor))
    with pytest.raises(NotFoundError):
        send_message(by=maya, pair=to(maya, sam), text="Book me", key="a")
    lesson = lesson_of(maya, sam, start_at=tomorrow_at(15))
    pair = pair_of_lesson(by=maya, code=str(lesson.code))
    assert send_message(by=maya, pair=pair, text="See you", key="a").is_new


def test_nobody_writes_first_to_a_profile_that_is_not_live(maya: User, sam: User) -> None:
    Instructor.objects.update(status=Instructor.Status.PAUSED)
    with pytest.raises(NotFoundError):
        send_message(by=sam, pair=to(maya, sam), text="Hello", key="a")
    lesson_of(maya, sam)
    assert send_message(by=sam, pair=to(maya, sam), text="Hello", key="a").is_new


def test_others_find_neither_thread_nor_lesson(maya: User, sam: User) -> None:
    """G5"""
    lesson = lesson_of(maya, sam)
    with pytest.raises(NotFoundError):
        pair_of_lesson(by=student(), code=str(lesson.code))
    with pytest.raises(NotFoundError):
        send_message(by=student(), pair=to(maya, sam), text="Hello", key="a")
    with pytest.raises(NotFoundError):
        pair_with_instructor(by=maya, slug=maya.instructor.slug)
    assert not Message.objects.exists()


def test_contacts_are_hidden_before_the_first_paid_lesson(maya: User, sam: User) -> None:
    """S11.4"""
    sent = send_message(by=sam, pair=to(maya, sam), text=CONTACTS, key="a")
    assert sent.letter.is_masked
    assert sent.letter.text == "Call me at [hidden] or mail [hidden], see [hidden]"


def test_contacts_are_warned_about_after_the_first_paid_lesson(maya: User, sam: User) -> None:
    """S11.4: even when that lesson was canceled."""
    lesson_of(
        maya, sam, status=Booking.Status.CANCELLED_STUDENT, cancelled_at=clock.now(),
    )  # fmt: skip
    sent = send_message(by=sam, pair=to(maya, sam), text=CONTACTS, key="a")
    assert sent.letter.text == CONTACTS
    assert (sent.letter.is_masked, sent.has_contacts) == (False, True)
    plain = send_message(by=sam, pair=to(maya, sam), text="At 10, for $85?", key="b")
    assert not plain.has_contacts


def test_text_that_grows_by_hiding_still_fits(maya: User, sam: User) -> None:
    text = " ".join(["a@b.co"] * 285)
    letter = send_message(by=sam, pair=to(maya, sam), text=text, key="a").letter
    assert len(letter.text) == 2000
    assert "@" not in letter.text


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 2001])
def test_nothing_and_too_much_are_refused(maya: User, sam: User, text: str) -> None:
    with pytest.raises(ValidationFailedError):
        send_message(by=sam, pair=to(maya, sam), text=text, key="a")
    assert not Thread.objects.exists()


@pytest.mark.S5
@pytest.mark.parametrize("is_by_student", [True, False])
def test_a_block_stops_both_sides_at_once(maya: User, sam: User, is_by_student: bool) -> None:
    """S5.8"""
    send_message(by=sam, pair=to(maya, sam), text="Hello", key="a")
    one, other = (sam, maya) if is_by_student else (maya, sam)
    block_person(by=one, person=other)
    for person in (sam, maya):
        with pytest.raises(ConversationClosedError):
            send_message(by=person, pair=to(maya, sam), text="Still there?", key="b")
    unblock_person(by=one, person=other)
    assert send_message(by=other, pair=to(maya, sam), text="Still there?", key="b").is_new


def test_a_block_lets_nobody_begin(maya: User, sam: User) -> None:
    """S5.8"""
    block_person(by=maya, person=sam)
    with pytest.raises(ConversationClosedError):
        send_message(by=sam, pair=to(maya, sam), text="Hello", key="a")


def test_nobody_writes_to_somebody_who_has_left(maya: User, sam: User) -> None:
    send_message(by=sam, pair=to(maya, sam), text="Hello", key="a")
    User.objects.filter(pk=maya.pk).update(is_active=False)
    with pytest.raises(ConversationClosedError):
        send_message(by=sam, pair=to(maya, sam), text="Still there?", key="b")


def test_a_form_sent_twice_writes_once(maya: User, sam: User) -> None:
    first = send_message(by=sam, pair=to(maya, sam), text="Hello", key="a")
    again = send_message(by=sam, pair=to(maya, sam), text="Hello", key="a")
    assert (again.letter, again.is_new) == (first.letter, False)
    assert send_message(by=sam, pair=to(maya, sam), text="Hello", key="b").is_new


def test_reading_marks_what_was_shown_and_answering_everything() -> None:
    """S11.4: read state for each side."""
    thread = ThreadFactory()
    seen, later = (MessageFactory(thread=thread) for _ in range(2))
    own = MessageFactory(thread=thread, is_answer=True)
    pair = pair_of(thread)
    assert read_letters(by=pair.instructor.user, pair=pair, up_to=seen.public_id) == 1
    assert read_letters(by=pair.instructor.user, pair=pair, up_to=seen.public_id) == 0
    assert read_letters(by=pair.instructor.user, pair=pair, up_to="ZZZZZZZZZZ") == 0
    for row in (seen, later, own):
        row.refresh_from_db()
    assert [bool(row.read_at) for row in (seen, later, own)] == [True, False, False]
    send_message(by=pair.instructor.user, pair=pair, text="Yes", key="x")
    later.refresh_from_db()
    assert later.read_at is not None


def test_only_who_got_a_message_reports_it_and_once() -> None:
    """S11.4"""
    letter = MessageFactory(text="Pay me in cash.")
    pair = pair_of(letter.thread)
    maya = pair.instructor.user
    fields = {"pair": pair, "public_id": letter.public_id, "text": "Wants cash for the lesson."}
    with pytest.raises(NotFoundError):
        report_letter(by=pair.student, kind="outside", **fields)  # type: ignore[arg-type]
    with pytest.raises(ValidationFailedError):
        report_letter(by=maya, kind="outside", **{**fields, "text": "cash" + " " * 30})  # type: ignore[arg-type]
    first = report_letter(by=maya, kind="outside", **fields)  # type: ignore[arg-type]
    assert report_letter(by=maya, kind="safety", **fields) == first  # type: ignore[arg-type]
    assert not OutgoingMail.objects.filter(kind="message_report").exists()
    assert first.parties() == (maya.pk, pair.student.pk)


def test_a_worry_about_safety_reaches_support_at_once() -> None:
    letter = MessageFactory()
    pair = pair_of(letter.thread)
    report_letter(
        by=pair.instructor.user, pair=pair, public_id=letter.public_id, kind="safety",
        text="He says that he waits outside.",
    )  # fmt: skip
    mail = OutgoingMail.objects.get(kind="message_report")
    assert mail.subject.startswith("Urgent")
    assert "waits outside" in mail.text


@pytest.mark.S16
def test_threads_that_tell_lies_are_found() -> None:
    """S16.6"""
    letter = MessageFactory()
    assert thread_violations() == []
    Thread.objects.update(last_message_at=clock.now() - timedelta(days=1))
    assert len(thread_violations()) == 1
    Thread.objects.update(last_message_at=letter.created_at)
    Message.objects.update(author=student())
    assert len(thread_violations()) == 1
    Message.objects.all().delete()
    assert len(thread_violations()) == 1
