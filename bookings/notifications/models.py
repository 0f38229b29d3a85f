"""Mails and texts as rows: written with the change they tell about, sent afterwards; mail to us.

Spec: R15, S13.6, S13.7
"""

from django.db import models
from django.db.models import Q

from accounts.models import User
from bookings.notifications.managers import (
    InboundTextQuerySet,
    NoticeQuerySet,
    OutgoingMailQuerySet,
    OutgoingTextQuerySet,
)
from catalog.interest_managers import QueueQuerySet
from catalog.models import Queued
from instainstru import clock
from instainstru.identifiers import public_id


class Outgoing(models.Model):
    """What leaves the site as a row that is sent afterwards; at most one per key (Spec: S13.5)."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    public_id = models.CharField(max_length=10, default=public_id, editable=False)
    key = models.CharField(  # noqa: DJ001 - null means: no key, never equal to another
        max_length=160, null=True, blank=True, help_text="At most one each."
    )
    kind = models.CharField(max_length=60, help_text="The template that made it.")
    text = models.TextField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=clock.now)
    last_error = models.CharField(max_length=120, blank=True, help_text="The kind of failure only.")
    created_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class OutgoingMail(Outgoing):
    """One mail to one person."""

    to = models.EmailField(max_length=254)
    subject = models.CharField(max_length=200)
    html = models.TextField(blank=True)
    attachments = models.JSONField(
        default=list, blank=True, help_text="Objects of name, content_type and base64."
    )
    unsubscribe_url = models.CharField(
        max_length=300, blank=True, help_text="One press stops mails of this kind (RFC 8058)."
    )

    objects = OutgoingMailQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="mail_public_id_unique"),
            models.UniqueConstraint(fields=["key"], name="mail_key_unique"),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "sent", "failed"]), name="mail_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status="sent", sent_at__isnull=False)
                | (~Q(status="sent") & Q(sent_at__isnull=True)),
                name="mail_sent_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(subject__regex=r"[\r\n]") & ~Q(to__regex=r"[\r\n]"),
                name="mail_headers_one_line",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="mail_pending", condition=Q(status="pending")
            ),
            models.Index(fields=["-created_at"], name="mail_newest"),
        ]


class OutgoingText(Outgoing):
    """One text message to one phone.

    News carries its person and leaves only while that person agrees; answers to what a phone texted
    us, and codes, need no agreement. Spec: S13.6
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        DROPPED = "dropped", "Not wanted any more"

    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    to = models.CharField(max_length=16, help_text="E.164, such as +12125550123.")
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="texts",
        help_text="Whose agreement it needs; empty for codes and answers.",
    )  # fmt: skip

    objects = OutgoingTextQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="text_public_id_unique"),
            models.UniqueConstraint(fields=["key"], name="text_key_unique"),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "sent", "failed", "dropped"]),
                name="text_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status="sent", sent_at__isnull=False)
                | (~Q(status="sent") & Q(sent_at__isnull=True)),
                name="text_sent_has_time",
            ),
            models.CheckConstraint(
                condition=Q(to__regex=r"^\+[1-9]\d{6,14}$"), name="text_to_is_e164"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="text_pending", condition=Q(status="pending")
            ),
            models.Index(fields=["-created_at"], name="text_newest"),
        ]


class InboundText(models.Model):
    """That a text came in, once for each id of the provider; what it said is not kept (S17.10)."""

    message_id = models.CharField(max_length=100)
    word = models.CharField(max_length=7, help_text="What it asked for: stop, help, start, other.")
    received_at = models.DateTimeField(default=clock.now)

    objects = InboundTextQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message_id"], name="inbound_text_once"),
            models.CheckConstraint(
                condition=Q(word__in=["stop", "help", "start", "other"]),
                name="inbound_text_word_known",
            ),
        ]
        indexes = [models.Index(fields=["received_at"], name="inbound_text_age")]

    def __str__(self) -> str:
        return f"{self.word} {self.message_id}"


class Notice(models.Model):
    """One piece of news in a person's list on the site; at most one per key (Spec: S13.5)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    key = models.CharField(max_length=160, help_text="Kind, subject, revision and reader.")
    title = models.CharField(max_length=200)
    path = models.CharField(max_length=200, help_text="Where it leads, on this site.")
    created_at = models.DateTimeField(default=clock.now)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], name="notice_key_unique"),
            models.CheckConstraint(
                condition=Q(path__startswith="/") & ~Q(path__startswith="//"),
                name="notice_path_is_ours",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="notice_newest"),
            models.Index(fields=["created_at"], name="notice_age"),
        ]

    def __str__(self) -> str:
        return self.title


class ContactMessage(Queued):
    """What somebody wrote to us on the contact page; staff answer by mail (Spec: 03 section 4)."""

    class Topic(models.TextChoices):
        LESSON = "lesson", "A lesson I booked"
        PAYMENT = "payment", "A payment or refund"
        ACCOUNT = "account", "My account"
        TEACHING = "teaching", "Teaching here"
        OTHER = "other", "Something else"

    name = models.CharField(max_length=60)
    email = models.EmailField(max_length=254)
    topic = models.CharField(max_length=10, choices=Topic.choices)
    text = models.TextField(max_length=2000)

    objects = QueueQuerySet.as_manager()

    class Meta(Queued.Meta):
        constraints = [
            *Queued.Meta.constraints,
            models.CheckConstraint(
                condition=Q(topic__in=["lesson", "payment", "account", "teaching", "other"]),
                name="contact_topic_known",
            ),
        ]
