"""When what monitors found becomes an alarm, what it likely costs, and how people are told of it."""
