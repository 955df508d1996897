"""Small tables to check components on, with models and pipelines of the kit's own around them."""
