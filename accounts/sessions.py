"""Where somebody is signed in: how long it lasts, the list of it, and ending it (Spec: S17.2).

A session carries when it began and when it was last used, in whole seconds. allauth's
``UserSession`` rows name the sessions of a person; they hold networks, never addresses.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.functional import SimpleLazyObject
from ua_parser import parse_os, parse_user_agent

from accounts.models import User
from accounts.viewing import seen_as
from instainstru import clock
from instainstru.errors import NotFoundError
from instainstru.http import client_network

BEGAN, USED = "signed_in_at", "used_at"
ROW_EVERY = timedelta(minutes=5)
NOTED_EVERY = {True: timedelta(minutes=1), False: ROW_EVERY}
"""How exact the idle time is, by whether the person is staff: theirs ends after 30 minutes."""
SYSTEMS = {"Mac OS X": "Mac", "iOS": "iPhone or iPad", "Chrome OS": "Chromebook"}
MOBILE = re.compile(r"^Mobile | Mobile$")


def begin_session(session: Any) -> None:
    """Note on a fresh session when it began."""
    session[BEGAN] = session[USED] = _seconds(clock.now())


def is_over(session: Any, user: User, now: datetime) -> bool:
    """Tell whether a session was idle for too long or is too old. Spec: S17.2.

    The limits are those of the person's roles of today. A session that does not say when it began
    begins now.
    """
    limits = settings.STAFF_SESSION if user.is_staff else settings.USER_SESSION
    began, used = session.get(BEGAN, _seconds(now)), session.get(USED, _seconds(now))
    age, idle = _seconds(now) - began, _seconds(now) - used
    return bool(age > limits["absolute"].total_seconds() or idle > limits["idle"].total_seconds())


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())


class PersonMiddleware(AuthenticationMiddleware):
    """Who asks: Django's lazy user, but nobody once the session is over; and notes its use.

    Nothing happens for answers that never look at the user, so that they stay the same for all.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Set the lazy user."""
        super().process_request(request)
        request.user = cast("User", SimpleLazyObject(partial(_live_user, request)))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Note that the session was used, now and then."""
        user = getattr(request, "_cached_user", None)
        if user is not None and user.is_authenticated and request.session.session_key:
            _note_use(request, user, clock.now())
        return response


def _live_user(request: HttpRequest) -> Any:
    user = get_user(request)
    if user.is_authenticated and is_over(request.session, user, clock.now()):
        UserSession.objects.filter(session_key=request.session.session_key).delete()
        request.session.flush()
        request._cached_user = user = AnonymousUser()  # type: ignore[attr-defined]  # noqa: SLF001
    if user.is_authenticated and user.is_staff:
        person = seen_as(request, user, clock.now())
        if person is not None:
            # The session stays that of the member of staff: its use is theirs.
            request.viewer = user  # type: ignore[attr-defined]
            return person
    return user


def _note_use(request: HttpRequest, user: User, now: datetime) -> None:
    session = request.session
    noted = session.get(USED)
    if noted is not None and _seconds(now) - noted < NOTED_EVERY[user.is_staff].total_seconds():
        return
    session.setdefault(BEGAN, _seconds(now))
    session[USED] = _seconds(now)
    rows = UserSession.objects.filter(session_key=session.session_key, user=user)
    seen = {"last_seen_at": now, "ip": client_network(request)}
    if not rows.filter(last_seen_at__lte=now - ROW_EVERY).update(**seen) and not rows.exists():
        UserSession.objects.create_from_request(request)


# --- The list -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Device:
    """One place where a person is signed in."""

    reference: str
    words: str
    network: str
    began_at: datetime
    used_at: datetime
    is_current: bool


def devices_of(user: User, current_key: str | None) -> list[Device]:
    """Return where a person is signed in, this browser first, then the latest used."""
    rows = UserSession.objects.purge_and_list(user)
    devices = [_device(row, is_current=row.session_key == current_key) for row in rows]
    return sorted(devices, key=lambda device: (not device.is_current, -device.used_at.timestamp()))


def _device(row: UserSession, *, is_current: bool) -> Device:
    return Device(
        reference=reference_of(row.session_key),
        words=words_of(row.user_agent),
        network=row.ip,
        began_at=row.created_at.astimezone(UTC),
        used_at=row.last_seen_at.astimezone(UTC),
        is_current=is_current,
    )


def reference_of(session_key: str) -> str:
    """Return what stands for a session in a form: its key would open it."""
    return salted_hmac("accounts.sessions", session_key).hexdigest()[:32]


def words_of(user_agent: str) -> str:
    """Return browser and system as people say it: ``Chrome on Mac``."""
    browser, system = parse_user_agent(user_agent), parse_os(user_agent)
    names = [MOBILE.sub("", browser.family) if browser else "Unknown browser"]
    if system is not None:
        names.append(SYSTEMS.get(system.family, system.family))
    return " on ".join(names)


# --- Ending ---------------------------------------------------------------------------------------
def end_session(*, by: User, reference: str) -> None:
    """Sign a person out in one place; raises ``NotFoundError`` for a session that is not theirs."""
    for row in UserSession.objects.filter(user=by):
        if constant_time_compare(reference_of(row.session_key), reference):
            row.end()
            return
    raise NotFoundError("You're logged out there already.")


def end_sessions(user: User, *, except_key: str | None = None) -> int:
    """Sign a person out everywhere, or everywhere else, at once; return in how many places."""
    rows = list(UserSession.objects.filter(user=user).exclude(session_key=except_key or ""))
    for row in rows:
        row.end()
    return len(rows)
