"""Threads and messages."""

import factory
from factory.django import DjangoModelFactory

from accounts.models import User
from accounts.roles import Role
from bookings.messages.models import Message, Thread
from bookings.messages.selectors import Pair
from instainstru import clock
from instainstru.identifiers import public_id
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.catalog import InstructorFactory


def teacher(**fields: object) -> User:
    """Return a verified instructor with a live profile."""
    user = VerifiedUserFactory(role=Role.INSTRUCTOR, first_name="Maya", **fields)
    InstructorFactory(user=user)
    return user


class ThreadFactory(DjangoModelFactory[Thread]):
    """A thread of a student and an instructor who may both sign in, still empty."""

    class Meta:
        model = Thread

    student = factory.LazyFunction(student)
    instructor = factory.LazyFunction(lambda: teacher().instructor)


class MessageFactory(DjangoModelFactory[Message]):
    """A message of the student; ``is_answer=True`` comes from the instructor."""

    class Meta:
        model = Message
        exclude = ("is_answer",)
        skip_postgeneration_save = True

    is_answer = False
    thread = factory.SubFactory(ThreadFactory)
    author = factory.LazyAttribute(
        lambda row: row.thread.instructor.user if row.is_answer else row.thread.student
    )
    recipient = factory.LazyAttribute(
        lambda row: row.thread.student if row.is_answer else row.thread.instructor.user
    )
    text = "Do you teach beginners?"
    key = factory.LazyFunction(public_id)
    created_at = factory.LazyFunction(clock.now)

    @factory.post_generation
    def noted(self: Message, create: bool, _extracted: object, **_: object) -> None:
        if create and self.created_at > self.thread.last_message_at:
            Thread.objects.filter(pk=self.thread_id).update(last_message_at=self.created_at)


def pair_of(thread: Thread) -> Pair:
    """Return the two of a thread, read anew."""
    return Pair.of(Thread.objects.with_people().get(pk=thread.pk))
