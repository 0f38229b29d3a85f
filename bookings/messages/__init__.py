"""Letters between a student and an instructor: one thread for each pair (Spec: S11.4)."""
