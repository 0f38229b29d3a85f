"""Mail as rows, sent by the worker."""
