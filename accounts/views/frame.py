"""What all pages about one's own account share: tabs, statuses, headers."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse

from instainstru.http import mark_private

View = Callable[..., HttpResponse]

OWN = "account.manage_own"
SECURITY = "accounts:security"
TABS = (
    ("accounts:settings", "Settings"),
    ("accounts:learners", "Learners"),
    ("addresses:list", "Addresses"),
    ("accounts:notifications", "Notifications"),
    (SECURITY, "Login and security"),
    ("access", "Access"),
    ("lessons:calendar-settings", "Calendar"),
)


def tabs_of(current: str) -> list[dict[str, Any]]:
    """Return the links between the account pages; ``current`` is the URL name of one."""
    return [
        {"url": reverse(name), "label": label, "current": name == current} for name, label in TABS
    ]


def entrance(view: View) -> View:
    """Make an allauth view ours: one transaction, 422 for bad input, never cached (Spec: G2)."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():
            response = view(request, *args, **kwargs)
        if request.method == "POST" and isinstance(response, TemplateResponse):
            context = response.context_data or {}
            if getattr(context.get("form"), "errors", None):
                response.status_code = 422
        return mark_private(response)

    return wrapped


def in_account(view: View, *, tab: str = SECURITY) -> View:
    """Show an allauth view inside the account pages."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if isinstance(response, TemplateResponse):
            response.context_data = {**(response.context_data or {}), "tabs": tabs_of(tab)}
        return response

    return entrance(wrapped)


def account_page(
    request: HttpRequest, template: str, context: dict[str, Any], *, tab: str, status: int = 200
) -> HttpResponse:
    """Render a page of the account, never cached."""
    context = {**context, "tabs": tabs_of(tab)}
    return mark_private(render(request, template, context, status=status))
