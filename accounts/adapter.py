"""The account behaviour that differs from allauth's own (Spec: 02 section 1, S17.2, S17.8)."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import sign_in_hooks
from accounts.guests import forget_guest_key
from accounts.models import User
from accounts.reauthentication import is_fresh
from accounts.sessions import begin_session, end_sessions
from accounts.sign_in_limits import normalized_email
from instainstru.http import client_network
from instainstru.page_store.versions import bump, of_person
from instainstru.ratelimit import VERIFICATION_MAIL, count_use

KIND_HEADER = "X-Mail-Kind"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Links from settings, one answer for every failed sign-in, guests followed into accounts."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "That e-mail and password don't match.",
        "incorrect_code": "That code doesn't match the one we sent. Check the e-mail.",
        "incorrect_password": "That password isn't right.",
        "enter_current_password": "That isn't your current password.",
        "invalid_password_reset": "This link has been used or is older than 30 minutes.",
        "too_many_login_attempts": "That code was wrong 3 times. Sign in and we'll send a new one.",
    }

    # --- Where people go ---
    def is_safe_url(self, url: str) -> bool:
        """Accept only paths of this site; every other ``next`` is dropped (Spec: S17.10)."""
        is_path = url.startswith("/") and not url.startswith("//")
        return is_path and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the reset link on our own address, whatever host the request named."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return f"{settings.SITE_URL}{path.replace('UID-KEY', key)}"

    def is_ajax(self, request: HttpRequest) -> bool:
        """Always answer pages; no header turns an answer into JSON."""
        return False

    # --- Who may come in ---
    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return the user, or None alike for unknown, wrong and inactive (Spec: S17.2)."""
        user: User | None = super().authenticate(request, **credentials)
        if user is not None and user.is_active:
            return user
        request.was_guess_wrong = True  # type: ignore[attr-defined]
        return None

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in under a new session id and let the account take over what the guest had."""
        super().login(request, user)
        begin_session(request.session)
        guest_key = getattr(request, "guest_key", None)
        if guest_key is not None:
            sign_in_hooks.guest_signed_in(user, guest_key)
            forget_guest_key(request)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask again for any sensitive step 15 minutes after the last proof (Spec: S17.2)."""
        return not is_fresh(context.request)

    def set_password(self, user: User, password: str) -> None:
        """Save a new password, which signs the person out everywhere at once (Spec: S17.2)."""
        super().set_password(user, password)
        end_sessions(user)
        bump(of_person(user.pk))

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the client's network, which is all that is stored (Spec: 02 section 1)."""
        return client_network(request)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Lead to sign-in: the new password is asked for at once."""
        return reverse("account_login")

    def respond_email_verification_sent(
        self, request: HttpRequest, user: User | None
    ) -> HttpResponse:
        """Ask for the code; a held time gets longer, for new and for known addresses alike."""
        guest_key = getattr(request, "guest_key", None)
        if guest_key is not None:
            sign_in_hooks.verification_started(guest_key)
        response: HttpResponse = super().respond_email_verification_sent(request, user)
        return response

    # --- Mail ---
    def format_email_subject(self, subject: str) -> str:
        """Return the subject as written; no prefix from the Host header."""
        return subject

    def send_confirmation_mail(self, request: HttpRequest, process: Any, signup: bool) -> None:
        """Send a code, unless the address got many already; see the next method."""
        count_use(VERIFICATION_MAIL, normalized_email(process.email_address.email))
        super().send_confirmation_mail(request, process, signup)

    def send_account_already_exists_mail(self, email: str) -> None:
        """Tell the owner that somebody used the address; limited like a code for a new one."""
        count_use(VERIFICATION_MAIL, normalized_email(email))
        super().send_account_already_exists_mail(email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write a mail whose addresses all come from ``SITE_URL`` (Spec: 02 section 1)."""
        values = {
            **context,
            "to": email,
            "site_url": settings.SITE_URL,
            "sign_up_url": settings.SITE_URL + reverse("account_signup"),
            "sign_in_url": settings.SITE_URL + reverse("account_login"),
            "reset_url": settings.SITE_URL + reverse("account_reset_password"),
        }
        # The frame names the document by it.
        values["subject"] = render_to_string(f"{template_prefix}_subject.txt", values).strip()
        kind = template_prefix.removeprefix("account/email/")
        self.render_mail(template_prefix, email, values, headers={KIND_HEADER: kind}).send()
