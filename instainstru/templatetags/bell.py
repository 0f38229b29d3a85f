"""The number at the bell (Spec: S13.5)."""

from typing import Any

from django import template

from instainstru.bell import shown_count, unread_count

register = template.Library()


@register.simple_tag
def unread_of(user: Any, is_swapped: object = None) -> int:
    """Return how much a signed-in person has not read: ``{% unread_of user as number %}``.

    A bell that is swapped in says what is left after the person has just read something.
    """
    return unread_count(user.pk) if is_swapped else shown_count(user.pk)
