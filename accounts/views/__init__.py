"""Pages about who someone is."""
