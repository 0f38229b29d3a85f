"""Mails to read on INT and STG; included at ``/dev/mail/``."""

from django.urls import path

from bookings.notifications import views

app_name = "notifications"

urlpatterns = [
    path("", views.mail_list, name="mail-list"),
    path("<slug:public_id>/", views.mail_detail, name="mail-detail"),
    path("<slug:public_id>/html/", views.mail_html, name="mail-html"),
    path(
        "<slug:public_id>/attachments/<int:index>/", views.mail_attachment, name="mail-attachment"
    ),
]
