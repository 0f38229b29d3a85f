"""The zone of whoever looks at a page (Spec: S12.3)."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest

from instainstru.clock import NEW_YORK

COOKIE = "zone"
MAX_LENGTH = 64


def viewer_zone(request: HttpRequest) -> ZoneInfo:
    """Return the zone of the profile, else the one the browser named, else New York.

    The cookie is written by the browser and decides nothing but how an instant is printed.
    """
    saved = request.user.zone if request.user.is_authenticated else ""
    return named_zone(saved) or named_zone(request.COOKIES.get(COOKIE, "")) or NEW_YORK


def named_zone(name: str) -> ZoneInfo | None:
    """Return the IANA zone of this name, or None for anything else."""
    if not name or len(name) > MAX_LENGTH or not name.isascii():
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
