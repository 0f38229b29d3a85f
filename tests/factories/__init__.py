"""Test objects: every factory makes something valid, live and bookable unless told otherwise."""
