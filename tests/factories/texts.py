"""People who get texts."""

import re

from accounts.models import User
from accounts.texts import agree_to_texts, confirm_number
from bookings.notifications.models import OutgoingText
from privacy.consents import Browser

PHONE = "+12125550123"
PAGE = Browser(page="/account/texts/", ip="203.0.113.7", user_agent="Firefox")


def code_sent_to(phone: str) -> str:
    """Return the newest code on its way to a number."""
    text = OutgoingText.objects.filter(to=phone, kind="code").newest_first().first()
    assert text is not None
    found = re.search(r"code is (\d{6})", text.text)
    assert found is not None
    return found.group(1)


def with_texts(user: User, phone: str = PHONE) -> User:
    """Let a person agree to texts and prove their number."""
    agree_to_texts(by=user, phone=phone, browser=PAGE)
    confirm_number(by=user, code=code_sent_to(phone))
    user.refresh_from_db()
    return user
