"""Hides addresses and numbers that would lead around the marketplace (Spec: S11.4, S11.12)."""

import re

HIDDEN = "[hidden]"
_MAIL = re.compile(r"[\w.+-]{1,64}\s?@\s?[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_LINK = re.compile(r"(?:https?://|www\.|\b(?:t|wa|m|fb)\.me/)\S{1,300}", re.IGNORECASE)
_ENDS = "com|net|org|edu|info|biz|nyc|app|dev|io"
_SITE = re.compile(
    rf"\b[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,3}}\.(?:{_ENDS})\b(?:/\S{{0,300}})?", re.IGNORECASE
)
_SPELT_MAIL = re.compile(
    rf"\b[\w.+-]{{1,64}}\s{{1,3}}\(?at\)?\s{{1,3}}[\w-]{{1,63}}\s{{1,3}}\(?dot\)?\s{{1,3}}(?:{_ENDS})\b",
    re.IGNORECASE,
)
# Ten digits and more, however they are parted, are a phone number and not a price; nor is a date.
_PHONE = re.compile(r"(?!\d{4}-\d\d-\d\d\b)[+(]{0,2}\d(?:[\s().-]{0,3}\d){9,14}")


def mask_contacts(text: str) -> str:
    """Return the text with e-mail addresses, links and phone numbers replaced."""
    for pattern in (_LINK, _MAIL, _SPELT_MAIL, _SITE, _PHONE):
        text = pattern.sub(HIDDEN, text)
    return text
