"""Charging, refunding and keeping the books (Spec: 08)."""
