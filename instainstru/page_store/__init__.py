"""Public pages kept as bytes, so that anonymous visitors are answered before anything else runs.

``routes`` lists the pages, ``pages`` is one of them, ``versions`` tells when they are outdated and
``middleware`` serves them.
"""
