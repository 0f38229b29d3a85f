"""The demo city: invented people, offers, hours and lessons for INT and STG.

Spec: 00 section 9
"""
