"""Who has which time."""
