"""The page on which somebody reports a profile (Spec: S10.5)."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from bookings.notifications.interest import report_profile
from catalog.interest_forms import email_field
from catalog.models import Instructor, ProfileReport
from instainstru import ratelimit
from instainstru.access import public
from instainstru.errors import ConflictError
from instainstru.http import mark_private, posted
from instainstru.ratelimit import count_use

SHORTEST, LONGEST = 20, 2000


class ReportForm(forms.Form):
    """What is wrong with a profile."""

    kind = forms.ChoiceField(
        label="What is wrong?",
        choices=ProfileReport.Kind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what is wrong."},
    )
    text = forms.CharField(
        label="What did you see?",
        help_text=f"In {SHORTEST} to {LONGEST:,} characters. Only our team reads it.",
        min_length=SHORTEST,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={
            "required": "Say what you saw.",
            "min_length": f"Use at least {SHORTEST} characters.",
            "max_length": f"Use at most {LONGEST:,} characters.",
        },
    )


class GuestReportForm(ReportForm):
    """The same from somebody we could not ask back otherwise."""

    email = email_field(required=False, help_text="If we may ask you about it.")


@public
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a report of a profile into the staff's list; ``?sent=1`` shows the success."""
    person = get_object_or_404(Instructor.objects.public_pages(), slug=slug)
    user = request.user if request.user.is_authenticated else None
    if user is not None and user.pk == person.user_id:
        raise ConflictError("This is your own profile. Change it instead of reporting it.")
    form = (GuestReportForm if user is None else ReportForm)(posted(request))
    if request.method == "POST" and form.is_valid():
        count_use(ratelimit.REPORTS, ratelimit.session_key_of(request))
        report_profile(by=user, instructor=person, **form.cleaned_data)
        return redirect(f"{request.path}?sent=1")
    context: dict[str, Any] = {
        "person": person,
        "form": form,
        "is_blocked": user is not None and user.blocks.filter(person=person.user_id).exists(),
        "is_sent": request.GET.get("sent") == "1" and not form.is_bound,
    }
    status = 422 if form.is_bound else 200
    return mark_private(render(request, "pages/profile_report.html", context, status=status))
