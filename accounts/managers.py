"""Reads and one-table writes on people."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from guardian.managers import UserObjectPermissionManager

from instainstru import clock

if TYPE_CHECKING:
    from accounts.models import (  # noqa: F401 (named below)
        AuditEvent,
        Block,
        EmailChange,
        Invitation,
        Learner,
        NotificationChoice,
        TextNumber,
        UploadedPicture,
        User,
        Viewing,
    )

AUDIT_KEPT = timedelta(days=730)
ADDRESS_HASH_KEPT = timedelta(days=30)


class UserManager(BaseUserManager["User"]):
    """Creates users and finds them by e-mail without regard to case."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user with this e-mail, whatever its case."""
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user; without a password the account cannot sign in."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a first admin; Django's ``createsuperuser`` calls it here (Spec: S5.12)."""
        from accounts.services import create_first_admin

        return create_first_admin(email, password, **fields)


class LearnerQuerySet(models.QuerySet["Learner"]):
    """Reads on learners."""

    def managed_by(self, user: "User") -> "LearnerQuerySet":
        """Return the learners this person manages, themselves first, then by age of the row.

        Theirs and those another adult shares with them, in one query (Spec: S5.5, S5.6).
        """
        from accounts.models import LearnerGrant

        shared = LearnerGrant.objects.live().held_by(user).values("content_object")
        mine = self.filter(Q(manager=user) | Q(pk__in=shared), archived_at=None)
        return mine.order_by("-is_self", "created_at", "pk")

    def own_of(self, user: Any) -> "LearnerQuerySet":
        """Return the row of the person as a learner themselves; none for a guest."""
        return self.filter(manager_id=user.pk, is_self=True)


class AuditEventManager(models.Manager["AuditEvent"]):
    """Reads on the audit, and the only two changes that the database lets through."""

    def about(self, user: "User") -> models.QuerySet["AuditEvent"]:
        """Return what was done about a person, the newest first."""
        return self.filter(subject=user).select_related("actor").order_by("-at", "-pk")

    def forget_outdated(self, now: datetime, *, batch: int = 500) -> int:
        """Delete a batch of rows kept long enough, take out old address hashes (Spec: S6.3)."""
        old = self.filter(at__lt=now - AUDIT_KEPT).order_by("at").values("pk")[:batch]
        gone, _ = self.filter(pk__in=old).delete()
        traced = self.filter(at__lt=now - ADDRESS_HASH_KEPT).exclude(ip_hash="")
        return gone + self.filter(pk__in=traced.values("pk")[:batch]).update(ip_hash="")

    def pseudonymise(self, user: "User", pseudonym: str) -> int:
        """Take a person out of every row, and the reasons that may name them (Spec: S6.8)."""
        acted = self.filter(actor=user).update(actor=None, actor_pseudonym=pseudonym, ip_hash="")
        return acted + self.filter(subject=user).update(
            subject=None, subject_pseudonym=pseudonym, reason=""
        )


class GrantQuerySet(models.QuerySet[Any]):
    """Reads on any table of grants."""

    def held_by(self, user: "User") -> "GrantQuerySet":
        """Grants that a person holds."""
        return self.filter(user=user, permission__codename=self.model.codename)


class GrantManager(UserObjectPermissionManager):
    """Guardian's manager of one table, which also knows when a grant ends."""

    def get_queryset(self) -> GrantQuerySet:
        """Return all rows, ended ones too."""
        return GrantQuerySet(self.model, using=self._db)

    def live(self, now: datetime | None = None) -> GrantQuerySet:
        """Leave out what has ended by itself, whether or not a job took the row away."""
        rows = self.get_queryset()
        return rows.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now or clock.now()))


class InvitationQuerySet(models.QuerySet[Any]):
    """Reads on any table of invitations."""

    def open(self, now: datetime | None = None) -> "InvitationQuerySet":
        """Invitations that can still be accepted."""
        return self.filter(expires_at__gt=now or clock.now())


class BlockQuerySet(models.QuerySet["Block"]):
    """Reads on blocks."""

    def between(self, one_id: int, other_id: int) -> "BlockQuerySet":
        """Blocks of two people, whoever made them."""
        return self.filter(Q(by=one_id, person=other_id) | Q(by=other_id, person=one_id))


class EmailChangeQuerySet(models.QuerySet["EmailChange"]):
    """Changes of e-mail, asked for and made."""

    def of(self, user: "User") -> "EmailChangeQuerySet":
        """Return the changes of one account, the newest first."""
        return self.filter(user=user).order_by("-created_at", "-pk")

    def waiting(self) -> "EmailChangeQuerySet":
        """Return those that the new address has not confirmed."""
        return self.filter(confirmed_at=None, replaced_at=None, undone_at=None)

    def with_confirm_token(self, digest: str) -> "EmailChangeQuerySet":
        """Return the one whose link at the new address has this hash."""
        return self.filter(confirm_hash=digest)

    def with_undo_token(self, digest: str) -> "EmailChangeQuerySet":
        """Return the one of which a link at the old address has this hash."""
        return self.filter(models.Q(warning_hash=digest) | models.Q(undo_hash=digest))


class NotificationChoiceQuerySet(models.QuerySet["NotificationChoice"]):
    """What people chose to be told; by mail unless a method says otherwise."""

    def by_mail(self) -> "NotificationChoiceQuerySet":
        """Choices about mail."""
        return self.filter(channel="mail")

    def by_text(self) -> "NotificationChoiceQuerySet":
        """Choices about text messages."""
        return self.filter(channel="text")

    def of(self, user: "User") -> dict[str, bool]:
        """Return by kind what a person chose; a kind without a choice is missing."""
        return dict(self.by_mail().filter(user=user).values_list("kind", "is_on"))

    def texts_of(self, user: "User") -> dict[str, bool]:
        """Return by kind what a person chose about texts; a kind without a choice is missing."""
        return dict(self.by_text().filter(user=user).values_list("kind", "is_on"))

    def subscribers(self, kind: str, *, zones: Collection[str]) -> models.QuerySet["User"]:
        """Return the people in some zones who switched a kind on and whose account is open."""
        from accounts.models import User

        on = self.by_mail().filter(kind=kind, is_on=True)
        return User.objects.filter(pk__in=on.values("user"), zone__in=zones, is_active=True)

    def zones_of_subscribers(self, kind: str) -> set[str]:
        """Return the names of the zones in which somebody switched a kind on."""
        rows = self.by_mail().filter(kind=kind, is_on=True)
        return set(rows.values_list("user__zone", flat=True).distinct())

    def of_kind(self, user_ids: Collection[int], kind: str) -> dict[int, bool]:
        """Return by person's id what some people chose about a kind."""
        rows = self.by_mail().filter(user__in=user_ids, kind=kind)
        return dict(rows.values_list("user_id", "is_on"))


class TextNumberQuerySet(models.QuerySet["TextNumber"]):
    """Numbers for text messages."""

    def live(self) -> "TextNumberQuerySet":
        """Numbers that get texts: typed its code, agreed to on the site, no STOP since (S13.6)."""
        from privacy.models import Consent

        newest = Consent.objects.of_texts().filter(user=OuterRef("user")).newest_first()
        return self.filter(
            confirmed_at__isnull=False, stopped_at__isnull=True, user__is_active=True
        ).filter(
            Subquery(newest.values("is_given")[:1]), phone=Subquery(newest.values("phone")[:1])
        )

    def wanting(self, user_ids: Collection[int], kind: str) -> dict[int, str]:
        """Return by person's id the live numbers of those who want texts of a kind."""
        from accounts.models import NotificationChoice

        off = NotificationChoice.objects.by_text().filter(
            user=OuterRef("user"), kind=kind, is_on=False
        )
        rows = self.live().filter(~Exists(off), user__in=user_ids)
        return dict(rows.values_list("user_id", "phone"))

    def at(self, phone: str) -> "TextNumberQuerySet":
        """Everybody's row of a number."""
        return self.filter(phone=phone)


class ViewingQuerySet(models.QuerySet["Viewing"]):
    """Looks at the site as somebody, until one of them is taken away as ended."""

    def live(self, now: datetime) -> "ViewingQuerySet":
        """Those whose time is not over."""
        return self.filter(until__gt=now)

    def begun(self, viewer: "User", person: "User") -> "ViewingQuerySet":
        """Those of one member of staff at one person, the latest first."""
        return self.filter(viewer=viewer, person=person).order_by("-began_at", "-pk")

    def all_with_people(self) -> "ViewingQuerySet":
        """All, with both people, the oldest first."""
        return self.select_related("viewer", "person").order_by("pk")


class UploadedPictureQuerySet(models.QuerySet["UploadedPicture"]):
    """Reads and changes of state of pictures."""

    def kept(self) -> "UploadedPictureQuerySet":
        """Those that may be shown."""
        return self.filter(state="kept")

    def arriving(self, before: datetime) -> "UploadedPictureQuerySet":
        """Those that nobody finished saving."""
        return self.filter(state="arriving", created_at__lt=before)
