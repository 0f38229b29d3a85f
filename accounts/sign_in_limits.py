"""How many wrong passwords an account may get before it has to wait (Spec: S17.2, S17.4).

django-axes writes down every failure in the database; this module asks its rows and answers. What
one network address may try is a limit like any other (``ratelimit.SIGN_IN_ADDRESS``).
"""

import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt, AccessFailureLog
from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from instainstru import clock
from instainstru.ratelimit import (
    SECOND_STEP,
    SIGN_IN_ADDRESS,
    address_key_of,
    count_use,
    give_back,
    refuse_for,
)

KEPT_FAILURES = timedelta(hours=24)
MAX_LENGTH = 255

View = Callable[..., HttpResponse]


def normalized_email(text: str) -> str:
    """Return one spelling for all that name the same account; safe for the database."""
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    return plain.replace("\x00", "")[:MAX_LENGTH]


def account_of_try(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the account that axes counts a try for, whether or not it exists."""
    return normalized_email(str((credentials or {}).get("email") or ""))


class FailureHandler(AxesDatabaseHandler):  # type: ignore[misc]
    """Counts in axes' tables; a success forgets, and nothing is deleted in passing.

    Deleting old rows of everybody at every sign-in would make parallel ones wait for each other;
    ``forget_old_failures`` does it instead.
    """

    def clean_expired_user_attempts(self, *args: Any, **kwargs: Any) -> int:
        """Leave old rows to the job."""
        return 0

    def reset_user_attempts(
        self, request: HttpRequest, credentials: dict[str, Any] | None = None
    ) -> int:
        """Forget the failures of the account that just signed in."""
        return self.reset_attempts(username=account_of_try(request, credentials))

    def reset_attempts(self, *, username: str | None = None, **others: Any) -> int:
        """Forget failures; also what ``manage.py axes_reset_username`` calls."""
        count: int = super().reset_attempts(username=username, **others)
        if username:
            count += AccessFailureLog.objects.filter(username=username).delete()[0]
        return count


def wait_of_account(email: str, now: datetime) -> timedelta:
    """Return how long an account has to wait; nothing while a try is free.

    The newest failures of the window decide. Tries that were refused count as failures but do not
    prolong the wait, or anybody could keep a person out for ever.
    """
    window: timedelta = settings.AXES_COOLOFF_TIME
    newest = (
        AccessFailureLog.objects.filter(
            username=normalized_email(email), locked_out=False, attempt_time__gt=now - window
        )
        .order_by("-attempt_time")
        .values_list("attempt_time", flat=True)
    )
    counted: list[datetime] = list(newest[: settings.AXES_FAILURE_LIMIT])
    if len(counted) < settings.AXES_FAILURE_LIMIT:
        return timedelta(0)
    return counted[-1] + window - now


def refuse_blocked_account(request: HttpRequest, email: str) -> None:
    """Write down and refuse a try for an account that has to wait.

    Raises:
        RateLimitedError: Too many failures; the answer is the same for accounts that do not exist.
    """
    wait = wait_of_account(email, clock.now())
    if wait > timedelta(0):
        request.axes_locked_out = True  # type: ignore[attr-defined]
        AxesProxyHandler.user_login_failed(__name__, {"email": email}, request)
    refuse_for(wait)


def password_tries(email_of: Callable[[HttpRequest], str]) -> Callable[[View], View]:
    """Hold the limits of account and address around a view that checks a password.

    The use of the address is given back unless the password was wrong. Put it outside the
    transaction of the view, so that what it counts stays counted.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method != "POST":
                return view(request, *args, **kwargs)
            use = count_use(SIGN_IN_ADDRESS, address_key_of(request))
            refuse_blocked_account(request, email_of(request))
            response = view(request, *args, **kwargs)
            if not getattr(request, "was_guess_wrong", False):
                give_back(use)
            return response

        return wrapped

    return decorate


def code_tries(person_of: Callable[[HttpRequest], int | None]) -> Callable[[View], View]:
    """Hold the limit of wrong codes around a view that checks one; otherwise like above.

    ``person_of`` names whose code is asked for; without one nothing can be guessed.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            person = person_of(request) if request.method == "POST" else None
            if person is None:
                return view(request, *args, **kwargs)
            use = count_use(SECOND_STEP, f"user {person}")
            response = view(request, *args, **kwargs)
            if not getattr(request, "was_guess_wrong", False):
                give_back(use)
            return response

        return wrapped

    return decorate


def forget_old_failures(now: datetime) -> int:
    """Delete what axes wrote more than 24 hours ago; return how many rows. Spec: 02 section 1."""
    old = Q(attempt_time__lt=now - KEPT_FAILURES)
    return sum(model.objects.filter(old).delete()[0] for model in (AccessAttempt, AccessFailureLog))
