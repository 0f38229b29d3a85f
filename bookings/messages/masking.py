"""Hides addresses and numbers that would lead around the marketplace (Spec: S11.12)."""

import re

HIDDEN = "[hidden]"
_MAIL = re.compile(r"[\w.+-]{1,64}\s?@\s?[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_LINK = re.compile(r"(?:https?://|www\.)\S{1,300}", re.IGNORECASE)
# Ten digits and more, however they are parted, are a phone number and not a price or a date.
_PHONE = re.compile(r"[+(]{0,2}\d(?:[\s().-]{0,3}\d){9,14}")


def mask_contacts(text: str) -> str:
    """Return the text with e-mail addresses, links and phone numbers replaced."""
    for pattern in (_LINK, _MAIL, _PHONE):
        text = pattern.sub(HIDDEN, text)
    return text
