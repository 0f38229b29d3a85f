"""InstaInstru: the lessons marketplace for New York City."""
