"""What lessons know about people. Spec: S6.5."""

from accounts.personal_data import SHARING
from privacy.registry import Basis, Erasure, Holding, Use, register
from privacy.replacements import ADDRESS, REFERENCE, TEXT

_SETTLING = Use(
    purpose="To hold, give and settle a lesson",
    basis=Basis.CONTRACT,
    erasure=Erasure.RETAIN,
    retention="7 years after the lesson, under a pseudonym; lapsed holds 30 days",
    law="26 U.S.C. § 6001 and 26 CFR § 1.6001-1 (records of income)",
)

register(
    [
        Holding(
            model="lessons.BookingGrant",
            subjects=("user", "granted_by", "content_object__student"),
            use=SHARING,
            personal={"reason": TEXT},
        ),
        Holding(
            model="lessons.Booking",
            subjects=("student", "learner__manager", "instructor__user", "guest_key"),
            use=_SETTLING,
            personal={
                "guest_key": REFERENCE,
                "address": ADDRESS,
                "note": TEXT,
                "cancel_reason": TEXT,
            },
            plain=("hold_id", "code", "zone", "service_name", "offering", "series", "replaces"),
        ),
        Holding(
            model="lessons.BookingRevision",
            subjects=("booking__student", "booking__instructor__user"),
            use=_SETTLING,
            personal={"reason": TEXT},
            plain=("booking",),
        ),
        Holding(
            model="lessons.LateNotice",
            subjects=("booking__student", "booking__instructor__user"),
            use=_SETTLING,
            plain=("booking",),
        ),
        Holding(
            model="lessons.WeatherQuestion",
            subjects=("booking__student", "booking__instructor__user"),
            use=_SETTLING,
            plain=("booking",),
        ),
        Holding(
            model="lessons.EmergencyRequest",
            subjects=("booking__student",),
            use=_SETTLING,
            personal={"statement": TEXT, "answer": TEXT},
            plain=("booking",),
        ),
        Holding(
            model="lessons.Proposal",
            subjects=("booking__student", "booking__instructor__user"),
            use=_SETTLING,
            personal={"message": TEXT},
            plain=("booking", "hold"),
        ),
        Holding(
            model="lessons.LessonReport",
            subjects=("booking__student", "booking__instructor__user", "reporter"),
            use=_SETTLING,
            personal={"statement": TEXT, "answer": TEXT},
            plain=("booking",),
        ),
        Holding(
            model="lessons.ReportEvidence",
            subjects=("author", "report__booking__student", "report__booking__instructor__user"),
            use=_SETTLING,
            personal={"statement": TEXT},
            plain=("picture",),
        ),
        Holding(
            model="lessons.Strike",
            subjects=("instructor__user",),
            use=_SETTLING,
            personal={"dispute": TEXT},
            plain=("booking",),
        ),
        Holding(
            model="lessons.CalendarFeed",
            subjects=("user",),
            use=Use(
                purpose="So that a person's own calendar follows their lessons",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="until it is taken away",
                not_exported="a digest of a secret",
            ),
            is_left_out_of_copies=True,
        ),
        Holding(
            model="lessons.IdempotencyRecord",
            subjects=("owner",),
            use=Use(
                purpose="So that an action repeated by a slow network happens once",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="24 hours",
                not_exported="digests",
            ),
            is_left_out_of_copies=True,
        ),
    ]
)
