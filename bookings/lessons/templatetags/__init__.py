"""Template tags of the lesson pages."""
