"""What people sent us: reports, messages, wishes, ideas; and what is wanted most."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from bookings.messages.models import MessageReport
from bookings.notifications.models import ContactMessage
from catalog.inbox import decide
from catalog.models import (
    Neighborhood,
    ProfileReport,
    Service,
    ServiceSuggestion,
    TeachingInterest,
)
from instainstru.access import has_permission, requires_any
from instainstru.errors import ValidationFailedError
from instainstru.http import mark_private

PAGE_SIZE = 50
MOST_WANTED = 10


@dataclass(frozen=True)
class Queue:
    """One list of the inbox: who may read it, and its rows."""

    label: str
    columns: tuple[str, str]
    permission: str
    rows: Callable[[], Any]
    empty: str


QUEUES = {
    "reports": Queue(
        "Reports of profiles", ("Profile", "Report"), "reviews.moderate",
        ProfileReport.objects.newest_first, "Nobody has reported a profile.",
    ),
    "message-reports": Queue(
        "Reports of messages", ("Writer", "Report"), "reviews.moderate",
        MessageReport.objects.newest_first, "Nobody has reported a message.",
    ),
    "suggestions": Queue(
        "Suggestions", ("Service", "Note"), "catalog.manage",
        ServiceSuggestion.objects.newest_first, "Nobody has suggested a service yet.",
    ),
    "teaching": Queue(
        "Wishes to teach", ("Who", "Teaches"), "instructors.verify",
        TeachingInterest.objects.newest_first, "Nobody has asked to teach yet.",
    ),
    "messages": Queue(
        "Messages", ("From", "Message"), "users.view",
        ContactMessage.objects.newest_first, "Nobody has written yet.",
    ),
}  # fmt: skip

READERS = tuple(dict.fromkeys(queue.permission for queue in QUEUES.values()))


@requires_any(*READERS)
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Lead to the first list that the person may read."""
    readable = (kind for kind, row in QUEUES.items() if has_permission(request, row.permission))
    return redirect("staff-inbox", next(readable))


@requires_any(*READERS)
@require_safe
def inbox(request: HttpRequest, kind: str) -> HttpResponse:
    """Show one list, what waits first."""
    return _page(request, kind, _queue(request, kind))


@requires_any(*READERS)
@require_POST
def handle(request: HttpRequest, kind: str, public_id: str) -> HttpResponse:
    """Mark a row as done with what was decided, or open it again. Spec: S5.9, S5.10."""
    queue = _queue(request, kind)
    row = get_object_or_404(queue.rows(), public_id=public_id)
    reason = request.POST.get("reason", "")
    by, is_done = cast("User", request.user), request.POST.get("to") != "open"
    try:
        decide(row, by=by, is_done=is_done, reason=reason)
    except ValidationFailedError as error:
        problem = {"id": public_id, "text": error.message, "reason": reason}
        return _page(request, kind, queue, problem=problem, status=422)
    return redirect("staff-inbox", kind)


def _page(
    request: HttpRequest,
    kind: str,
    queue: Queue,
    *,
    problem: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    page = Paginator(queue.rows(), PAGE_SIZE).get_page(request.GET.get("page"))
    tabs = [
        {
            "url": reverse("staff-inbox", args=[name]),
            "label": other.label,
            "count": other.rows().filter(handled_at__isnull=True).count(),
            "current": name == kind,
        }
        for name, other in QUEUES.items()
        if has_permission(request, other.permission)
    ]
    context = {"kind": kind, "queue": queue, "page": page, "tabs": tabs, "problem": problem}
    if problem:
        href = f"#reason-{problem['id']}"
        context["errors"] = [{"href": href, "text": problem["text"]}]
        context["page_error"] = True
    if kind == "suggestions":
        context |= {"services": _wanted_services(), "places": _wanted_places()}
    return mark_private(render(request, "pages/staff_inbox.html", context, status=status))


def _queue(request: HttpRequest, kind: str) -> Queue:
    queue = QUEUES.get(kind)
    if queue is None:
        raise Http404("no such list")
    if not has_permission(request, queue.permission):
        raise PermissionDenied(queue.permission)
    return queue


def _wanted_services() -> list[Any]:
    waiting = Count("alerts", filter=Q(alerts__notified_at__isnull=True))
    rows = Service.objects.annotate(waiting=waiting).filter(waiting__gt=0)
    return list(rows.select_related("category").order_by("-waiting", "name")[:MOST_WANTED])


def _wanted_places() -> list[Any]:
    waiting = Count("waitlist", filter=Q(waitlist__notified_at__isnull=True))
    rows = Neighborhood.objects.annotate(waiting=waiting).filter(waiting__gt=0)
    return list(rows.order_by("-waiting", "name")[:MOST_WANTED])
