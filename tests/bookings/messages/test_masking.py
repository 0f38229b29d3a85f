"""Contact data inside messages and reviews."""

import pytest

from bookings.messages.masking import mask_contacts

pytestmark = pytest.mark.S11


@pytest.mark.parametrize(
    "contact",
    [
        "maya@example.com", "maya.c+piano@mail.example.co.uk", "https://example.com/maya?x=1",
        "www.example.com", "example.com", "lessons.example.net/maya?x=1", "wa.me/12125550147",
        "maya at example dot com", "maya (at) example (dot) com",
        "(212) 555-0147", "212.555.0147", "+1 212 555 0147", "2125550147",
    ],
)  # fmt: skip
def test_addresses_links_and_numbers_are_hidden(contact: str) -> None:
    """S11.12."""
    assert mask_contacts(f"Write to {contact} please") == "Write to [hidden] please"


@pytest.mark.parametrize(
    "text",
    [
        "10 lessons for $85 each, 3 times a week", "We met on 3/7/2026 at 10:30.", "5 of 5!!",
        "Level 2 @ the studio", "On 2026-12-01 10:30?", "Look at it.We meet at 10.Come early",
        "at the dot matrix printer",
        "Op. 10 No. 3, then BWV 846 to 893",
    ],
)  # fmt: skip
def test_ordinary_numbers_stay(text: str) -> None:
    assert mask_contacts(text) == text


def test_long_text_is_quick() -> None:
    assert mask_contacts("1" * 1500) != ""
    assert mask_contacts("a." * 750) == "a." * 750
