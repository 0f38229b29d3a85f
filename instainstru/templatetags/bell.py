"""The number at the bell (Spec: S13.5)."""

from typing import Any

from django import template

from instainstru.bell import unread_count

register = template.Library()


@register.simple_tag
def unread_of(user: Any) -> int:
    """Return how much a signed-in person has not read: ``{% unread_of user as number %}``."""
    return unread_count(user.pk)
