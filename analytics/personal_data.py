"""What analytics knows about people. Spec: S6.5."""

from privacy.registry import Basis, Erasure, Holding, Use, register
from privacy.replacements import REFERENCE

register(
    [
        Holding(
            model="analytics.SearchEvent",
            subjects=("user", "guest_key"),
            use=Use(
                purpose="To learn what people look for and whether they find it",
                basis=Basis.CONSENT,
                # The link to the person goes; what was searched stays without it (S6.8).
                erasure=Erasure.ANONYMISE,
                retention="90 days, digests of networks 30 days",
            ),
            personal={
                "guest_key": REFERENCE,
                "query_raw": "'search ' || {pk}",
                "parsed": "'{{}}'::jsonb",
                "filters": "'{{}}'::jsonb",
                "borough": "''",
                "neighborhood": "''",
                "ip_hash": "''",
            },
            plain=("normalized_query", "match", "mode"),
        ),
        Holding(
            model="analytics.SearchImpression",
            subjects=("event__user", "event__guest_key", "instructor__user"),
            use=Use(
                purpose="To learn which results are shown, and why in this order",
                basis=Basis.CONSENT,
                erasure=Erasure.DELETE,
                retention="90 days",
                not_exported="ids and numbers of the ranking; the search itself is in the copy",
            ),
            plain=("factors",),
        ),
        Holding(
            model="analytics.SearchInteraction",
            subjects=("search__user", "search__guest_key", "instructor__user"),
            use=Use(
                purpose="To learn which results help",
                basis=Basis.CONSENT,
                erasure=Erasure.DELETE,
                retention="90 days",
            ),
        ),
    ]
)
