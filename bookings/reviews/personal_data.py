"""What reviews know about people. Spec: S6.5."""

from privacy.registry import Basis, Erasure, Holding, Nobody, Use, register
from privacy.replacements import TEXT

register(
    [
        Holding(
            model="reviews.Review",
            subjects=("student", "instructor__user"),
            use=Use(
                purpose="To tell students what others found",
                basis=Basis.INTEREST,
                erasure=Erasure.ANONYMISE,
                retention="as long as the instructor teaches here",
            ),
            personal={"text": TEXT, "staff_note": TEXT, "reply": TEXT, "hidden_reason": TEXT},
            plain=("public_id", "booking"),
        ),
        Holding(
            model="reviews.InstructorStatistics",
            subjects=("instructor__user",),
            use=Use(
                purpose="The numbers on a profile",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="until the account is closed",
            ),
            plain=("reviews_by_service",),
        ),
        Nobody(model="reviews.CategoryStatistics", why="sums over all instructors"),
    ]
)
