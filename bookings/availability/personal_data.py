"""What availability knows about people: when instructors teach. Spec: S6.5."""

from privacy.registry import Basis, Erasure, Holding, Use, register
from privacy.replacements import TEXT

HOURS = Use(
    purpose="To offer times that can be booked",
    basis=Basis.CONTRACT,
    erasure=Erasure.DELETE,
    retention="until the account is closed",
)

register(
    [
        Holding(model="availability.AvailabilityRules", subjects=("instructor__user",), use=HOURS),
        Holding(model="availability.WeeklyWindow", subjects=("instructor__user",), use=HOURS),
        Holding(model="availability.OverrideDay", subjects=("instructor__user",), use=HOURS),
        Holding(
            model="availability.OverrideWindow", subjects=("day__instructor__user",), use=HOURS
        ),
        Holding(
            model="availability.Blackout",
            subjects=("instructor__user",),
            use=HOURS,
            personal={"label": TEXT},
        ),
        Holding(
            model="availability.ConnectedCalendar",
            subjects=("instructor__user",),
            use=Use(
                purpose="So that nobody books time that another calendar keeps",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="until the calendar is disconnected or the account closed",
                not_exported="an encrypted secret; names and states are on the page of calendars",
            ),
            personal={"name": TEXT},
            plain=("sealed_address", "address_digest"),
            is_left_out_of_copies=True,
        ),
        Holding(
            model="availability.BusyTime",
            subjects=("instructor__user",),
            use=Use(
                purpose="So that nobody books time that another calendar keeps",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="until the calendar says otherwise, 48 hours when it cannot be read",
            ),
            is_left_out_of_copies=True,
        ),
        Holding(
            model="availability.CalendarChange",
            subjects=("instructor__user",),
            use=Use(
                purpose="So that searches show times as they are now",
                basis=Basis.CONTRACT,
                erasure=Erasure.DELETE,
                retention="1 day",
                not_exported="notes that some calendar changed",
            ),
            is_left_out_of_copies=True,
        ),
    ]
)
