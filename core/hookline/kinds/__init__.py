"""What a plugin is made of, and what flows between stages: kinds, components, artifacts, capabilities, hooks."""
