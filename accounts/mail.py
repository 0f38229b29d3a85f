"""Mail of our own about accounts; ends in the outbox of the caller's transaction (Spec: R15)."""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.adapter import KIND_HEADER


def write_mail(kind: str, *, to: str, subject: str, **context: Any) -> None:
    """Write one mail from the twins ``templates/mail/<kind>.txt`` and ``.html``."""
    values = {"site_url": settings.SITE_URL, "subject": subject, "to": to, **context}
    text = render_to_string(f"mail/{kind}.txt", values).strip() + "\n"
    message = EmailMultiAlternatives(subject, text, to=[to], headers={KIND_HEADER: kind})
    message.attach_alternative(render_to_string(f"mail/{kind}.html", values), "text/html")
    message.send()
