"""What is said of how varied a table is: findings, and sentences."""
