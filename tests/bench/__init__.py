"""The benchmark behind ``bin/bench`` (Spec: S18.1)."""
