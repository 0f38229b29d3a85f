"""Holds, lessons and their rules."""
