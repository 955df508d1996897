"""A model kept in step with a tracker's registry: its versions registered there, and aliases that move on either side."""
