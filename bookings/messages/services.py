"""Write, read and report messages (Spec: S11.4)."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import User
from bookings.messages.masking import mask_contacts
from bookings.messages.models import LONGEST, Message, MessageReport, Thread
from bookings.messages.selectors import Pair, find_letter, has_booked, why_closed
from bookings.notifications.interest import tell_support
from catalog.models import Instructor
from instainstru import clock
from instainstru.errors import ConflictError, NotFoundError, ValidationFailedError
from instainstru.page_store.versions import bump, of_person

SHORTEST_REPORT = 20


class ConversationClosedError(ConflictError):
    """The two cannot write to each other: one blocked the other, or has left."""

    code = "conversation_closed"


@dataclass(frozen=True)
class Sent:
    """A message, whether this request wrote it, and whether it gives contact details away."""

    letter: Message
    is_new: bool
    has_contacts: bool = False


def find_sent(*, by: User, pair: Pair, key: str) -> Message | None:
    """Return what the same form has sent already."""
    return Message.objects.filter(thread=pair.thread, author=by, key=key).first()


@transaction.atomic
def send_message(*, by: User, pair: Pair, text: str, key: str, now: datetime | None = None) -> Sent:
    """Write to the other side; the first message makes the one thread of the pair.

    A ``key`` that was sent already returns its message. Before the first paid lesson numbers,
    addresses and links are hidden for good; afterwards the writer is warned. What the writer had
    not read counts as read. Spec: S11.4

    Raises:
        NotFoundError: ``by`` is neither of the two, or may not begin.
        ConversationClosedError: One has blocked the other, or the other has left (S5.8).
        ValidationFailedError: No words, or more than 2,000 characters.
    """
    if by.pk not in (pair.student.pk, pair.instructor.user_id):
        raise NotFoundError("We couldn't find this conversation.")
    _check_text(text)
    thread = _locked_thread(by, pair)
    known = Message.objects.filter(thread=thread, author=by, key=key).first()
    if known is not None:
        return Sent(known, is_new=False)
    if reason := why_closed(pair, by):
        raise ConversationClosedError(reason)
    hidden = mask_contacts(text)
    is_masked = hidden != text and not has_booked(pair)
    at = max(now or clock.now(), thread.created_at)
    letter = Message.objects.create(
        thread=thread,
        author=by,
        recipient=pair.other_of(by),
        text=hidden[:LONGEST] if is_masked else text,
        is_masked=is_masked,
        key=key,
        created_at=at,
    )
    Thread.objects.filter(pk=thread.pk).update(last_message_at=at)
    thread.letters.unread_of(by.pk).update(read_at=at)
    bump(of_person(by.pk), of_person(letter.recipient_id))
    return Sent(letter, is_new=True, has_contacts=hidden != text)


def _check_text(text: str) -> None:
    if not text.strip():
        sentence = "Write something first."
    elif len(text) > LONGEST:
        sentence = f"Use at most {LONGEST:,} characters."
    else:
        return
    raise ValidationFailedError(sentence, fields={"text": sentence})


def _locked_thread(by: User, pair: Pair) -> Thread:
    """Return the thread of a pair, made if need be, while nobody else can write in it."""
    mine = Thread.objects.filter(student=pair.student, instructor=pair.instructor)
    if not mine.exists():
        _check_may_begin(by, pair)
        Thread.objects.get_or_create(student=pair.student, instructor=pair.instructor)
    return mine.select_for_update(no_key=True).get()


def _check_may_begin(by: User, pair: Pair) -> None:
    """Refuse who neither had a lesson nor writes to somebody who teaches here now."""
    is_live = pair.instructor.status == Instructor.Status.LIVE
    if has_booked(pair) or (is_live and pair.is_student(by)):
        return
    raise NotFoundError("We couldn't find this conversation.")


def may_begin(by: User, pair: Pair) -> bool:
    """Tell whether a person may write the first message of a pair."""
    try:
        _check_may_begin(by, pair)
    except NotFoundError:
        return False
    return True


@transaction.atomic
def read_letters(*, by: User, pair: Pair, up_to: str, now: datetime | None = None) -> int:
    """Mark what the person was shown as read: up to a message; return how many were unread.

    What came after it stays unread.
    """
    assert pair.thread is not None  # noqa: S101 - a thread that was found
    # PostgreSQL text holds every character but NUL.
    last = pair.thread.letters.filter(public_id=up_to.replace("\0", "")).first()
    if last is None:
        return 0
    rows = pair.thread.letters.unread_of(by.pk).filter(pk__lte=last.pk)
    count = rows.update(read_at=max(now or clock.now(), last.created_at))
    if count:
        bump(of_person(by.pk))
    return count


@transaction.atomic
def report_letter(*, by: User, pair: Pair, public_id: str, kind: str, text: str) -> MessageReport:
    """Put a message that the person got into the staff's list; a second time changes nothing.

    Support hears of a worry about safety by mail. Raises ``NotFoundError`` for other messages and
    ``ValidationFailedError`` for fewer than 20 characters. Spec: S11.4, S10.5
    """
    letter = find_letter(by=by, pair=pair, public_id=public_id)
    if len(text.strip()) < SHORTEST_REPORT:
        sentence = f"Use at least {SHORTEST_REPORT} characters."
        raise ValidationFailedError(sentence, fields={"text": sentence})
    report, is_new = MessageReport.objects.get_or_create(
        message=letter, reporter=by, defaults={"kind": kind, "text": text.strip()}
    )
    if is_new and report.is_urgent:
        tell_support(
            key=f"message_report:{report.public_id}",
            subject=f"Urgent: safety report about a message ({report.public_id})",
            template="message_report",
            inbox="message-reports",
            report=report,
        )
    return report
