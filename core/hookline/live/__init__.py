"""What is in production: promotion, serving, monitoring."""
