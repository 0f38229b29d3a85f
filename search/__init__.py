"""From words to instructors who can be booked."""
