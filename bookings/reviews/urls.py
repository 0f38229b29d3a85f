"""Addresses of reviews (Spec: 12 section 6)."""

from django.urls import path

from bookings.reviews import views

app_name = "reviews"

urlpatterns = [path("lessons/<slug:code>/review/", views.lesson_review, name="write")]
