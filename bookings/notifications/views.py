"""``/dev/mail/``: what the site would have sent, to read on INT and STG (Spec: G15)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header

from bookings.notifications.models import OutgoingMail
from bookings.notifications.transport import attachment_bytes
from instainstru.access import public
from instainstru.http import mark_private

PAGE_SIZE = 50
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

View = Callable[..., HttpResponse]


def test_data_only(view: View) -> View:
    """Answer 404 on PROD: mails of real people are nobody else's to read."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if settings.IS_PROD:
            raise Http404
        return mark_private(view(request, *args, **kwargs))

    return wrapped


_MAIL_WORDS = {
    "title": "Mail sent by this site",
    "label": "Mail",
    "column": "Subject",
    "noun": "messages",
}


@public
@test_data_only
def mail_list(request: HttpRequest) -> HttpResponse:
    """List the mails, newest first."""
    pages = Paginator(OutgoingMail.objects.newest_first().defer("html", "attachments"), PAGE_SIZE)
    page = pages.get_page(request.GET.get("page"))
    return render(request, "notifications/mail_list.html", {"page": page, **_MAIL_WORDS})


@public
@test_data_only
def mail_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show one mail as text, with its attachments."""
    mail = get_object_or_404(OutgoingMail, public_id=public_id)
    return render(request, "notifications/mail_detail.html", {"mail": mail})


@public
@test_data_only
def mail_html(request: HttpRequest, public_id: str) -> HttpResponse:
    """Answer the HTML twin as its reader gets it; the policy allows inline styles and no script."""
    mail = get_object_or_404(OutgoingMail, public_id=public_id)
    response = HttpResponse(mail.html)
    response["Content-Security-Policy"] = MAIL_POLICY
    return response


@public
@test_data_only
def mail_attachment(request: HttpRequest, public_id: str, index: int) -> HttpResponse:
    """Download one attachment."""
    mail = get_object_or_404(OutgoingMail, public_id=public_id)
    if index >= len(mail.attachments):
        raise Http404
    attachment = mail.attachments[index]
    response = HttpResponse(attachment_bytes(attachment), content_type=attachment["content_type"])
    disposition = content_disposition_header(as_attachment=True, filename=attachment["name"])
    response["Content-Disposition"] = disposition or "attachment"
    return response
