"""Pages that are the same for everybody: who we are, how it works, terms, privacy, contact."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_http_methods, require_safe

from bookings.notifications.interest import offer_to_teach, send_contact_message
from bookings.notifications.models import ContactMessage
from catalog.interest_forms import NeighborhoodField, email_field
from catalog.models import Instructor, Policy, Service
from instainstru import ratelimit
from instainstru.access import public
from instainstru.http import mark_private, posted
from instainstru.ratelimit import count_use

ALL = 100


class ContactForm(forms.Form):
    """What somebody wants to tell us."""

    name = forms.CharField(
        label="Your name",
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Enter your name."},
    )
    email = email_field()
    topic = forms.ChoiceField(label="What is it about?", choices=ContactMessage.Topic.choices)
    text = forms.CharField(
        label="Your message",
        help_text="With the booking code if it is about a lesson. Up to 2,000 characters.",
        min_length=10,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={
            "required": "Write what it is about.",
            "min_length": "Use at least 10 characters.",
            "max_length": "Use at most 2,000 characters.",
        },
    )


class TeachingForm(forms.Form):
    """Who would like to teach what, and where."""

    first_name = forms.CharField(
        label="First name",
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
        error_messages={"required": "Enter your first name."},
    )
    email = email_field()
    teaches = forms.CharField(
        label="What do you teach?",
        max_length=120,
        min_length=2,
        error_messages={
            "required": "Say what you teach.",
            "min_length": "Use at least 2 characters.",
            "max_length": "Use at most 120 characters.",
        },
    )
    neighborhood = NeighborhoodField(label="Your neighborhood")


@public
@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """Show who runs this and what it promises."""
    policy = Policy.objects.current()
    context = {
        "policy": policy,
        "service_count": Service.objects.active().count(),
        "instructor_count": Instructor.objects.live().count(),
        "instructor_share": ALL - policy.fee_standard_pct,
        "founding_share": ALL - policy.fee_founding_pct,
    }
    return render(request, "pages/about.html", context)


@public
@require_safe
def how_it_works(request: HttpRequest) -> HttpResponse:
    """Show the way from a wish to a lesson."""
    return render(request, "pages/how_it_works.html", {"policy": Policy.objects.current()})


@public
@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: HttpRequest) -> HttpResponse:
    """Take a message for support. Spec: 03 section 4."""
    form = ContactForm(posted(request), initial=_known(request))
    if request.method == "POST" and form.is_valid():
        count_use(ratelimit.CONTACT, ratelimit.address_key_of(request))
        send_contact_message(**form.cleaned_data)
        return redirect(f"{request.path}?sent=1")
    return _form_page(request, "pages/contact.html", form)


def _known(request: HttpRequest) -> dict[str, Any]:
    known: dict[str, Any] = {"topic": request.GET.get("topic")}
    if request.user.is_authenticated:
        user = request.user
        known |= {"name": user.full_name, "email": user.email, "first_name": user.first_name}
    return known


@public
@require_http_methods(["GET", "HEAD", "POST"])
def teach_start(request: HttpRequest) -> HttpResponse:
    """Explain teaching here and take the wish to do it. Spec: 03 section 4."""
    form = TeachingForm(posted(request), initial=_known(request))
    if request.method == "POST" and form.is_valid():
        count_use(ratelimit.TEACHING_INTEREST, ratelimit.address_key_of(request))
        offer_to_teach(**form.cleaned_data)
        return redirect(f"{request.path}?sent=1")
    policy: Any = Policy.objects.with_founding_spots().order_by("-pk")[0]
    more = {"policy": policy, "spots_left": policy.founding_spots_left}
    return _form_page(request, "pages/teach_start.html", form, more)


def _form_page(
    request: HttpRequest, template: str, form: forms.Form, more: dict[str, Any] | None = None
) -> HttpResponse:
    is_sent = request.GET.get("sent") == "1" and not form.is_bound
    context = {"form": form, "is_sent": is_sent, **(more or {})}
    return mark_private(render(request, template, context, status=422 if form.is_bound else 200))


@public
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """Show who contracts with whom and what a cancellation costs (Spec: 05 section 4)."""
    return render(request, "pages/legal_terms.html", {"policy": Policy.objects.current()})


@public
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Show what is stored, why, and who sees it."""
    return render(request, "pages/legal_privacy.html")


@public
@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """Show what we hold ourselves to and how to tell us about a barrier."""
    return render(request, "pages/accessibility.html")


legal_urlpatterns = [
    path("legal/terms/", terms, name="terms"),
    path("legal/privacy/", privacy, name="privacy"),
    path("accessibility/", accessibility, name="accessibility"),
]

urlpatterns = [
    path("about/", about, name="about"),
    path("how-it-works/", how_it_works, name="how-it-works"),
    path("contact/", contact, name="contact"),
    path("teach/start/", teach_start, name="teach-start"),
]
