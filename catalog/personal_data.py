"""What the catalogue knows about people: instructors, and what visitors would like. Spec: S6.5."""

from accounts.personal_data import INVITING, SHARING
from privacy.registry import Basis, Erasure, Holding, Nobody, Use, register
from privacy.replacements import (
    ADDRESS,
    EMAIL,
    LINK,
    NAME,
    NUMBERED_NAME,
    REFERENCE,
    SLUG,
    TEXT,
)

PROFILE = Use(
    purpose="The profile by which students choose an instructor",
    basis=Basis.CONTRACT,
    erasure=Erasure.DELETE,
    retention="until the account is closed",
)
WISH = Use(
    purpose="To write once when a wish comes true",
    basis=Basis.CONSENT,
    erasure=Erasure.DELETE,
    retention="30 days after the mail, 12 months without one",
)
TO_STAFF = Use(
    purpose="To answer what somebody proposed",
    basis=Basis.INTEREST,
    erasure=Erasure.DELETE,
    retention="12 months",
)
REPORT = Use(
    purpose="To look into what somebody reported, and to keep people safe",
    basis=Basis.INTEREST,
    erasure=Erasure.ANONYMISE,
    retention="12 months",
)
TASTE = Use(
    purpose="To show somebody first what they look for",
    basis=Basis.CONTRACT,
    erasure=Erasure.DELETE,
    retention="until removed or the account is closed; 30 days after a guest's last visit",
)

register(
    [
        Holding(
            model="catalog.Address",
            subjects=("user",),
            use=Use(
                purpose="To choose where a lesson is without typing it again",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="until removed or the account is closed",
            ),
            personal={
                "label": NUMBERED_NAME,
                "street": ADDRESS,
                "unit": "''",
                "zip_code": "'10001'",
            },
            plain=("public_id",),
        ),
        Holding(
            model="catalog.InstructorGrant",
            subjects=("user", "granted_by", "content_object__user"),
            use=SHARING,
            personal={"reason": TEXT},
        ),
        Holding(
            model="catalog.AssistantInvitation",
            subjects=("invited_by", "email", "target__user"),
            use=INVITING,
            plain=("public_id", "token_hash"),
            is_left_out_of_copies=True,
        ),
        Nobody(model="catalog.Policy", why="business numbers"),
        Nobody(model="catalog.Category", why="names of categories", plain=("name",)),
        Nobody(model="catalog.Service", why="what can be learnt", plain=("name",)),
        Nobody(model="catalog.ServiceSlugAlias", why="former names of services"),
        Nobody(model="catalog.ServicePhrase", why="words for services"),
        Nobody(model="catalog.Neighborhood", why="the map of the city", plain=("name",)),
        Nobody(model="catalog.SeedRun", why="the invented city"),
        Holding(
            model="catalog.Instructor",
            subjects=("user",),
            use=PROFILE,
            personal={
                "slug": SLUG,
                "display_name": NUMBERED_NAME,
                "headline": TEXT,
                "bio": TEXT,
                "studio_address": ADDRESS,
                "online_link": LINK,
            },
            plain=("languages", "zone"),
        ),
        Holding(
            model="catalog.InstructorSlugAlias",
            subjects=("instructor__user",),
            use=PROFILE,
            personal={"slug": f"{SLUG} || '-was'"},
        ),
        Holding(model="catalog.Coverage", subjects=("instructor__user",), use=PROFILE),
        Holding(
            model="catalog.Offering",
            subjects=("instructor__user",),
            use=PROFILE,
            personal={"materials_note": TEXT},
        ),
        Holding(
            model="catalog.OfferingPrice", subjects=("offering__instructor__user",), use=PROFILE
        ),
        Holding(
            model="catalog.Credential",
            subjects=("instructor__user",),
            use=PROFILE,
            personal={"title": TEXT, "issuer": TEXT},
        ),
        Holding(
            model="catalog.ProfileQuestion",
            subjects=("instructor__user",),
            use=PROFILE,
            personal={"question": TEXT, "answer": TEXT},
        ),
        Holding(
            model="catalog.Favorite",
            subjects=("user", "guest_key"),
            use=TASTE,
            personal={"guest_key": REFERENCE},
            plain=("instructor",),
        ),
        Holding(model="catalog.LearningPreferences", subjects=("user",), use=TASTE),
        Holding(
            model="catalog.WaitlistEntry",
            subjects=("email",),
            use=WISH,
            personal={"email": EMAIL, "removal_hash": REFERENCE},
        ),
        Holding(
            model="catalog.ServiceAlert",
            subjects=("email",),
            use=WISH,
            personal={"email": EMAIL, "removal_hash": REFERENCE},
        ),
        Holding(
            model="catalog.ReturnAlert",
            subjects=("email",),
            use=WISH,
            personal={"email": EMAIL, "removal_hash": REFERENCE},
            plain=("instructor",),
        ),
        Holding(
            model="catalog.ServiceSuggestion",
            subjects=(),
            use=TO_STAFF,
            personal={"name": TEXT, "note": TEXT},
            plain=("public_id",),
        ),
        Holding(
            model="catalog.TeachingInterest",
            subjects=("email",),
            use=TO_STAFF,
            personal={"email": EMAIL, "first_name": NAME, "teaches": TEXT},
            plain=("public_id",),
        ),
        Holding(
            model="catalog.ProfileReport",
            subjects=("reporter", "email"),
            use=REPORT,
            personal={"email": EMAIL, "text": TEXT},
            plain=("public_id", "instructor"),
        ),
    ]
)
