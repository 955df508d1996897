"""What people give besides a component: names, switches of the environment, secrets, and references to them."""
