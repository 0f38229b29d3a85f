"""The demo student gets texts, so that ``/dev/texts/`` has something to read (Spec: S13.6)."""

from datetime import datetime

from accounts.models import TextNumber, User
from privacy.consents import Browser, Purpose, record_consent

PHONE = "+12125550142"  # of the numbers that are kept for stories
PAGE = Browser(page="/account/texts/", ip="127.0.0.1", user_agent="the invented city")


def agree_to_texts(student: User, now: datetime) -> None:
    """Write what a form and a code would have: the number, the agreement, the proof."""
    student.phone = PHONE
    student.save(update_fields=["phone"])
    record_consent(by=student, purpose=Purpose.SMS, is_given=True, browser=PAGE)
    TextNumber.objects.create(user=student, phone=PHONE, confirmed_at=now)
