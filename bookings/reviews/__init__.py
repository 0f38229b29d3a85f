"""What students say after a lesson, and the numbers that follow from it."""
