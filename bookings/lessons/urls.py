"""Addresses of the lesson's path (Spec: 12 section 6)."""

from django.urls import path

from bookings.lessons.views import (
    card_pages,
    changes,
    checkout,
    feeds,
    my_lessons,
    reliability,
    reports,
    series,
    teaching,
    times,
    tips,
)

app_name = "lessons"

urlpatterns = [
    path("i/<slug:slug>/book/", times.times, name="times"),
    path("i/<slug:slug>/book/weekly/", series.weekly, name="weekly"),
    path("book/bank/", card_pages.bank_return, name="bank-return"),
    path("book/<slug:hold_id>/", checkout.checkout_page, name="checkout"),
    path("book/<slug:hold_id>/pay/", checkout.pay, name="pay"),
    path("book/<slug:hold_id>/card/", checkout.card_page, name="card-page"),
    path("book/<slug:hold_id>/promo/", checkout.promo, name="promo"),
    path("book/<slug:hold_id>/bank/", checkout.bank_step, name="bank-step"),
    path("book/<slug:hold_id>/payment/", checkout.payment_state, name="payment-state"),
    path("book/<slug:hold_id>/release/", checkout.release, name="release"),
    path("book/<slug:hold_id>/again/", checkout.hold_again, name="hold-again"),
    path("lessons/", my_lessons.lesson_list, name="list"),
    path("lessons/<slug:code>/", my_lessons.lesson_detail, name="detail"),
    path("lessons/<slug:code>/confirmed/", checkout.confirmed, name="confirmed"),
    path("lessons/<slug:code>/confirm/", my_lessons.booking_confirm, name="confirm"),
    path("lessons/<slug:code>/cancel/", my_lessons.booking_cancel, name="cancel"),
    path("lessons/<slug:code>/reschedule/", changes.reschedule, name="reschedule"),
    path("lessons/<slug:code>/proposal/", changes.answer_as_student, name="proposal"),
    path("lessons/<slug:code>/report/", reports.report, name="report"),
    path("lessons/<slug:code>/good-fit/", reports.good_fit, name="good-fit"),
    path("teach/", teaching.teaching, name="teaching"),
    path("teach/reliability/", reliability.reliability, name="reliability"),
    path("teach/lessons/<slug:code>/dispute/", reliability.dispute, name="dispute"),
    path("teach/lessons/<slug:code>/", teaching.taught, name="taught"),
    path("teach/lessons/<slug:code>/new-time/", changes.propose, name="propose"),
    path(
        "teach/lessons/<slug:code>/proposal/",
        changes.answer_as_instructor,
        name="proposal-teaching",
    ),
    path("teach/lessons/<slug:code>/cancel/", teaching.cancel_teaching, name="cancel-teaching"),
    path("teach/lessons/<slug:code>/report/", reports.report_teaching, name="report-teaching"),
    path("teach/lessons/<slug:code>/waive/", teaching.waive, name="waive"),
    path("lessons/<slug:code>/tip/", tips.tip, name="tip"),
    path("lessons/<slug:code>/tip/bank/", tips.bank_step, name="tip-bank-step"),
    path("lessons/<slug:code>/tip/card/", tips.card_page, name="tip-card-page"),
    path("lessons/<slug:code>/receipt/", my_lessons.receipt, name="receipt"),
    path("account/calendar/", feeds.calendar_settings, name="calendar-settings"),
    path("calendar/<str:token>.ics", feeds.feed, name="feed"),
    path("lessons/<slug:code>/lesson.ics", my_lessons.calendar_file, name="calendar-file"),
]
