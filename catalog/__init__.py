"""What can be learnt, where, and who teaches it."""
