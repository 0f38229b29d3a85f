"""The one tag that decides whether a control is shown (Spec: S5.2)."""

from django import template
from django.template import Context

from instainstru.access import has_permission

register = template.Library()


@register.simple_tag(takes_context=True)
def may(context: Context, permission: str, or_guest: bool = False) -> bool:
    """Tell whether the server would let this person do it: ``{% may "bookings.create" as x %}``.

    Whatever it refuses is not shown. ``or_guest=True`` keeps the control for guests where it leads
    them to sign-in and, after that, to what they wanted. Pages without a request know nobody.
    """
    request = context.get("request")
    user = getattr(request, "user", None)
    # Error pages ask nobody who they are: that may need the database which has failed.
    if request is None or user is None or context.get("is_anyone"):
        return False
    if not user.is_authenticated:
        return or_guest
    return has_permission(request, permission)
