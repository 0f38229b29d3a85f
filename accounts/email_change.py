"""Changing the e-mail of an account, and taking a change back (Spec: S17.2).

The new address confirms by a link. The old one is told at once, when the change is asked for and
when it happens, each time with a link that restores it for 72 hours.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.audit import record_event
from accounts.mail import write_mail
from accounts.managers import EmailChangeQuerySet
from accounts.models import EmailChange, User
from accounts.sessions import end_sessions
from accounts.sign_in_limits import normalized_email
from instainstru import clock
from instainstru.errors import ConflictError, NotFoundError, ValidationFailedError
from instainstru.ratelimit import VERIFICATION_MAIL, count_use

KEPT = timedelta(days=30)


class EmailTakenError(ConflictError):
    """Another account proved that the address is its own."""

    code = "email_taken"

    def __init__(self) -> None:
        super().__init__("Another account has this email now. Nothing was changed.")


class EndedLinkError(NotFoundError):
    """The link was used, replaced or is too old."""

    code = "link_ended"


@transaction.atomic
def request_email_change(*, by: User, new_email: str) -> EmailChange:
    """Write to both addresses; nothing changes before the new one confirms.

    An address that has an account already gets a mail that says so instead of a link, and the
    person who asks cannot tell the two apart.

    Raises:
        ValidationFailedError: It is the account's own address.
        RateLimitedError: The address got five of our mails within an hour.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=by.pk)
    email = new_email.strip().lower()
    if email == user.email.lower():
        sentence = "This is your email already."
        raise ValidationFailedError(sentence, fields={"email": sentence})
    count_use(VERIFICATION_MAIL, normalized_email(email))
    now = clock.now()
    EmailChange.objects.of(user).waiting().update(replaced_at=now)
    confirm, warning = _new_token(), _new_token()
    change = EmailChange.objects.create(
        user=user,
        old_email=user.email,
        new_email=email,
        confirm_hash=hash_of(confirm),
        warning_hash=hash_of(warning),
        created_at=now,
    )
    if _owner_of(email, other_than=user) is None:
        _write("email_change_confirm", email, "Confirm your new email", confirm)
    else:
        _write("email_change_taken", email, "You already have an InstaInstru account")
    _write("email_change_asked", user.email, "Your email is about to change", warning)
    return change


@transaction.atomic
def confirm_email_change(token: str) -> EmailChange:
    """Make the new address the account's only one, and tell the old one.

    Raises:
        EndedLinkError: No waiting change has this token.
        EmailTakenError: The address proved to be somebody else's meanwhile.
    """
    now = clock.now()
    change = _locked(EmailChange.objects.with_confirm_token(hash_of(token)))
    if change is None or not change.is_waiting(now):
        raise EndedLinkError("This link has ended.")
    _give_address(change.user, change.new_email)
    undo = _new_token()
    change.confirmed_at, change.undo_hash = now, hash_of(undo)
    change.save(update_fields=["confirmed_at", "undo_hash"])
    record_event("account.email_changed", by=change.user, on=change.user)
    _write("email_changed", change.old_email, "Your email was changed", undo)
    return change


@transaction.atomic
def undo_email_change(token: str) -> EmailChange:
    """Restore the old address, end all links of the account's changes, sign it out everywhere.

    Raises:
        EndedLinkError: No change that can be taken back has this token.
        EmailTakenError: The old address proved to be somebody else's meanwhile.
    """
    now = clock.now()
    change = _locked(EmailChange.objects.with_undo_token(hash_of(token)))
    if change is None or not change.can_be_undone(now):
        raise EndedLinkError("This link has ended.")
    if change.user.email != change.old_email:
        _give_address(change.user, change.old_email)
    EmailChange.objects.filter(user=change.user, undone_at=None).update(undone_at=now)
    record_event("account.email_restored", by=None, on=change.user)
    end_sessions(change.user)
    return change


def find_change(token: str, *, is_undo: bool) -> EmailChange:
    """Return the change of a link, for the page that asks before anything happens.

    Raises ``EndedLinkError``.
    """
    digest, now = hash_of(token), clock.now()
    rows = EmailChange.objects.select_related("user")
    found = rows.with_undo_token(digest) if is_undo else rows.with_confirm_token(digest)
    change = found.first()
    if change is None or not (change.can_be_undone(now) if is_undo else change.is_waiting(now)):
        raise EndedLinkError("This link has ended.")
    return change


def forget_old_changes(now: datetime) -> int:
    """Delete what can no longer be confirmed or taken back for 30 days; return how many rows."""
    return EmailChange.objects.filter(created_at__lt=now - KEPT).delete()[0]


def hash_of(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _new_token() -> str:
    return secrets.token_urlsafe(24)


def _locked(rows: EmailChangeQuerySet) -> EmailChange | None:
    """Return the change with its user locked, so that two links of one account take turns."""
    found = rows.first()
    if found is None:
        return None
    user = User.objects.select_for_update(no_key=True).get(pk=found.user_id)
    change = EmailChange.objects.get(pk=found.pk)
    change.user = user
    return change


def _owner_of(email: str, *, other_than: User) -> User | None:
    """Return the account that holds an address, unless nobody ever proved that it is theirs."""
    holders = User.objects.filter(email__iexact=email).exclude(pk=other_than.pk)
    proved = EmailAddress.objects.filter(email__iexact=email, verified=True)
    return holders.filter(pk__in=proved.values("user")).first()


def _give_address(user: User, email: str) -> None:
    """Let an account have an address alone; whoever took it without proving it loses it.

    Such an account was never signed in to, so it holds nothing.
    """
    if _owner_of(email, other_than=user) is not None:
        raise EmailTakenError
    User.objects.filter(email__iexact=email, last_login=None).exclude(pk=user.pk).delete()
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    user.email = email
    user.save(update_fields=["email"])


def _write(kind: str, to: str, subject: str, token: str = "") -> None:
    names = {
        "email_change_confirm": "accounts:email-confirm",
        "email_change_asked": "accounts:email-undo",
        "email_changed": "accounts:email-undo",
    }
    path = reverse(names[kind], args=[token]) if token else reverse("account_login")
    write_mail(kind, to=to, subject=subject, url=settings.SITE_URL + path)
