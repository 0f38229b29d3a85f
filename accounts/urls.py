"""The pages of allauth that we use, under allauth's own paths and names, and the demo sign-in."""

from django.urls import include, path, re_path

from accounts.views import (
    email,
    entrance,
    learners,
    second_step,
    security,
    settings,
    texts,
    viewing,
)

own_urlpatterns = [
    path("accounts/demo-sign-in/", entrance.demo_sign_in, name="demo-sign-in"),
    path("account/", settings.settings, name="settings"),
    path("account/viewing/end/", viewing.end, name="viewing-end"),
    path("account/learning/", settings.add_learning, name="add-learning"),
    path("account/notifications/", settings.notifications, name="notifications"),
    path("account/texts/", texts.agree, name="texts"),
    path("account/texts/code/", texts.confirm, name="texts-confirm"),
    path("account/texts/end/", texts.end, name="texts-end"),
    path("mail/off/<str:token>/", settings.mail_off, name="mail-off"),
    path("account/learners/", learners.learner_list, name="learners"),
    path("account/learners/<slug:learner_id>/", learners.learner_edit, name="learner"),
    path(
        "account/learners/<slug:learner_id>/remove/", learners.learner_remove, name="learner-remove"
    ),
    path("account/security/", security.overview, name="security"),
    path("accounts/email/confirm/<str:token>/", email.confirm, name="email-confirm"),
    path("accounts/email/undo/<str:token>/", email.undo, name="email-undo"),
]

allauth_urlpatterns = [
    path("login/", entrance.sign_in, name="account_login"),
    path("signup/", entrance.sign_up, name="account_signup"),
    path("logout/", entrance.sign_out, name="account_logout"),
    path("inactive/", entrance.inactive, name="account_inactive"),
    path("confirm-email/", entrance.enter_code, name="account_email_verification_sent"),
    path("password/reset/", entrance.reset_request, name="account_reset_password"),
    path("password/reset/done/", entrance.reset_sent, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        entrance.reset_password,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/", entrance.reset_done, name="account_reset_password_from_key_done"
    ),
    path("email/", email.change, name="account_email"),
    path("password/change/", security.password_change, name="account_change_password"),
    path("reauthenticate/", security.ask_again, name="account_reauthenticate"),
    path("2fa/", second_step.index, name="mfa_index"),
    path("2fa/authenticate/", second_step.enter_code, name="mfa_authenticate"),
    path("2fa/reauthenticate/", second_step.ask_again, name="mfa_reauthenticate"),
    path("2fa/totp/activate/", second_step.activate, name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", second_step.deactivate, name="mfa_deactivate_totp"),
    path("2fa/recovery-codes/", second_step.recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "2fa/recovery-codes/generate/",
        second_step.renew_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        "2fa/recovery-codes/download/",
        second_step.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    path("sessions/", security.session_list, name="usersessions_list"),
]

urlpatterns = [
    path("accounts/", include(allauth_urlpatterns)),
    path("", include((own_urlpatterns, "accounts"))),
]
