"""How a stored mail leaves: by ``EMAIL_URL``, or, on INT and STG, not at all (Spec: G15)."""

import base64
from email.mime.base import MIMEBase
from typing import Any, Self
from urllib.parse import urlsplit

import environ
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from bookings.notifications.models import OutgoingMail
from bookings.notifications.relay import KeptForReading, Transport

TIMEOUT_SECONDS = 10
KEYWORDS = {
    "EMAIL_HOST": "host",
    "EMAIL_PORT": "port",
    "EMAIL_HOST_USER": "username",
    "EMAIL_HOST_PASSWORD": "password",
    "EMAIL_USE_TLS": "use_tls",
    "EMAIL_USE_SSL": "use_ssl",
    "EMAIL_FILE_PATH": "file_path",
}


class MailServer:
    """Sends through the server of ``EMAIL_URL``; the connection opens with the first mail."""

    def __init__(self, url: str) -> None:
        self._connection = connection_to(url)

    def send(self, mail: OutgoingMail) -> None:
        """Send one mail; raise when the server did not take it."""
        if not self._connection.send_messages([as_message(mail)]):
            raise ConnectionError("The mail server took no message.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._connection.close()


def open_transport() -> Transport[OutgoingMail] | None:
    """Return the configured transport, or None on PROD without a mail server."""
    if settings.EMAIL_URL:
        return MailServer(settings.EMAIL_URL)
    return None if settings.IS_PROD else KeptForReading()


def connection_to(url: str) -> BaseEmailBackend:
    """Return Django's mail connection for a URL such as ``smtp+tls://user:key@host:587``."""
    config: dict[str, Any] = environ.Env.email_url_config(url)
    options = {name: config[key] for key, name in KEYWORDS.items() if config.get(key)}
    if "smtp" in config["EMAIL_BACKEND"]:
        options["timeout"] = TIMEOUT_SECONDS
    connection: BaseEmailBackend = get_connection(config["EMAIL_BACKEND"], **options)
    return connection


def as_message(mail: OutgoingMail) -> EmailMultiAlternatives:
    """Build the message; its id is the row's, so that a repeated send can be recognised."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    headers = {"Message-ID": f"<{mail.public_id}@{host}>"}
    if mail.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message = EmailMultiAlternatives(
        mail.subject, mail.text, settings.DEFAULT_FROM_EMAIL, [mail.to], headers=headers
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    for attachment in mail.attachments:
        message.attach(_part(attachment))
    return message


def _part(attachment: dict[str, str]) -> MIMEBase:
    """Keep the parameters of the content type: calendar files need ``method=``."""
    part = MIMEBase("application", "octet-stream")
    part.replace_header("Content-Type", attachment["content_type"])
    part.set_payload(attachment["base64"])
    part["Content-Transfer-Encoding"] = "base64"
    part.add_header("Content-Disposition", "attachment", filename=attachment["name"])
    return part


def attachment_bytes(attachment: dict[str, str]) -> bytes:
    """Return the content of a stored attachment."""
    return base64.b64decode(attachment["base64"])
