"""What accounts know about people. Spec: S6.5."""

from privacy.registry import Basis, Erasure, Holding, Nobody, Use, register
from privacy.replacements import EMAIL, NAME, NOTHING, NUMBER, NUMBERED_NAME, TEXT, UNUSABLE

UNTIL_CLOSED = "until the account is closed"
ACCOUNT = Use(
    purpose="To know who somebody is, sign them in and write to them",
    basis=Basis.CONTRACT,
    erasure=Erasure.ANONYMISE,
    retention=UNTIL_CLOSED,
)
FAILURES = Use(
    purpose="So that nobody tries passwords without end",
    basis=Basis.INTEREST,
    erasure=Erasure.DELETE,
    retention="24 hours",
    not_exported="what somebody else may have typed",
)
ROLE = Use(
    purpose="To know what somebody may do",
    basis=Basis.CONTRACT,
    erasure=Erasure.DELETE,
    retention=UNTIL_CLOSED,
)
SHARING = Use(
    purpose="To let people do for somebody what that person asked them to",
    basis=Basis.CONTRACT,
    erasure=Erasure.DELETE,
    retention="until it ends by itself or is taken back",
)
INVITING = Use(
    purpose="To ask somebody by mail to help",
    basis=Basis.CONTRACT,
    erasure=Erasure.DELETE,
    retention="until it is answered, 14 days at most",
)
UNUSED = "guardian's own table, which stays empty: grants stand in a table per model"
# The address of the account is the primary one; further ones of the same person keep apart.
EMAIL_OF_USER = (
    "'person-' || user_id || CASE WHEN \"primary\" THEN '' ELSE '-' || {pk} END"
    " || '@anonymised.invalid'"
)

register(
    [
        Holding(
            model="accounts.User",
            subjects=("pk",),
            use=ACCOUNT,
            personal={
                "email": EMAIL,
                "first_name": NAME,
                "last_name": NUMBER,
                "password": UNUSABLE,
                "phone": "''",
            },
            plain=("public_id", "zone", "theme", "is_superuser"),
        ),
        Holding(
            model="accounts.UploadedPicture",
            subjects=("owner",),
            use=Use(
                purpose="To show pictures that somebody sent to whom they were sent",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="files until the account is closed, those of a report of a lesson 2 years"
                " after its decision; the row stays without them",
            ),
            plain=("name",),
        ),
        Holding(model="accounts.User_groups", subjects=("user",), use=ROLE),
        Holding(model="accounts.User_user_permissions", subjects=("user",), use=ROLE),
        Holding(
            model="accounts.Learner",
            subjects=("manager",),
            use=Use(
                purpose="To tell instructors whom they teach",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention=UNTIL_CLOSED,
            ),
            personal={"name": NUMBERED_NAME, "birth_year": NOTHING, "level_notes": TEXT},
            plain=("public_id",),
        ),
        Holding(
            model="accounts.AuditEvent",
            subjects=("actor", "subject"),
            use=Use(
                purpose="To show which of the staff did what, to whom and why",
                basis=Basis.INTEREST,
                erasure=Erasure.ANONYMISE,
                retention="2 years, digests of addresses 30 days",
                not_exported="internal record of the staff's work",
            ),
            is_left_out_of_copies=True,
        ),
        *(
            Holding(model=model, subjects=("username",), use=FAILURES, is_left_out_of_copies=True)
            for model in ("axes.AccessAttempt", "axes.AccessFailureLog")
        ),
        Holding(
            model="axes.AccessAttemptExpiration",
            subjects=("access_attempt__username",),
            use=FAILURES,
            is_left_out_of_copies=True,
        ),
        Nobody(
            model="axes.AccessLog",
            why="not used: sign-ins that succeed are sessions",
            plain=(
                "user_agent",
                "ip_address",
                "username",
                "http_accept",
                "path_info",
                "session_hash",
            ),
        ),
        Holding(
            model="accounts.LearnerGrant",
            subjects=("user", "granted_by", "content_object__manager"),
            use=SHARING,
            personal={"reason": TEXT},
        ),
        Holding(
            model="accounts.UserGrant",
            subjects=("user", "granted_by", "content_object"),
            use=SHARING,
            personal={"reason": TEXT},
        ),
        Holding(
            model="accounts.LearnerInvitation",
            subjects=("invited_by", "email", "target__manager"),
            use=INVITING,
            plain=("public_id", "token_hash"),
            is_left_out_of_copies=True,
        ),
        Holding(
            model="accounts.Block",
            subjects=("by", "person"),
            use=Use(
                purpose="To keep people apart who want nothing to do with each other",
                basis=Basis.INTEREST,
                erasure=Erasure.DELETE,
                retention=UNTIL_CLOSED,
            ),
        ),
        Nobody(
            model="guardian.UserObjectPermission",
            why=UNUSED,
            plain=("user", "object_pk", "content_object"),
        ),
        Nobody(
            model="guardian.GroupObjectPermission",
            why=UNUSED,
            plain=("object_pk", "content_object"),
        ),
        Holding(
            model="accounts.NotificationChoice",
            subjects=("user",),
            use=Use(
                purpose="To write only what somebody wants to hear",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention=UNTIL_CLOSED,
            ),
            plain=("kind",),
        ),
        Holding(
            model="accounts.Viewing",
            subjects=("viewer", "person"),
            use=Use(
                purpose="To know who of the staff sees the site as somebody",
                basis=Basis.INTEREST,
                erasure=Erasure.DELETE,
                retention="until it ends, 30 minutes at most",
                not_exported="internal record of the staff's work",
            ),
            is_left_out_of_copies=True,
        ),
        Nobody(
            model="accounts.StoppedNumber",
            why="digests of phones that must not be texted again, whoever types their number",
        ),
        Holding(
            model="accounts.TextNumber",
            subjects=("user", "phone"),
            use=Use(
                purpose="To text the phone of somebody who agreed, and nobody else's",
                basis=Basis.CONSENT,
                erasure=Erasure.DELETE,
                retention=UNTIL_CLOSED,
            ),
            plain=("code_hash",),
            is_left_out_of_copies=True,
        ),
        Holding(
            model="accounts.EmailChange",
            subjects=("user", "old_email", "new_email"),
            use=Use(
                purpose="To confirm a change of e-mail and to take it back",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="30 days",
            ),
            plain=("confirm_hash", "warning_hash", "undo_hash"),
            is_left_out_of_copies=True,
        ),
        Holding(
            model="mfa.Authenticator",
            subjects=("user",),
            use=Use(
                purpose="To ask for a second proof at sign-in; seeds are encrypted",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="until it is turned off or the account is closed",
                not_exported="secrets that sign somebody in",
            ),
            is_left_out_of_copies=True,
        ),
        Holding(
            model="usersessions.UserSession",
            subjects=("user",),
            use=Use(
                purpose="To show people where they are signed in; the network, no address",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="until the session ends",
            ),
            is_left_out_of_copies=True,
        ),
        Holding(
            model="account.EmailAddress",
            subjects=("user",),
            use=ACCOUNT,
            personal={"email": EMAIL_OF_USER},
        ),
        Holding(
            model="account.EmailConfirmation",
            subjects=("email_address__user",),
            use=Use(
                purpose="To prove that an address is somebody's own",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="3 days",
                not_exported="tokens",
            ),
            is_left_out_of_copies=True,
        ),
    ]
)
