"""What messages know about people. Spec: S6.5."""

from privacy.registry import Basis, Erasure, Holding, Use, register
from privacy.replacements import TEXT

KEPT = "2 years after the last lesson of the two, or after a message without one"
_WRITING = Use(
    purpose="So that a student and an instructor can agree about lessons",
    basis=Basis.CONTRACT,
    erasure=Erasure.ANONYMISE,
    retention=KEPT,
)

register(
    [
        Holding(
            model="messaging.Thread",
            subjects=("student", "instructor__user"),
            use=_WRITING,
            plain=("public_id",),
        ),
        Holding(
            model="messaging.Message",
            subjects=("author", "recipient"),
            use=_WRITING,
            personal={"text": TEXT},
            plain=("public_id", "key", "thread"),
        ),
        Holding(
            model="messaging.MessageReport",
            subjects=("reporter", "message__author"),
            use=Use(
                purpose="To look into messages that break the rules",
                basis=Basis.INTEREST,
                erasure=Erasure.ANONYMISE,
                retention=KEPT,
                not_exported="it would tell who reported whom",
            ),
            personal={"text": TEXT},
            plain=("public_id", "message"),
        ),
    ]
)
