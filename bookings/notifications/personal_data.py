"""What notifications know about people. Spec: S6.5."""

from privacy.registry import Basis, Erasure, Holding, Nobody, Use, register
from privacy.replacements import EMAIL, NUMBERED_NAME, TEXT

register(
    [
        Holding(
            model="notifications.OutgoingMail",
            subjects=("to",),
            use=Use(
                purpose="To deliver mail about lessons and the account",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="30 days after delivery",
            ),
            is_left_out_of_copies=True,
        ),
        Holding(
            model="notifications.OutgoingText",
            subjects=("user", "to"),
            use=Use(
                purpose="To text people about their lessons, and to answer what they text",
                basis=Basis.CONSENT,
                erasure=Erasure.DELETE,
                retention="30 days",
            ),
            is_left_out_of_copies=True,
        ),
        Nobody(
            model="notifications.InboundText",
            why="that a text came, by the provider's number for it, and which word it was",
        ),
        Holding(
            model="notifications.Notice",
            subjects=("user",),
            use=Use(
                purpose="To tell people on the site what happens to their lessons",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="90 days",
            ),
            personal={"title": TEXT},
            plain=("key", "path"),
        ),
        Holding(
            model="notifications.ContactMessage",
            subjects=("email",),
            use=Use(
                purpose="To answer what somebody wrote to us",
                basis=Basis.INTEREST,
                erasure=Erasure.DELETE,
                retention="2 years",
            ),
            personal={"email": EMAIL, "name": NUMBERED_NAME, "text": TEXT},
            plain=("public_id",),
        ),
    ]
)
