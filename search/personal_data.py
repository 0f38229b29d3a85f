"""What search knows about people. Spec: S6.5."""

from privacy.registry import Basis, Erasure, Holding, Nobody, Use, register
from privacy.replacements import REFERENCE

register(
    [
        Holding(
            model="search.SearchHistory",
            subjects=("user", "guest_key"),
            use=Use(
                purpose="To show a person their recent searches",
                basis=Basis.INTEREST,
                erasure=Erasure.DELETE,
                retention="365 days after the last use, guests 30 days; deleted ones 24 hours",
            ),
            personal={"guest_key": REFERENCE, "query_text": "'search ' || {pk}"},
            plain=("normalized_query",),
        ),
        Holding(
            model="search.HistoryPause",
            subjects=("user", "guest_key"),
            use=Use(
                purpose="To keep no searches of people who do not want it",
                basis=Basis.INTEREST,
                erasure=Erasure.DELETE,
                retention="until it is ended",
            ),
            personal={"guest_key": REFERENCE},
        ),
        Holding(
            model="search.OfferingVector",
            subjects=("offering__instructor__user",),
            use=Use(
                purpose="To find an instructor by what they say about their lessons",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="as long as the offer is active",
                not_exported="numbers made of the profile, which is exported",
            ),
            is_left_out_of_copies=True,
        ),
        Holding(
            model="search.AvailabilityDay",
            subjects=("instructor__user",),
            use=Use(
                purpose="To find who may be free at a time that a search asks for",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="until the day is over",
                not_exported="made of the hours and lessons, which are exported",
            ),
            is_left_out_of_copies=True,
        ),
        Nobody(model="search.AvailabilityBuild", why="how far a job has got"),
        Nobody(
            model="search.ServiceVector",
            why="texts of the catalogue as numbers",
            plain=("model_name",),
        ),
    ]
)
