"""The database of runs, datasets, models and deployments; a module a subject."""
