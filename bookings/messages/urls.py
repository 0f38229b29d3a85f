"""Addresses of messages (Spec: S11.4)."""

from django.urls import path

from bookings.messages import views

app_name = "messages"

urlpatterns = [
    path("messages/", views.threads, name="list"),
    path("messages/about/<slug:code>/", views.about_lesson, name="about"),
    path("messages/<slug:thread>/", views.thread, name="thread"),
    path("messages/<slug:thread>/read/", views.read, name="read"),
    path("messages/<slug:thread>/block/", views.block, name="block"),
    path("messages/<slug:thread>/report/<slug:letter>/", views.report, name="report"),
    path("i/<slug:slug>/message/", views.to_instructor, name="to-instructor"),
]
