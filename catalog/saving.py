"""Which hearts of a page are filled (Spec: S9.5)."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from catalog.models import Favorite
from instainstru.access import has_permission

SAVE = "favorites.manage_own"


def mark_saved(request: HttpRequest, cards: Sequence[dict[str, Any]]) -> None:
    """Tell each card whether this person keeps the instructor; guests' cards link to the question.

    Cards of people who may not save anybody get no heart. One query for those who may.
    """
    if not request.user.is_authenticated or not cards:
        return
    if not has_permission(request, SAVE):
        for card in cards:
            card["slug"] = ""
        return
    slugs = [card["slug"] for card in cards]
    kept = set(
        Favorite.objects.filter(user=request.user, instructor__slug__in=slugs).values_list(
            "instructor__slug", flat=True
        )
    )
    for card in cards:
        card["saved"] = card["slug"] in kept
