"""Instructors edit when they teach: pages, and saves under the lock of bookings (Spec: S15.4)."""
