"""What each kind of stage does; a module a stage, or a few that belong together."""
