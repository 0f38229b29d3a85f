"""Pages that are the same for everybody: terms, privacy, accessibility."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from catalog.models import Policy
from instainstru.access import public


@public
def terms(request: HttpRequest) -> HttpResponse:
    """Show who contracts with whom and what a cancellation costs (Spec: 05 section 4)."""
    return render(request, "pages/legal_terms.html", {"policy": Policy.objects.current()})


@public
def privacy(request: HttpRequest) -> HttpResponse:
    """Show what is stored, why, and who sees it."""
    return render(request, "pages/legal_privacy.html")


@public
def accessibility(request: HttpRequest) -> HttpResponse:
    """Show what we hold ourselves to and how to tell us about a barrier."""
    return render(request, "pages/accessibility.html")


urlpatterns = [
    path("legal/terms/", terms, name="terms"),
    path("legal/privacy/", privacy, name="privacy"),
    path("accessibility/", accessibility, name="accessibility"),
]
