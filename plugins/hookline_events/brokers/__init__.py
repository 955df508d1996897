"""The brokers that events come from, a module each, which all say the same of them."""
