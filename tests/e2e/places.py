"""Every page of the site and who looks at it; a new address must be added here."""

from dataclasses import dataclass
from typing import Final

from instainstru.error_pages import PAGES as ERROR_STATUSES


@dataclass(frozen=True)
class Place:
    """One page in one state.

    ``route`` is the name of its address; ``address`` is filled in by the town; ``submits`` is the
    button that is pressed after loading, so that the page shows its errors; ``takes_focus`` marks
    a page that moves the focus on purpose when it opens.
    """

    route: str
    address: str
    who: str = "guest"
    status: int = 200
    submits: str = ""
    takes_focus: bool = False

    @property
    def name(self) -> str:
        """The name of the test."""
        state = "-submitted" if self.submits else ""
        return f"{self.who}:{self.address}{state}"


PAY: Final = "#checkout form[action$='/pay/'] button[type=submit]"
FORM: Final = "main form button[type=submit]"
SHARE: Final = "/account/learners/{learner}/share/"
INVITE: Final = "section[aria-labelledby=invite] form button[type=submit]"
SECOND_STEP: Final = "/accounts/2fa/totp/activate/"
CHANGE_PASSWORD: Final = "/accounts/password/change/"
MOVE: Final = "/lessons/{code}/reschedule/"
PROPOSE: Final = "/teach/lessons/{code}/new-time/"
CANCEL_TEACHING: Final = "/teach/lessons/{code}/cancel/"
TIMES: Final = "?service={service}&duration=60&place=at_student"

STAFF_LISTS: Final = (
    "accounts_auditevent", "accounts_user", "catalog_category", "catalog_instructor",
    "catalog_neighborhood", "catalog_offering", "catalog_policy", "catalog_service",
    "lessons_booking", "lessons_lessonreport", "lessons_strike",
    "notifications_outgoingmail", "payments_credit",
    "payments_ledgertransaction", "payments_paymentattempt", "payments_refund",
    "privacy_consent", "reviews_review",
)  # fmt: skip
LIKE_A_USER: Final = "the form of an account, with other fields"

PLACES: Final = (
    Place("home", "/"),
    Place("home", "/", "student"),
    Place("home", "/", "newcomer"),
    Place("search:results", "/search/?q=piano in park slope saturday morning under $90"),
    Place("search:results", "/search/?q=piano under $3 on staten island at 5am"),
    Place("search:results", "/search/?q=xyzzy"),
    Place("search:results", "/search/?q=piano&view=map"),
    Place("search:results", "/search/?q=piano&price_max=cheap", status=422, takes_focus=True),
    Place("search:results", "/search/"),
    Place("search:history", "/privacy/history/"),
    Place("search:history", "/privacy/history/", "student"),
    Place("catalog:all-services", "/services/"),
    Place("catalog:all-services", "/services/?q=piano"),
    Place("catalog:all-services", "/services/?q=xyzzy"),
    Place("catalog:category", "/services/music/"),
    Place("catalog:suggest", "/services/suggest/"),
    Place("catalog:suggest", "/services/suggest/", status=422, submits=FORM, takes_focus=True),
    Place("catalog:notify", "/notify/{nobody}/"),
    Place("catalog:notify", "/notify/{nobody}/", status=422, submits=FORM, takes_focus=True),
    Place("catalog:notify", "/notify/{nobody}/?asked=1", takes_focus=True),
    Place("catalog:notify", "/notify/{service}/"),
    Place("waitlist", "/waitlist/"),
    Place("waitlist", "/waitlist/", status=422, submits=FORM, takes_focus=True),
    Place("waitlist", "/waitlist/?joined=park-slope", takes_focus=True),
    Place("favorite", "/favorites/maya-c/"),
    Place("favorite", "/favorites/maya-c/", "student"),
    Place("favorites", "/favorites/", "student"),
    Place("favorites", "/favorites/", "newcomer"),
    Place("preferences", "/preferences/", "newcomer"),
    Place("stop-mail", "/mail/stop/{stop}/"),
    Place("stop-mail", "/mail/stop/unknown/", status=404),
    Place("about", "/about/"),
    Place("how-it-works", "/how-it-works/"),
    Place("help:index", "/help/"),
    Place("help:index", "/help/?q=refund"),
    Place("help:index", "/help/?q=xyzzy"),
    Place("help:article", "/help/canceling/"),
    Place("contact", "/contact/"),
    Place("contact", "/contact/", status=422, submits=FORM, takes_focus=True),
    Place("contact", "/contact/?sent=1"),
    Place("teach-start", "/teach/start/"),
    Place("teach-start", "/teach/start/", status=422, submits=FORM, takes_focus=True),
    Place("teach-start", "/teach/start/?sent=1"),
    Place("staff-inbox", "/staff/inbox/reports/", "staff"),
    Place("staff-inbox", "/staff/inbox/suggestions/", "staff"),
    Place("staff-inbox", "/staff/inbox/teaching/", "staff"),
    Place("staff-inbox", "/staff/inbox/messages/", "staff"),
    Place("catalog:service", "/services/music/{service}/"),
    Place("catalog:service", "/services/music/{nobody}/"),
    Place("catalog:service", "/services/music/{inactive}/", status=410),
    Place("instructor-profile", "/i/maya-c/"),
    Place("instructor-profile", "/i/maya-c/", "student"),
    Place("instructor-profile", "/i/unusual/"),
    Place("instructor-profile", "/i/paused/"),
    Place("instructor-profile", "/i/gone/", status=410),
    Place("notify-return", "/i/paused/notify/"),
    Place("notify-return", "/i/paused/notify/", status=422, submits=FORM, takes_focus=True),
    Place("notify-return", "/i/paused/notify/?asked=1", takes_focus=True),
    Place("profile-report", "/i/maya-c/report/"),
    Place("profile-report", "/i/maya-c/report/", status=422, submits=FORM, takes_focus=True),
    Place("profile-report", "/i/maya-c/report/?sent=1", "student"),
    Place("lessons:times", "/i/maya-c/book/"),
    Place("lessons:times", "/i/maya-c/book/" + TIMES, "student"),
    Place("lessons:times", "/i/maya-c/book/?view=week", "student"),
    Place("lessons:times", "/i/maya-c/book/?start=2020-01-01T10:00:00Z", takes_focus=True),
    Place("lessons:checkout", "/book/{guest_hold}/", "holder"),
    Place("lessons:checkout", "/book/{hold}/", "student"),
    Place("lessons:checkout", "/book/{hold}/", "student", 422, PAY, takes_focus=True),
    Place("lessons:checkout", "/book/{lapsed}/", "student"),
    Place("lessons:bank-step", "/book/{bank}/bank/", "student"),
    Place("lessons:payment-state", "/book/{slow}/payment/", "student"),
    Place("lessons:confirmed", "/lessons/{code}/confirmed/", "student", takes_focus=True),
    Place("lessons:list", "/lessons/", "student"),
    Place("lessons:list", "/lessons/?tab=needs-action", "student"),
    Place("lessons:list", "/lessons/?tab=cancelled", "student"),
    Place("lessons:list", "/lessons/", "newcomer"),
    Place("lessons:detail", "/lessons/{code}/", "student"),
    Place("lessons:detail", "/lessons/{cancelled}/", "student"),
    Place("reviews:write", "/lessons/{done}/review/", "student"),
    Place("lessons:cancel", "/lessons/{code}/cancel/", "student"),
    Place("lessons:cancel", "/lessons/{late}/cancel/", "student"),
    Place("lessons:receipt", "/lessons/{code}/receipt/", "student"),
    Place("lessons:receipt", "/lessons/{late_cancelled}/receipt/", "student"),
    Place("lessons:detail", "/lessons/{asked}/", "student"),
    Place("lessons:detail", "/lessons/{taught}/", "student"),
    Place("lessons:reschedule", MOVE, "student"),
    Place("lessons:reschedule", MOVE, "student", 422, FORM, takes_focus=True),
    Place("lessons:reschedule", "/lessons/{asked}/reschedule/", "student"),
    Place("lessons:reschedule", "/lessons/{cancelled}/reschedule/", "student", status=409),
    Place("lessons:report", "/lessons/{taught}/report/", "student"),
    Place("lessons:report", "/lessons/{taught}/report/", "student", 422, FORM, takes_focus=True),
    Place("lessons:report", "/lessons/{reported}/report/", "student"),
    Place("lessons:report", "/lessons/{code}/report/", "student"),
    Place("lessons:good-fit", "/lessons/{taught}/good-fit/", "student"),
    Place("lessons:good-fit", "/lessons/{code}/good-fit/", "student"),
    Place("lessons:teaching", "/teach/", "teacher"),
    Place("lessons:teaching", "/teach/?tab=needs-action", "teacher"),
    Place("lessons:teaching", "/teach/?tab=past", "teacher"),
    Place("lessons:teaching", "/teach/?tab=cancelled", "teacher"),
    Place("lessons:taught", "/teach/lessons/{code}/", "teacher"),
    Place("lessons:taught", "/teach/lessons/{asked}/", "teacher"),
    Place("lessons:propose", PROPOSE, "teacher"),
    Place("lessons:propose", PROPOSE, "teacher", 422, FORM, takes_focus=True),
    Place("lessons:cancel-teaching", CANCEL_TEACHING, "teacher"),
    Place("lessons:cancel-teaching", "/teach/lessons/{late}/cancel/", "teacher"),
    Place(
        "lessons:cancel-teaching",
        CANCEL_TEACHING,
        "teacher",
        422,
        FORM,
        takes_focus=True,
    ),
    Place("lessons:report-teaching", "/teach/lessons/{reported}/report/", "teacher"),
    Place("lessons:report-teaching", "/teach/lessons/{taught}/report/", "teacher"),
    Place("lessons:waive", "/teach/lessons/{late_cancelled}/waive/", "teacher"),
    Place("account_login", "/accounts/login/"),
    Place("account_login", "/accounts/login/", status=422, submits=FORM, takes_focus=True),
    Place("account_signup", "/accounts/signup/"),
    Place("account_signup", "/accounts/signup/", status=422, submits=FORM, takes_focus=True),
    Place("account_logout", "/accounts/logout/", "student"),
    Place("account_inactive", "/accounts/inactive/"),
    Place("account_email_verification_sent", "/accounts/confirm-email/", "registering"),
    Place("account_reset_password", "/accounts/password/reset/"),
    Place("account_reset_password_done", "/accounts/password/reset/done/"),
    Place("account_reset_password_from_key", "/accounts/password/reset/key/{reset_key}/"),
    Place("account_reset_password_from_key", "/accounts/password/reset/key/1-x/"),
    Place("account_reset_password_from_key_done", "/accounts/password/reset/key/done/"),
    Place("access", "/account/access/", "student"),
    Place("access", "/account/access/", "teacher"),
    Place("sharing:learner", SHARE, "student"),
    Place("sharing:learner", SHARE, "newcomer"),
    Place("sharing:learner", SHARE, "student", 422, INVITE, takes_focus=True),
    Place("sharing:learner-invitation", "/invitations/learner/{invitation}/", "student"),
    Place("sharing:learner-invitation", "/invitations/learner/{not_mine}/", "student"),
    Place("team:own", "/teach/team/", "teacher"),
    Place("team:own", "/teach/team/", "newcomer"),
    Place("team:of", "/teach/team/maya-c/", "newcomer"),
    Place("team:invitation", "/invitations/calendar/{team_invitation}/", "student"),
    Place("accounts:settings", "/account/", "student"),
    Place("accounts:settings", "/account/", "untidy"),
    Place("accounts:settings", "/account/", "untidy", 422, FORM, takes_focus=True),
    Place("accounts:notifications", "/account/notifications/", "student"),
    Place("accounts:notifications", "/account/notifications/", "newcomer"),
    Place("accounts:learners", "/account/learners/", "student"),
    Place("accounts:learners", "/account/learners/", "newcomer"),
    Place("accounts:learners", "/account/learners/", "student", 422, FORM, takes_focus=True),
    Place("accounts:learner", "/account/learners/{learner}/", "student"),
    Place("accounts:learner", "/account/learners/{learner}/", "newcomer"),
    Place("accounts:learner-remove", "/account/learners/{learner}/remove/", "student"),
    Place("addresses:list", "/account/addresses/", "student"),
    Place("addresses:list", "/account/addresses/", "newcomer"),
    Place("addresses:list", "/account/addresses/", "student", 422, FORM, takes_focus=True),
    Place("addresses:edit", "/account/addresses/{address}/", "student"),
    Place("addresses:remove", "/account/addresses/{address}/remove/", "student"),
    Place("lessons:calendar-settings", "/account/calendar/", "newcomer"),
    Place("lessons:calendar-settings", "/account/calendar/", "student"),
    Place("accounts:security", "/account/security/", "student"),
    Place("account_change_password", CHANGE_PASSWORD, "student"),
    Place("account_change_password", CHANGE_PASSWORD, "student", 422, FORM, takes_focus=True),
    Place("account_reauthenticate", "/accounts/reauthenticate/?next=/lessons/", "student"),
    Place("account_email", "/accounts/email/", "careful"),
    Place("account_email", "/accounts/email/", "careful", 422, FORM, takes_focus=True),
    Place("account_email", "/accounts/email/", "moving"),
    Place("accounts:email-confirm", "/accounts/email/confirm/{email_confirm}/"),
    Place("accounts:email-confirm", "/accounts/email/confirm/unknown/", status=410),
    Place("accounts:email-undo", "/accounts/email/undo/{email_undo}/"),
    Place("accounts:email-undo", "/accounts/email/undo/unknown/", status=410),
    Place("mfa_activate_totp", SECOND_STEP, "careful"),
    Place("mfa_activate_totp", SECOND_STEP, "careful", 422, FORM, takes_focus=True),
    Place("mfa_deactivate_totp", "/accounts/2fa/totp/deactivate/", "secured"),
    Place("mfa_view_recovery_codes", "/accounts/2fa/recovery-codes/", "secured"),
    Place("mfa_reauthenticate", "/accounts/2fa/reauthenticate/?next=/lessons/", "secured"),
    Place("mfa_authenticate", "/accounts/2fa/authenticate/", "entering"),
    Place(
        "mfa_authenticate", "/accounts/2fa/authenticate/", "entering", 422, FORM, takes_focus=True
    ),
    Place("accounts:security", "/account/security/", "secured"),
    Place("usersessions_list", "/accounts/sessions/", "student"),
    Place("legal:terms", "/legal/terms/"),
    Place("legal:privacy", "/legal/privacy/"),
    Place("legal:accessibility", "/accessibility/"),
    Place("notifications:mail-list", "/dev/mail/"),
    Place("notifications:mail-detail", "/dev/mail/{mail}/"),
    Place("admin:index", "/admin/", "staff", takes_focus=True),
    Place("admin:app_list", "/admin/catalog/", "staff", takes_focus=True),
    *(
        Place(
            f"admin:{kind}_changelist",
            f"/admin/{kind.replace('_', '/')}/",
            "staff",
            takes_focus=True,
        )
        for kind in STAFF_LISTS
    ),
    Place(
        "admin:accounts_user_change",
        "/admin/accounts/user/{learner_key}/change/",
        "staff",
        takes_focus=True,
    ),
    Place(
        "admin:accounts_user_action",
        "/admin/accounts/user/{learner_key}/suspend/",
        "staff",
        takes_focus=True,
    ),
    Place(
        "admin:lessons_booking_change",
        "/admin/lessons/booking/{lesson_key}/change/",
        "staff",
        takes_focus=True,
    ),
    Place(
        "admin:catalog_service_change",
        "/admin/catalog/service/{service_key}/change/",
        "staff",
        takes_focus=True,
    ),
    Place("admin:catalog_policy_add", "/admin/catalog/policy/add/", "staff", takes_focus=True),
    Place("gallery", "/dev/gallery/", "staff", takes_focus=True),
    Place("gallery", "/dev/gallery/?dialog=1", "staff"),
    *(
        Place("gallery", f"/dev/gallery/?error={status}", "staff", status)
        for status in sorted(ERROR_STATUSES)
    ),
)

NO_PAGES: Final = {
    "lessons:proposal": "takes a form only",
    "lessons:proposal-teaching": "takes a form only",
    "search:history-forget": "takes a form only",
    "search:history-clear": "takes a form only",
    "search:history-undo": "takes a form only",
    "search:history-pause": "takes a form only",
    "mfa_index": "leads to login and security",
    "mfa_generate_recovery_codes": "takes a form only",
    "mfa_download_recovery_codes": "a file",
    "search:count": "the words of one button",
    "search:suggestions": "the options of a list",
    "search:places": "the options of a list",
    "healthz": "one word for machines",
    "readyz": "JSON for machines",
    "robots": "lines for machines",
    "sitemap": "XML for machines",
    "admin:jsi18n": "words for the widgets of the admin",
    **dict.fromkeys(
        (
            "admin:accounts_auditevent_change",
            "admin:catalog_category_change",
            "admin:catalog_instructor_change",
            "admin:catalog_neighborhood_change",
            "admin:catalog_offering_change",
            "admin:catalog_policy_change",
            "admin:lessons_lessonreport_change",
            "admin:lessons_strike_change",
            "admin:notifications_outgoingmail_change",
            "admin:payments_credit_change",
            "admin:payments_ledgertransaction_change",
            "admin:payments_paymentattempt_change",
            "admin:payments_refund_change",
            "admin:privacy_consent_change",
            "admin:reviews_review_change",
        ),
        LIKE_A_USER,
    ),
    "admin:catalog_instructor_action": "the page of an account's action, with a date",
    "admin:lessons_booking_action": "the page of an account's action",
    "admin:lessons_strike_action": "the page of an account's action",
    "admin:reviews_review_action": "the page of an account's action",
    "accounts:add-learning": "takes a form only",
    "block": "takes a form only",
    "block-student": "takes a form only",
    "unblock": "leads to the list",
    "accounts:viewing-end": "takes a form only",
    "accounts:demo-sign-in": "takes a form only",
    "staff-inbox-index": "leads to the first list",
    "staff-inbox-handle": "takes a form only",
    "lessons:pay": "takes a form only",
    "payments:webhook": "for the gateway alone",
    "lessons:confirm": "takes a form only",
    "lessons:release": "takes a form only",
    "lessons:hold-again": "takes a form only",
    "lessons:calendar-file": "a calendar file",
    "lessons:feed": "a calendar file",
    "notifications:mail-attachment": "a file",
    "notifications:mail-html": "a mail, which has tests of its own",
}
"""Addresses without a page of the site, and why."""
