"""What is odd, leaks, has moved or is not covered, said as findings."""
