"""Staff who may work in the admin: with their second step, and signed in a moment ago."""

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from instainstru import clock
from tests.factories.accounts import VerifiedUserFactory


def staff(role: Role) -> User:
    """Return a member of staff with a second step."""
    person: User = VerifiedUserFactory(role=role)
    return person


def at_work(person: User, *, is_fresh: bool = True, browser: Client | None = None) -> Client:
    """Return the browser of somebody signed in; ``is_fresh`` within the last 15 minutes."""
    client = browser or Client()
    client.force_login(person)
    if is_fresh:
        session = client.session
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [
            {"method": "password", "at": clock.now().timestamp()}
        ]
        session[f"{AUTHENTICATION_METHODS_SESSION_KEY}_user"] = str(person.pk)
        session.save()
    return client
