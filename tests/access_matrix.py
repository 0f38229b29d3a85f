"""Who may call which address: written down apart from the code that says the same (Spec: S5.2).

One row each: the name, who may call it, and an address where the name alone gives none.
Permissions are joined by ``+`` (all of them) or ``|`` (one of them); ``public>p`` is open to
guests, who are led to sign-in when it matters, while signed-in people need the permission ``p``.
"""

from typing import NamedTuple

from accounts.roles import Role, permissions_of

ANY_STAFF = (
    "analytics.export|analytics.view|bookings.manage_all|bookings.view_all|catalog.manage|"
    "instructors.verify|payouts.manage|refunds.issue|reviews.moderate|roles.assign|"
    "system.monitor|users.manage|users.view"
)
ROWS = f"""
about                                 public
access                                account.manage_own
account_change_password               account.manage_own
account_email                         account.manage_own
account_email_verification_sent       public
account_inactive                      public
account_login                         public
account_logout                        public
account_reauthenticate                account.manage_own
account_reset_password                public
account_reset_password_done           public
account_reset_password_from_key       public                   /accounts/password/reset/key/1-x/
account_reset_password_from_key_done  public
account_signup                        public
accounts:add-learning                 account.manage_own
accounts:demo-sign-in                 public
accounts:email-confirm                public                   /accounts/email/confirm/unknown/
accounts:email-undo                   public                   /accounts/email/undo/unknown/
accounts:learner                      account.manage_own       /account/learners/ZZZZZZZZZZ/
accounts:learner-remove               account.manage_own       /account/learners/ZZZZZZZZZZ/remove/
accounts:learners                     account.manage_own
accounts:mail-off                     public                   /mail/off/unknown/
accounts:notifications                account.manage_own
accounts:security                     account.manage_own
accounts:settings                     account.manage_own
accounts:texts                        account.manage_own
accounts:texts-confirm                account.manage_own
accounts:texts-end                    account.manage_own
accounts:viewing-end                  account.manage_own
addresses:edit                        account.manage_own       /account/addresses/ZZZZZZZZZZ/
addresses:list                        account.manage_own
addresses:remove                      account.manage_own       /account/addresses/ZZZZZZZZZZ/remove/
admin:accounts_auditevent_change      system.monitor           /admin/accounts/auditevent/0/change/
admin:accounts_auditevent_changelist  system.monitor
admin:accounts_user_action            users.view               /admin/accounts/user/0/reveal/
admin:accounts_user_action            users.manage             /admin/accounts/user/0/suspend/
admin:accounts_user_action            roles.assign             /admin/accounts/user/0/assign-role/
admin:accounts_user_change            users.view               /admin/accounts/user/0/change/
admin:accounts_user_changelist        users.view
admin:app_list                        {ANY_STAFF}              /admin/catalog/
admin:catalog_category_change         catalog.manage           /admin/catalog/category/0/change/
admin:catalog_category_changelist     catalog.manage
admin:catalog_instructor_action       instructors.verify       /admin/catalog/instructor/0/background-check/
admin:catalog_instructor_change       users.view|instructors.verify /admin/catalog/instructor/0/change/
admin:catalog_instructor_changelist   users.view|instructors.verify
admin:catalog_neighborhood_change     catalog.manage           /admin/catalog/neighborhood/0/change/
admin:catalog_neighborhood_changelist catalog.manage
admin:catalog_offering_change         users.view|catalog.manage /admin/catalog/offering/0/change/
admin:catalog_offering_changelist     users.view|catalog.manage
admin:catalog_policy_add              system.monitor
admin:catalog_policy_change           system.monitor|refunds.issue|payouts.manage /admin/catalog/policy/0/change/
admin:catalog_policy_changelist       system.monitor|refunds.issue|payouts.manage
admin:catalog_service_change          catalog.manage           /admin/catalog/service/0/change/
admin:catalog_service_changelist      catalog.manage
admin:index                           {ANY_STAFF}
admin:jsi18n                          {ANY_STAFF}
admin:lessons_booking_action          bookings.manage_all      /admin/lessons/booking/0/cancel/
admin:lessons_booking_action          users.manage             /admin/lessons/booking/0/support-access/
admin:lessons_booking_change          bookings.view_all        /admin/lessons/booking/0/change/
admin:lessons_booking_changelist      bookings.view_all
admin:lessons_emergencyrequest_action bookings.manage_all      /admin/lessons/emergencyrequest/0/decline/
admin:lessons_emergencyrequest_change bookings.view_all        /admin/lessons/emergencyrequest/0/change/
admin:lessons_emergencyrequest_changelist bookings.view_all
admin:lessons_lessonreport_change     bookings.view_all        /admin/lessons/lessonreport/0/change/
admin:lessons_lessonreport_changelist bookings.view_all
admin:lessons_strike_action           bookings.manage_all      /admin/lessons/strike/0/withdraw/
admin:lessons_strike_change           bookings.view_all        /admin/lessons/strike/0/change/
admin:lessons_strike_changelist       bookings.view_all
admin:notifications_outgoingmail_change system.monitor           /admin/notifications/outgoingmail/0/change/
admin:notifications_outgoingmail_changelist system.monitor
admin:notifications_outgoingtext_change system.monitor           /admin/notifications/outgoingtext/0/change/
admin:notifications_outgoingtext_changelist system.monitor
admin:payments_credit_change          refunds.issue|payouts.manage /admin/payments/credit/0/change/
admin:payments_credit_changelist      refunds.issue|payouts.manage
admin:payments_ledgertransaction_change refunds.issue|payouts.manage /admin/payments/ledgertransaction/0/change/
admin:payments_ledgertransaction_changelist refunds.issue|payouts.manage
admin:payments_paymentattempt_change  refunds.issue|payouts.manage /admin/payments/paymentattempt/0/change/
admin:payments_paymentattempt_changelist refunds.issue|payouts.manage
admin:payments_payee_action           payouts.manage           /admin/payments/payee/0/hold/
admin:payments_payee_change           payouts.manage           /admin/payments/payee/0/change/
admin:payments_payee_changelist       payouts.manage
admin:payments_payout_change          payouts.manage           /admin/payments/payout/0/change/
admin:payments_payout_changelist      payouts.manage
admin:payments_promocode_add          payouts.manage
admin:payments_promocode_change       refunds.issue|payouts.manage /admin/payments/promocode/0/change/
admin:payments_promocode_changelist   refunds.issue|payouts.manage
admin:payments_reconciliation_change  refunds.issue|payouts.manage /admin/payments/reconciliation/0/change/
admin:payments_reconciliation_changelist refunds.issue|payouts.manage
admin:payments_refund_change          refunds.issue|payouts.manage /admin/payments/refund/0/change/
admin:payments_refund_changelist      refunds.issue|payouts.manage
admin:payments_taxrecord_change       payouts.manage           /admin/payments/taxrecord/0/change/
admin:payments_taxrecord_changelist   payouts.manage
admin:payments_taxrecord_csv          payouts.manage
admin:privacy_consent_change          users.manage             /admin/privacy/consent/0/change/
admin:privacy_consent_changelist      users.manage
admin:reviews_review_action           reviews.moderate         /admin/reviews/review/0/hide/
admin:reviews_review_change           reviews.moderate         /admin/reviews/review/0/change/
admin:reviews_review_changelist       reviews.moderate
api:booking                           bookings.view_own        /api/v1/bookings/II-ZZZZZZ/
api:bookings                          bookings.view_own
api:cancel                            bookings.manage_own      /api/v1/bookings/II-ZZZZZZ/cancel/
api:confirm                           bookings.create          /api/v1/holds/ZZZZZZZZZZ/confirm/
api:favorite                          favorites.manage_own     /api/v1/favorites/nobody/
api:favorites                         favorites.manage_own
api:history                           public>search.history_own
api:instructor                        public                   /api/v1/instructors/maya-c/
api:notifications                     account.manage_own
api:search                            public
api:services                          public
api:hold                              public                   /api/v1/holds/ZZZZZZZZZZ/
api:holds                             public>bookings.create
api:move                              bookings.manage_own      /api/v1/bookings/II-ZZZZZZ/move/
api:schema                            public
api:slots                             public                   /api/v1/instructors/maya-c/slots/
block                                 account.manage_own       /i/maya-c/block/
block-student                         lessons.manage_teaching  /teach/lessons/II-ZZZZZZ/block/
catalog:all-services                  public
catalog:category                      public                   /services/music/
catalog:notify                        public                   /notify/nobody/
catalog:service                       public                   /services/music/nobody/
catalog:suggest                       public
contact                               public
csp-report                            public
notices                               account.manage_own
favorite                              public>favorites.manage_own  /favorites/maya-c/
favorites                             favorites.manage_own
gallery                               system.monitor
healthz                               public
help:article                          public                   /help/canceling/
help:index                            public
home                                  public
how-it-works                          public
hours:availability                    availability.manage_own
hours:copy                            availability.manage_own
hours:rules                           availability.manage_own
calendars:list                        availability.manage_own
calendars:disconnect                  availability.manage_own  /teach/calendars/0/disconnect/
hours:zone                            availability.manage_own
hours:time-off                        availability.manage_own
hours:time-off-remove                 availability.manage_own  /teach/availability/time-off/0/remove/
instructor-profile                    public                   /i/maya-c/
legal:accessibility                   public
legal:privacy                         public
legal:terms                           public
lessons:bank-step                     bookings.create          /book/ZZZZZZZZZZ/bank/
lessons:bank-return                   bookings.create          /book/bank/
lessons:card-page                     bookings.create          /book/ZZZZZZZZZZ/card/
lessons:tip-bank-step                 bookings.manage_own      /lessons/II-ZZZZZZ/tip/bank/
lessons:tip-card-page                 bookings.manage_own      /lessons/II-ZZZZZZ/tip/card/
lessons:calendar-file                 bookings.view_own        /lessons/II-ZZZZZZ/lesson.ics
lessons:calendar-settings             account.manage_own
lessons:feed                          public                   /calendar/unknown.ics
lessons:cancel                        bookings.manage_own      /lessons/II-ZZZZZZ/cancel/
lessons:promo                         bookings.create          /book/ZZZZZZZZZZ/promo/
lessons:checkout                      public                   /book/ZZZZZZZZZZ/
lessons:confirm                       bookings.manage_own      /lessons/II-ZZZZZZ/confirm/
lessons:confirmed                     bookings.view_own        /lessons/II-ZZZZZZ/confirmed/
lessons:detail                        bookings.view_own        /lessons/II-ZZZZZZ/
lessons:cancel-teaching               lessons.manage_teaching  /teach/lessons/II-ZZZZZZ/cancel/
lessons:good-fit                      bookings.manage_own      /lessons/II-ZZZZZZ/good-fit/
lessons:emergency                     bookings.manage_own      /lessons/II-ZZZZZZ/emergency/
lessons:late                          bookings.manage_own      /lessons/II-ZZZZZZ/late/
lessons:late-teaching                 lessons.manage_teaching  /teach/lessons/II-ZZZZZZ/late/
lessons:weather                       bookings.manage_own      /lessons/II-ZZZZZZ/weather/
lessons:weather-teaching              lessons.manage_teaching  /teach/lessons/II-ZZZZZZ/weather/
lessons:propose                       lessons.manage_teaching  /teach/lessons/II-ZZZZZZ/new-time/
lessons:proposal                      bookings.manage_own      /lessons/II-ZZZZZZ/proposal/
lessons:proposal-teaching             lessons.manage_teaching  /teach/lessons/II-ZZZZZZ/proposal/
lessons:evidence                      bookings.manage_own      /lessons/II-ZZZZZZ/evidence/
lessons:evidence-teaching             lessons.manage_teaching  /teach/lessons/II-ZZZZZZ/evidence/
lessons:report-picture                bookings.view_own|lessons.view_teaching|bookings.view_all /pictures/ffff-480.webp
lessons:report                        bookings.manage_own      /lessons/II-ZZZZZZ/report/
lessons:report-teaching               lessons.manage_teaching  /teach/lessons/II-ZZZZZZ/report/
lessons:receipt                       bookings.view_own        /lessons/II-ZZZZZZ/receipt/
lessons:reschedule                    bookings.manage_own      /lessons/II-ZZZZZZ/reschedule/
lessons:tip                           bookings.manage_own      /lessons/II-ZZZZZZ/tip/
lessons:taught                        lessons.view_teaching    /teach/lessons/II-ZZZZZZ/
lessons:reliability                   lessons.view_teaching
lessons:dispute                       lessons.manage_teaching  /teach/lessons/II-ZZZZZZ/dispute/
lessons:teaching                      lessons.view_teaching
lessons:waive                         lessons.manage_teaching  /teach/lessons/II-ZZZZZZ/waive/
lessons:hold-again                    public>bookings.create   /book/ZZZZZZZZZZ/again/
lessons:list                          bookings.view_own
lessons:pay                           bookings.create          /book/ZZZZZZZZZZ/pay/
lessons:payment-state                 bookings.create          /book/ZZZZZZZZZZ/payment/
lessons:release                       public                   /book/ZZZZZZZZZZ/release/
lessons:times                         public>bookings.create   /i/maya-c/book/
lessons:weekly                        public>bookings.create   /i/nobody/book/weekly/
messages:about                        messages.send_own        /messages/about/II-ZZZZZZ/
messages:block                        messages.send_own        /messages/ZZZZZZZZZZ/block/
messages:list                         messages.send_own
messages:read                         messages.send_own        /messages/ZZZZZZZZZZ/read/
messages:report                       messages.send_own        /messages/ZZZZZZZZZZ/report/ZZZZZZZZZZ/
messages:thread                       messages.send_own        /messages/ZZZZZZZZZZ/
messages:to-instructor                messages.send_own        /i/nobody/message/
mfa_activate_totp                     account.manage_own
mfa_authenticate                      public
mfa_deactivate_totp                   account.manage_own
mfa_download_recovery_codes           account.manage_own
mfa_generate_recovery_codes           account.manage_own
mfa_index                             account.manage_own
mfa_reauthenticate                    account.manage_own
mfa_view_recovery_codes               account.manage_own
notifications:mail-attachment         public                   /dev/mail/ZZZZZZZZZZ/attachments/0/
notifications:mail-detail             public                   /dev/mail/ZZZZZZZZZZ/
notifications:mail-html               public                   /dev/mail/ZZZZZZZZZZ/html/
notifications:mail-list               public
notify-return                         public                   /i/maya-c/notify/
payments:earnings                     earnings.view_own
payments:earnings-csv                 earnings.view_own
payments:payout-details               earnings.view_own
payments:payee-page                   earnings.view_own
payments:payee-return                 earnings.view_own
payments:webhook                      public                   /webhooks/test/
preferences                           bookings.create
profile-report                        public                   /i/maya-c/report/
readyz                                public
reviews:write                         reviews.create           /lessons/II-ZZZZZZ/review/
robots                                public
search:count                          public
search:history  public>search.history_own
search:history-clear  public>search.history_own
search:history-forget  public>search.history_own  /privacy/history/1/delete/
search:history-pause  public>search.history_own
search:history-undo  public>search.history_own
search:places                         public
search:results                        public
search:suggestions                    public
sharing:learner                       account.manage_own       /account/learners/ZZZZZZZZZZ/share/
sharing:learner-invitation            signed-in                /invitations/learner/unknown/
sitemap                               public
inbound-texts                         public
text-list                             public
staff-api                             system.monitor
staff-mail-previews                   system.monitor
staff-mail-preview                    system.monitor           /staff/mails/lesson_confirmed/
staff-mail-preview-html               system.monitor           /staff/mails/lesson_confirmed/html/
staff-inbox                           reviews.moderate         /staff/inbox/reports/
staff-inbox                           catalog.manage           /staff/inbox/suggestions/
staff-inbox                           instructors.verify       /staff/inbox/teaching/
staff-inbox                           users.view               /staff/inbox/messages/
staff-inbox-handle                    users.view               /staff/inbox/messages/ZZZZZZZZZZ/
staff-inbox-handle                    catalog.manage           /staff/inbox/suggestions/ZZZZZZZZZZ/
staff-inbox-index                     reviews.moderate|catalog.manage|instructors.verify|users.view
stop-mail                             public                   /mail/stop/unknown/
teach-start                           public
team:invitation                       signed-in                /invitations/calendar/unknown/
team:of                               availability.manage_own  /teach/team/maya-c/
team:own                              availability.manage_own
unblock                               account.manage_own       /account/access/blocked/0/
usersessions_list                     account.manage_own
waitlist                              public
"""  # noqa: E501 - one row, one line


class Rule(NamedTuple):
    """One row."""

    name: str
    who: str
    address: str

    @property
    def is_api(self) -> bool:
        """Whether it is an address for programs."""
        return self.name.startswith("api:")

    @property
    def guests_enter(self) -> bool:
        """Whether a guest is answered."""
        return self.who.startswith("public")

    def allows(self, role: Role) -> bool:
        """Whether a signed-in person with this role alone is answered."""
        held = permissions_of(role)
        wanted = self.who.removeprefix("public").removeprefix(">").removeprefix("signed-in")
        if not wanted:
            return True
        if "|" in wanted:
            return any(each in held for each in wanted.split("|"))
        return all(each in held for each in wanted.split("+"))


def rules() -> list[Rule]:
    """Return the rows; those without an address are reached by their name alone."""
    lines = (line.split() for line in ROWS.strip().splitlines())
    return [Rule(name, who, address[0] if address else "") for name, who, *address in lines]
