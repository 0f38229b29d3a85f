"""Saving instructors, waiting for places and services, suggesting: each form on its own page.

Pages that are stored for everybody link here; where scripts run the form is pulled into them.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.guests import ensure_guest_key
from accounts.models import User
from catalog import interest
from catalog.interest_forms import AlertForm, SuggestionForm, WaitlistForm
from catalog.models import Favorite, Instructor, Neighborhood, Offering, Service
from catalog.saving import SAVE
from instainstru import ratelimit
from instainstru.access import has_permission, public, sign_in_redirect
from instainstru.http import is_one_click, mark_private, posted, render_page_or_fragment
from instainstru.ratelimit import count_use


# --- Favorites ------------------------------------------------------------------------------------
@public
@require_http_methods(["GET", "HEAD", "POST"])
def favorite(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask whether to keep an instructor, or change it; guests are sent to sign-in and keep them.

    Spec: S9.5
    """
    person = get_object_or_404(Instructor.objects.public_pages(), slug=slug)
    if not request.user.is_authenticated:
        return mark_private(_favorite_of_guest(request, person))
    if not has_permission(request, SAVE):
        raise PermissionDenied(SAVE)
    user = request.user
    if request.method == "POST":
        return mark_private(_change_favorite(request, user, person))
    is_saved = Favorite.objects.filter(user=user, instructor=person).exists()
    context = {"person": person, "is_saved": is_saved}
    return mark_private(
        render_page_or_fragment(request, "catalog/favorite.html", context, fragment="favorite")
    )


def _favorite_of_guest(request: HttpRequest, person: Instructor) -> HttpResponse:
    if request.method == "POST":
        guest_key = ensure_guest_key(request)
        interest.keep_favorite_for_guest(guest_key=guest_key, instructor=person)
        return sign_in_redirect(request, reverse("favorites"))
    context = {"person": person, "is_saved": False}
    return render_page_or_fragment(request, "catalog/favorite.html", context, fragment="favorite")


def _change_favorite(request: HttpRequest, user: User, person: Instructor) -> HttpResponse:
    name = person.display_name
    if not getattr(request, "htmx", False):
        is_saved = interest.toggle_favorite(by=user, instructor=person)
        messages.success(request, f"Saved {name}." if is_saved else f"Removed {name} from saved.")
        return redirect("favorites")
    context: dict[str, Any] = {"slug": person.slug, "name": name}
    try:
        context["saved"] = interest.toggle_favorite(by=user, instructor=person)
    except interest.TooManyFavoritesError as error:
        context |= {"saved": False, "problem": error.message}
    status = 409 if "problem" in context else 200
    return render(request, "components/save_button.html", context, status=status)


# --- Waitlist, alerts -----------------------------------------------------------------------------
@public
@require_http_methods(["GET", "HEAD", "POST"])
def waitlist(request: HttpRequest) -> HttpResponse:
    """Take an address for a neighborhood; the answer never tells whether it was known. Spec: S9.4.

    ``?joined=`` shows the success after the redirect.
    """
    form = WaitlistForm(
        posted(request),
        initial={"neighborhood": request.GET.get("neighborhood")},
        auto_id="waitlist_%s",
    )
    if request.method == "POST" and form.is_valid():
        count_use(ratelimit.WAITLIST, ratelimit.address_key_of(request))
        interest.join_waitlist(**form.cleaned_data)
        place = form.cleaned_data["neighborhood"]
        if not getattr(request, "htmx", False):
            return redirect(f"{reverse('waitlist')}?{urlencode({'joined': place.slug})}")
        return _waitlist_page(request, {"joined": place})
    joined = Neighborhood.objects.filter(slug=_word(request.GET.get("joined"))).first()
    status = 422 if form.is_bound else 200
    return _waitlist_page(request, {"form": form, "joined": joined}, status=status)


def _waitlist_page(
    request: HttpRequest, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    if context["joined"]:
        context["count"] = Instructor.objects.live().serving(context["joined"]).count()
    return mark_private(
        render_page_or_fragment(
            request, "catalog/waitlist.html", context, fragment="waitlist", status=status
        )
    )


def _word(value: str | None) -> str:
    """Return text that the database can compare."""
    return (value or "").replace("\x00", "")[:120]


@public
@require_http_methods(["GET", "HEAD", "POST"])
def notify(request: HttpRequest, slug: str) -> HttpResponse:
    """Take an address that wants to hear of the first instructor of a service. Spec: S7.5."""
    service = get_object_or_404(Service.objects.active().select_related("category"), slug=slug)
    count = Offering.objects.bookable().filter(service=service).count()
    return _take_address(
        request,
        "catalog/notify.html",
        {"service": service, "count": count},
        lambda email: interest.request_alert(email=email, service=service),
    )


@public
@require_http_methods(["GET", "HEAD", "POST"])
def notify_return(request: HttpRequest, slug: str) -> HttpResponse:
    """Take an address that wants to hear when a paused instructor is back. Spec: S10.3."""
    rows = Instructor.objects.public_pages().select_related("user")
    person = get_object_or_404(rows, slug=slug)
    return _take_address(
        request,
        "catalog/notify_return.html",
        {"person": person, "is_back": person.status == Instructor.Status.LIVE},
        lambda email: interest.request_return(email=email, instructor=person),
    )


def _take_address(
    request: HttpRequest, template: str, context: dict[str, Any], ask: Callable[[str], None]
) -> HttpResponse:
    """Answer a page that takes one address; ``?asked=1`` shows the success after the redirect."""
    known = request.user.email if request.user.is_authenticated else ""
    form = AlertForm(posted(request), initial={"email": known}, auto_id="alert_%s")
    is_done = request.GET.get("asked") == "1"
    if request.method == "POST" and form.is_valid():
        count_use(ratelimit.ALERTS, ratelimit.address_key_of(request))
        ask(form.cleaned_data["email"])
        if not getattr(request, "htmx", False):
            return redirect(f"{request.path}?asked=1")
        is_done = True
    status = 422 if form.is_bound and not is_done else 200
    context |= {"form": form, "is_done": is_done}
    return mark_private(
        render_page_or_fragment(request, template, context, fragment="notify", status=status)
    )


@public
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def stop_mail(request: HttpRequest, token: str) -> HttpResponse:
    """Take an address off a list by the link of the mail: one press, no sign-in. Spec: S9.4, S7.5.

    Opening the link changes nothing, because mail programs open links by themselves; they POST when
    somebody presses their own button (RFC 8058), and the token in the address is what allows it.
    """
    row = interest.find_waiting(token)
    if request.method == "POST" and row is not None:
        row.delete()
        if is_one_click(request):
            return HttpResponse(status=200)
        return redirect(f"{request.path}?removed=1")
    context = {"row": row, "is_removed": row is None and request.GET.get("removed") == "1"}
    status = 200 if row is not None or context["is_removed"] else 404
    return mark_private(render(request, "catalog/stop_mail.html", context, status=status))


# --- Suggestions ----------------------------------------------------------------------------------
@public
@require_http_methods(["GET", "HEAD", "POST"])
def suggest(request: HttpRequest) -> HttpResponse:
    """Take a service that somebody missed. Spec: S7.3."""
    form = SuggestionForm(posted(request), initial={"name": _word(request.GET.get("name"))[:80]})
    if request.method == "POST" and form.is_valid():
        count_use(ratelimit.SERVICE_SUGGESTIONS, ratelimit.session_key_of(request))
        if not request.user.is_authenticated:
            ensure_guest_key(request)  # the next one counts for this guest, not for the address
        interest.suggest_service(**form.cleaned_data)
        return redirect(f"{reverse('catalog:suggest')}?thanks=1")
    context = {"form": form, "is_done": request.GET.get("thanks") == "1" and not form.is_bound}
    status = 422 if form.is_bound else 200
    return mark_private(render(request, "catalog/suggest.html", context, status=status))
