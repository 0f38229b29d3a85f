"""``/messages/``: the conversations of a person, and one of them (Spec: S11.4)."""

from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.blocking import block_person
from accounts.models import User
from accounts.viewing import viewer_of
from accounts.zones import viewer_zone
from bookings.messages.forms import MessageForm, MessageReportForm
from bookings.messages.models import Message, Thread
from bookings.messages.selectors import (
    Pair,
    find_letter,
    find_pair,
    lesson_line,
    pair_of_lesson,
    pair_with_instructor,
    thread_rows,
    why_closed,
)
from bookings.messages.services import (
    ConversationClosedError,
    find_sent,
    may_begin,
    read_letters,
    report_letter,
    send_message,
)
from instainstru import clock
from instainstru.access import requires
from instainstru.errors import ApplicationError, NotFoundError, RateLimitedError
from instainstru.http import mark_private, name_the_wait, posted, see_other
from instainstru.ratelimit import MESSAGES, REPORTS, count_use, give_back, session_key_of

PAGE_SIZE = 20
SHOWN = 50
"""How many messages a page shows; earlier ones have pages of their own."""
WARNING = (
    "Sent. Keep booking and paying here: lessons outside InstaInstru have no refund and no support."
)


@requires("messages.send_own")
@require_safe
def threads(request: HttpRequest) -> HttpResponse:
    """List a person's conversations, the latest first."""
    return mark_private(render(request, "messages/list.html", _list(request)))


@requires("messages.send_own")
@require_http_methods(["GET", "HEAD", "POST"])
def thread(request: HttpRequest, thread: str) -> HttpResponse:
    """Show a conversation, and write in it."""
    pair = find_pair(by=cast("User", request.user), public_id=thread)
    return _conversation(request, pair)


@requires("messages.send_own")
@require_http_methods(["GET", "HEAD", "POST"])
def about_lesson(request: HttpRequest, code: str) -> HttpResponse:
    """Write to the other side of a lesson; leads to the conversation where there is one."""
    pair = pair_of_lesson(by=cast("User", request.user), code=code)
    return _begun(request, pair)


@requires("messages.send_own")
@require_http_methods(["GET", "HEAD", "POST"])
def to_instructor(request: HttpRequest, slug: str) -> HttpResponse:
    """Write to an instructor whose profile is live; leads to the conversation if there is one."""
    pair = pair_with_instructor(by=cast("User", request.user), slug=slug)
    return _begun(request, pair)


@requires("messages.send_own", page="messages:thread")
@require_POST
def read(request: HttpRequest, thread: str) -> HttpResponse:
    """Mark what was shown as read; scripts send it when a conversation opens."""
    pair = find_pair(by=cast("User", request.user), public_id=thread)
    read_letters(by=cast("User", request.user), pair=pair, up_to=request.POST.get("up_to", ""))
    if request.headers.get("HX-Request") == "true":
        return mark_private(render(request, "messages/read.html"))
    return see_other(reverse("messages:thread", args=[thread]))


@requires("messages.send_own", page="messages:thread")
@require_POST
def block(request: HttpRequest, thread: str) -> HttpResponse:
    """Shut the other side out; leads back to the conversation, which says so. Spec: S5.8."""
    by = cast("User", request.user)
    pair = find_pair(by=by, public_id=thread)
    block_person(by=by, person=pair.other_of(by))
    messages.success(request, f"You blocked {pair.other_name(by)}. Booked lessons stand.")
    return see_other(reverse("messages:thread", args=[thread]))


@requires("messages.send_own")
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, thread: str, letter: str) -> HttpResponse:
    """Take a report of a message into the staff's list; ``?sent=1`` shows the success."""
    by = cast("User", request.user)
    pair = find_pair(by=by, public_id=thread)
    found = find_letter(by=by, pair=pair, public_id=letter)
    form = MessageReportForm(posted(request))
    if form.is_bound and form.is_valid():
        count_use(REPORTS, session_key_of(request))
        report_letter(by=by, pair=pair, public_id=letter, **form.cleaned_data)
        return see_other(f"{request.path}?sent=1")
    context = {
        "form": form,
        "letter": found,
        "other": pair.other_name(by),
        "thread_url": reverse("messages:thread", args=[thread]),
        "block_url": reverse("messages:block", args=[thread]),
        "is_closed": bool(why_closed(pair, by)),
        "is_sent": request.GET.get("sent") == "1" and not form.is_bound,
        "zone": viewer_zone(request),
    }
    status = 422 if form.is_bound else 200
    return mark_private(render(request, "messages/report.html", context, status=status))


# --- One conversation -----------------------------------------------------------------------------
def _begun(request: HttpRequest, pair: Pair) -> HttpResponse:
    if pair.thread is not None and request.method != "POST":
        return redirect("messages:thread", pair.thread.public_id)
    if pair.thread is None and not may_begin(cast("User", request.user), pair):
        raise NotFoundError("We couldn't find this conversation.")
    return _conversation(request, pair)


def _conversation(request: HttpRequest, pair: Pair) -> HttpResponse:
    form, status, error = MessageForm(posted(request)), 200, None
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                return _send(request, pair, form)
            except (RateLimitedError, ConversationClosedError) as refusal:
                error, status = refusal, refusal.status
                form.add_error(None, refusal.message)
    context = _context(request, pair, form) | {"refusal": error}
    page = mark_private(render(request, "messages/thread.html", context, status=status))
    return name_the_wait(page, error)


def _send(request: HttpRequest, pair: Pair, form: MessageForm) -> HttpResponse:
    """Write the message; what the form has sent already counts once against the limit."""
    by = cast("User", request.user)
    text, key = form.cleaned_data["text"], form.cleaned_data["key"]
    letter = find_sent(by=by, pair=pair, key=key)
    if letter is None:
        use = count_use(MESSAGES, session_key_of(request))
        try:
            sent = send_message(by=by, pair=pair, text=text, key=key)
        except ApplicationError:
            give_back(use)
            raise
        if not sent.is_new:
            give_back(use)
        letter = sent.letter
        _tell_of_contacts(request, letter, has_contacts=sent.has_contacts)
    return see_other(_newest_url(letter))


def _newest_url(letter: Message) -> str:
    return reverse("messages:thread", args=[letter.thread.public_id]) + "#newest"


def _tell_of_contacts(request: HttpRequest, letter: Message, *, has_contacts: bool) -> None:
    if letter.is_masked:
        words = "Sent. Numbers, addresses and links stay hidden until the first paid lesson."
        messages.warning(request, words)
    elif has_contacts:
        messages.warning(request, WARNING)


def _context(request: HttpRequest, pair: Pair, form: MessageForm) -> dict[str, Any]:
    by, now = cast("User", request.user), clock.now()
    context: dict[str, Any] = {
        "pair": pair,
        "other": pair.other_name(by),
        "is_student": pair.is_student(by),
        "form": form,
        "closed": why_closed(pair, by),
        "has_blocked": by.blocks.filter(person=pair.other_of(by)).exists(),
        "line": lesson_line(pair, by, now),
        "zone": viewer_zone(request),
        "can_read": viewer_of(request) is None,
    }
    if pair.thread is None:
        return context
    return context | _list(request) | _letters(request, pair.thread, by)


def _letters(request: HttpRequest, thread: Thread, by: User) -> dict[str, Any]:
    """Return the newest messages in their order, or those before one of them."""
    rows = thread.letters.order_by("-pk")
    before_id = request.GET.get("before", "").replace("\0", "")
    before = thread.letters.filter(public_id=before_id).first()
    if before is not None:
        rows = rows.filter(pk__lt=before.pk)
    found = list(rows[: SHOWN + 1])
    shown = found[:SHOWN][::-1]
    unread = [row for row in shown if row.recipient_id == by.pk and row.read_at is None]
    return {
        "shown": shown,
        "earlier": shown[0].public_id if len(found) > SHOWN else "",
        "is_newest": before is None,
        "first_unread": unread[0].pk if unread else None,
        "unread_here": len(unread),
        "up_to": shown[-1].public_id if shown else "",
    }


def _list(request: HttpRequest) -> dict[str, Any]:
    by = cast("User", request.user)
    rows = Thread.objects.of(by).with_people().with_unread(by).newest_first()
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return {
        "page": page,
        "rows": thread_rows(page.object_list, by, clock.now()),
        "unread": Message.objects.unread_of(by.pk).count(),
        "zone": viewer_zone(request),
    }
